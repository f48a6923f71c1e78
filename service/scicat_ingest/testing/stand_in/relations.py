"""What `include` puts into a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.testing.stand_in.attachment_document import show_attachment
from scicat_ingest.testing.stand_in.block_document import show_block
from scicat_ingest.testing.stand_in.matching import matches
from scicat_ingest.testing.stand_in.queries import Include, project, whole
from scicat_ingest.testing.stand_in.store import ATTACHMENTS, BLOCKS, INSTRUMENTS, PROPOSALS, SAMPLES

if TYPE_CHECKING:
    from scicat_ingest.testing.stand_in.backend import Backend
    from scicat_ingest.testing.stand_in.exchange import Call, Document

RELATIONS = ("instruments", "proposals", "origdatablocks", "datablocks", "attachments", "samples")


def add_relations(
    backend: Backend, call: Call, dataset: Document, includes: tuple[Include, ...], version: str
) -> Document:
    """Return a dataset with what is included, as far as the caller may see it and the scope asks for it.

    A scope knows `where`, `fields` and `limits` {limit, skip, sort}; a `limit` or an `order` beside them does nothing.
    Without limits all of it comes.
    """
    found = dict(dataset)
    for include in includes:
        documents = _related(backend, call, dataset, include.relation, version)
        limits = include.scope.get("limits") or {}
        start = whole(limits.get("skip"), 0)
        stop = start + whole(limits["limit"], 0) if limits.get("limit") else None
        fitting = [document for document in documents if matches(document, include.scope.get("where") or {})][
            start:stop
        ]
        for name, direction in reversed((limits.get("sort") or {}).items()):
            fitting.sort(key=lambda document: str(document.get(name)), reverse=direction != "asc")
        found[include.relation] = [project(document, include.scope.get("fields") or ()) for document in fitting]
    return found


def _related(backend: Backend, call: Call, dataset: Document, relation: str, version: str) -> list[Document]:
    store, rights = backend.store, backend.rights(call.user)
    match relation:
        case "origdatablocks":
            return [show_block(block, version) for block in store.of(BLOCKS, [dataset["pid"]]) if rights.reads(block)]
        case "attachments":
            attachments = store.of(ATTACHMENTS, [dataset["pid"]])
            return [show_attachment(attachment, version) for attachment in attachments if rights.reads(attachment)]
        case "instruments":
            return store.some(INSTRUMENTS, _ids(dataset, "instrumentIds"))
        case "proposals":
            return [found for found in store.some(PROPOSALS, _ids(dataset, "proposalIds")) if rights.reads(found)]
        case "samples":
            return [found for found in store.some(SAMPLES, _ids(dataset, "sampleIds")) if rights.reads(found)]
        case _:
            return []


def _ids(dataset: Document, name: str) -> list[str]:
    return [key for key in dataset.get(name) or () if key]
