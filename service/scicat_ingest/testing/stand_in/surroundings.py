"""What stands beside datasets: instruments, proposals, samples. v3 only, and as much as an ingestor asks for."""

from __future__ import annotations

from scicat_ingest.testing.stand_in.backend import Backend, new_id
from scicat_ingest.testing.stand_in.exchange import Answer, Call, Document, refuse
from scicat_ingest.testing.stand_in.payloads import INSTRUMENT, PROPOSAL
from scicat_ingest.testing.stand_in.queries import read_v3
from scicat_ingest.testing.stand_in.store import INSTRUMENTS, PROPOSALS, SAMPLES, Duplicate, Store
from scicat_ingest.testing.stand_in.validation import check

OPEN = frozenset({INSTRUMENTS})
"""Collections that anybody may read."""


def create_instrument(backend: Backend, call: Call) -> Answer:
    """Store an instrument. Its pid is PID_PREFIX and a UUID, without a slash between them; the client cannot choose."""
    payload = check(call.body, INSTRUMENT)
    taken = {instrument["uniqueName"] for instrument in backend.store.all(INSTRUMENTS)}
    if payload["uniqueName"] in taken:
        raise refuse(409, f"Instrument with the same unique name: {payload['uniqueName']} already exists")
    pid = f"{backend.config.pid_prefix}{new_id()}"
    instrument = {"customMetadata": {}, **payload, "_id": pid, "pid": pid, **backend.created(call)}
    backend.store.insert(INSTRUMENTS, pid, instrument)
    return Answer(201, instrument)


def create_proposal(backend: Backend, call: Call) -> Answer:
    """Store a proposal."""
    payload = check(call.body, PROPOSAL)
    key = payload["proposalId"]
    if not key:
        raise refuse(400, ["proposalId should not be empty"])
    proposal = {"accessGroups": [], "isPublished": False, "type": "Default Proposal", **payload, "_id": key}
    try:
        backend.store.insert(PROPOSALS, key, proposal | {"numberOfDatasets": 0, **backend.created(call)})
    except Duplicate:
        raise refuse(409, f"Proposal with {key} already exists") from None
    return Answer(201, backend.store.get(PROPOSALS, key))


def get(backend: Backend, call: Call, collection: str) -> Answer:
    """Return one document."""
    key = call.parameters["id"]
    found = backend.store.get(collection, key)
    if found is None:
        raise refuse(404, f"{collection}: {key} not found")
    if collection not in OPEN and not backend.rights(call.user).reads(found):
        raise refuse(403, "Unauthorized access")
    return Answer(200, found)


def get_list(backend: Backend, call: Call, collection: str) -> Answer:
    """Return the documents that fit the filter and that the caller may see."""
    return Answer(200, _selected(backend, call, collection))


def find_one(backend: Backend, call: Call, collection: str) -> Answer:
    """Return the first document that fits the filter; an empty body if none does."""
    found = _selected(backend, call, collection)
    return Answer(200, found[0]) if found else Answer(200)


def seed(backend: Backend) -> None:
    """Put the documents in that the configuration names, unless they are there already."""
    config = backend.config
    for instrument in config.instruments:
        pid = instrument.get("pid") or f"{config.pid_prefix}{instrument['uniqueName']}"
        _put_in(backend, INSTRUMENTS, pid, {"customMetadata": {}, **instrument, "pid": pid})
    for proposal in config.proposals:
        _put_in(backend, PROPOSALS, proposal["proposalId"], {"numberOfDatasets": 0, **proposal})
    for sample in config.samples:
        _put_in(backend, SAMPLES, sample["sampleId"], dict(sample))


def _put_in(backend: Backend, collection: str, key: str, document: Document) -> None:
    store: Store = backend.store
    if store.get(collection, key) is None:
        now = backend.now()
        store.insert(collection, key, {"_id": key, "createdAt": now, "updatedAt": now, **document})


def _selected(backend: Backend, call: Call, collection: str) -> list[Document]:
    query = read_v3(call)
    rights = backend.rights(call.user)
    visible = (found for found in backend.store.all(collection) if collection in OPEN or rights.reads(found))
    return [query.project(found) for found in query.select(visible)]
