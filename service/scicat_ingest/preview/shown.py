"""A preview as a document: what `map --json` prints, and what golden examples are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.faults import RecordFault

if TYPE_CHECKING:
    from scicat_ingest.plan.steps import Plan


def as_document(result: Plan | Ignored | RecordFault) -> dict[str, Any]:
    """Give {pid, dataset, origdatablocks, attachments, warnings} as SciCat's v4 routes take them, {ignored} or {fault}.

    All blocks of a long file list are in it.
    """
    match result:
        case Ignored():
            return {"ignored": result.reason}
        case RecordFault():
            fault = {"code": result.code, "message": result.message, "field": result.field, "hint": result.hint}
            return {"fault": fault}
        case plan:
            return {
                "pid": plan.pid,
                "dataset": plan.dataset.payload,
                "origdatablocks": [block.payload for block in plan.blocks],
                "attachments": [attachment.payload for attachment in plan.attachments],
                "warnings": list(plan.warnings),
            }
