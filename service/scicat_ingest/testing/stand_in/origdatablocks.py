"""Origdatablocks: v3's own route, v3's route below a dataset, and v4's.

There is no idempotency: the same block again is a second copy. A block is stored before its dataset's totals are, so
that 500 does not mean "not stored".
"""

from __future__ import annotations

from typing import Any

from scicat_ingest.testing.stand_in.backend import Backend, check_unmodified
from scicat_ingest.testing.stand_in.block_document import new_block, show_block, with_ids
from scicat_ingest.testing.stand_in.dataset_reads import find, keys_in
from scicat_ingest.testing.stand_in.dataset_writes import touch
from scicat_ingest.testing.stand_in.exchange import Answer, Call, Document, internal_error, missing_dataset, refuse
from scicat_ingest.testing.stand_in.payloads import BLOCK, FILE, SUB_BLOCK, optional
from scicat_ingest.testing.stand_in.queries import Query, read_v3, read_v4
from scicat_ingest.testing.stand_in.store import BLOCKS, DATASETS
from scicat_ingest.testing.stand_in.validation import check, problems_of

COUNTED = {"v3": (100, False), "v4": (10, True)}
"""How many blocks the totals are computed from, and whether from the newest ones. More blocks give wrong totals."""

KEYS = frozenset({*BLOCK, *FILE, "_id", "createdBy", "updatedBy", "createdAt", "updatedAt"})
CHANGE = optional(BLOCK)


def create(backend: Backend, call: Call, version: str) -> Answer:
    """Store a block by the route of its own, and recompute the dataset's totals."""
    payload = check(call.body, BLOCK)
    dataset = _dataset_to_write(backend, call, payload, version)
    block = new_block(backend, call, payload, dataset)
    backend.store.insert(BLOCKS, block["_id"], block, [dataset["pid"]])
    recompute_totals(backend, call, dataset["pid"], version)
    return Answer(201, show_block(block, "v3"))


def create_below(backend: Backend, call: Call) -> Answer:
    """Store a block by v3's route below a dataset, which *adds* to the dataset's totals."""
    payload = check(call.body, SUB_BLOCK)
    dataset = _parent_to_write(backend, call)
    block = new_block(backend, call, payload, dataset)
    backend.store.insert(BLOCKS, block["_id"], block, [dataset["pid"]])
    size, files = dataset.get("size") or 0, dataset.get("numberOfFiles") or 0
    touch(backend, call, dataset, size + block["size"], files + len(block["dataFileList"]))
    return Answer(201, show_block(block, "v3"))


def is_valid(backend: Backend, call: Call, version: str) -> Answer:
    """Say whether POST would take a block, and why not."""
    payload = call.body if isinstance(call.body, dict) else {}
    _dataset_to_write(backend, call, payload, version, groups_from_dataset=version == "v3")
    return _validity(payload, BLOCK, "errors" if version == "v3" else "reason")


def is_valid_below(backend: Backend, call: Call) -> Answer:
    """Say whether POST below a dataset would take a block, and why not."""
    _parent_to_write(backend, call)
    return _validity(call.body, SUB_BLOCK, "errors")


def get(backend: Backend, call: Call, version: str) -> Answer:
    """Return one block."""
    block = _found(backend, call)
    if not backend.rights(call.user).reads(block):
        raise refuse(403, "Unauthorized access")
    return Answer(200, show_block(block, version))


def get_list(backend: Backend, call: Call, version: str) -> Answer:
    """Return the blocks that fit the filter and that the caller may see: by v3 100, by v4 10 unless it says more."""
    query = read_v3(call, ("dataset",)) if version == "v3" else read_v4(call, KEYS, ("dataset",))
    pids = keys_in(query.where, "datasetId")
    blocks = backend.store.origdatablocks() if pids is None else backend.store.of(BLOCKS, pids)
    return Answer(200, _listed(backend, call, query, blocks, version))


def get_list_below(backend: Backend, call: Call) -> Answer:
    """Return the first 100 blocks of a dataset, or as many as the filter asks for."""
    blocks = backend.store.origdatablocks(find(backend, call, "v3")["pid"])
    return Answer(200, _listed(backend, call, read_v3(call), blocks, "v3"))


def count_below(backend: Backend, call: Call) -> Answer:
    """Return how many blocks a dataset has."""
    return Answer(200, {"count": len(backend.store.origdatablocks(find(backend, call, "v3")["pid"]))})


