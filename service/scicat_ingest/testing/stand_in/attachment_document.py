"""An attachment as it is stored, alike by v3 and v4, and as it is shown: by v3 with a datasetId, no relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scicat_ingest.testing.stand_in.exchange import Document

RELATION = "is attached to"


def to_dataset(pid: str) -> Document:
    """Return the relationship of an attachment to a dataset."""
    return {"targetId": pid, "targetType": "dataset", "relationType": RELATION}


def datasets_of(attachment: Document) -> list[str]:
    """Return the pids of the datasets that it is attached to."""
    relationships = attachment.get("relationships") or ()
    return [relation["targetId"] for relation in relationships if relation["targetType"] == "dataset"]


def show_attachment(attachment: Document, version: str) -> Document:
    """Return an attachment as an answer. v3 has neither `aid` nor relationships."""
    if version == "v4":
        return attachment
    shown = {name: value for name, value in attachment.items() if name not in {"aid", "relationships"}}
    return shown | {"id": attachment["_id"], "datasetId": next(iter(datasets_of(attachment)), None)}