def patch(backend: Backend, call: Call, version: str) -> Answer:
    """Change some fields of a block."""
    changes = check(call.body, CHANGE)
    block = _found(backend, call)
    if not backend.rights(call.user).writes(block):
        raise refuse(403, "Unauthorized access")
    check_unmodified(call, block)
    changes = {name: value for name, value in changes.items() if value is not None and name != "datasetId"}
    if "dataFileList" in changes:
        changes["dataFileList"] = with_ids(changes["dataFileList"])
    changed = block | changes | backend.updated(call)
    backend.store.replace(BLOCKS, block["_id"], changed)
    recompute_totals(backend, call, block["datasetId"], version)
    return Answer(200, show_block(changed, "v3"))


def delete(backend: Backend, call: Call, version: str) -> Answer:
    """Remove a block. Once more: v3 answers 500, v4 404."""
    key = call.parameters["id"]
    if version == "v3" and backend.store.get(BLOCKS, key) is None:
        raise internal_error()
    block = _found(backend, call)
    backend.store.delete(BLOCKS, key)
    recompute_totals(backend, call, block["datasetId"], version)
    return Answer(200, show_block(block, version))


def delete_all_below(backend: Backend, call: Call) -> Answer:
    """Remove all blocks of a dataset."""
    pid = call.parameters["pid"]
    if backend.store.get(DATASETS, pid) is None:
        raise missing_dataset(pid)
    blocks = backend.store.origdatablocks(pid)
    for block in blocks:
        backend.store.delete(BLOCKS, block["_id"])
    recompute_totals(backend, call, pid, "v3")
    return Answer(200, {"acknowledged": True, "deletedCount": len(blocks)})


def recompute_totals(backend: Backend, call: Call, pid: str, version: str) -> None:
    """Write size and numberOfFiles of a dataset, computed from its first 100 (v3) or its newest 10 (v4) blocks."""
    dataset = backend.store.get(DATASETS, pid)
    if dataset is not None:
        limit, newest = COUNTED[version]
        touch(backend, call, dataset, *backend.store.block_totals(pid, limit, newest=newest))


def _dataset_to_write(
    backend: Backend, call: Call, payload: Document, version: str, *, groups_from_dataset: bool = True
) -> Document:
    """Return the dataset that a block is for. Raises Refusal 404, 403.

    v3 lets privileged accounts write to any dataset. v4 wants the ownerGroup, and asks for the block's before it looks
    whether there is a dataset; at POST that is the dataset's.
    """
    rights = backend.rights(call.user)
    pid = payload.get("datasetId")
    dataset = backend.store.get(DATASETS, pid) if isinstance(pid, str) else None
    if version == "v4":
        owned = dataset if dataset and groups_from_dataset else payload
        if not (rights.writes_anywhere or rights.owns(owned)):
            raise refuse(403, "Unauthorized access")
    if dataset is None:
        raise refuse(404, f"Dataset: {pid} not found for attaching an origdatablock")
    if not (rights.writes(dataset) if version == "v4" else rights.writes_anywhere or rights.owns(dataset)):
        raise refuse(403, "Unauthorized access")
    return dataset


def _parent_to_write(backend: Backend, call: Call) -> Document:
    pid = call.parameters["pid"]
    dataset = backend.store.get(DATASETS, pid)
    if dataset is None:
        raise missing_dataset(pid)
    rights = backend.rights(call.user)
    if not (rights.writes_anywhere or rights.owns(dataset)):
        raise refuse(403, "Unauthorized access")
    return dataset


def _validity(payload: Any, table: Any, reasons: str) -> Answer:
    problems = problems_of(payload, table, unknown=False)
    return Answer(200, {"valid": not problems, reasons: [problem.tree() for problem in problems]})


def _found(backend: Backend, call: Call) -> Document:
    key = call.parameters["id"]
    block = backend.store.get(BLOCKS, key)
    if block is None or block["datasetId"] != call.parameters.get("pid", block["datasetId"]):
        raise refuse(404, f"OrigDatablock: {key} not found")
    return block


def _listed(backend: Backend, call: Call, query: Query, blocks: list[Document], version: str) -> list[Document]:
    rights = backend.rights(call.user)
    found = query.select(block for block in blocks if rights.reads(block))
    shown = [show_block(block, version) for block in found]
    if any(include.relation == "dataset" for include in query.include):
        datasets = {block["datasetId"]: backend.store.some(DATASETS, [block["datasetId"]]) for block in found}
        shown = [block | {"dataset": datasets[block["datasetId"]]} for block in shown]
    return [query.project(block) for block in shown]
