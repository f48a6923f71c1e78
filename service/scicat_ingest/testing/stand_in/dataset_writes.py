"""Datasets: POST, PATCH, PUT, DELETE, and the check that POST would be taken."""

from __future__ import annotations

import re

from scicat_ingest.testing.stand_in.backend import Backend, check_unmodified, merge_patch, new_id
from scicat_ingest.testing.stand_in.dataset_document import (
    complete,
    default_lifecycle,
    from_v3,
    name_from_folder,
    normalise,
    show,
)
from scicat_ingest.testing.stand_in.exchange import (
    Answer,
    Call,
    Document,
    Refusal,
    internal_error,
    missing_dataset,
    refuse,
    went_wrong,
)
from scicat_ingest.testing.stand_in.metadata import is_poison
from scicat_ingest.testing.stand_in.payloads import (
    LIFECYCLE,
    V4_DATASET,
    V4_DATASET_CHANGE,
    optional,
    v3_dataset,
    v3_dataset_change,
)
from scicat_ingest.testing.stand_in.store import DATASETS, PROPOSALS, Duplicate
from scicat_ingest.testing.stand_in.validation import as_text, check, check_v3_dataset, problems_of

FILLED_FIELDS = ("owner", "type", "sourceFolder", "datasetName")
"""The database's schema refuses these when they are missing or empty, whatever the validator let through."""


def create(backend: Backend, call: Call, version: str) -> Answer:
    """Store a new dataset: 201, and whether that kills the server."""
    payload = _checked(backend, call, version)
    if "pid" in payload and not payload["pid"]:
        raise went_wrong() if version == "v4" else internal_error()
    fields = from_v3(payload, creating=True) if version == "v3" else payload
    if not all(fields.get(name) for name in FILLED_FIELDS):
        raise went_wrong()
    pid = fields.get("pid") or f"{backend.config.pid_prefix.rstrip('/')}/{new_id()}"
    lifecycle = default_lifecycle(backend.config.clock(), backend.started) | (fields.get("datasetlifecycle") or {})
    dataset = complete(normalise(fields)) | {
        "_id": pid,
        "pid": pid,
        "datasetlifecycle": lifecycle,
        "version": version,
        **backend.created(call),
    }
    try:
        backend.store.insert(DATASETS, pid, dataset)
    except Duplicate:
        raise refuse(409, f"A dataset with pid {pid.strip() or 'unknown'} already exists!") from None
    _count_in_proposals(backend, dataset)
    crash = backend.config.crash_on_poison and is_poison(dataset["scientificMetadata"])
    return Answer(201, show(dataset, version) | {"id": pid}, crash=crash)


def is_valid(backend: Backend, call: Call, version: str) -> Answer:
    """Say whether POST would take it: a weak check, blind to unknown fields, duplicates and a missing owner in v4."""
    payload = _named(call.body, version)
    table = V4_DATASET if version == "v4" else v3_dataset(payload.get("type"))
    problems = problems_of(payload, table, unknown=False)
    if not backend.rights(call.user).creates_dataset(payload):
        raise _unauthorized(version, "create")
    _check_pid(backend, payload)
    if version == "v3" and problems:
        return Answer(200, {"valid": False, "error": as_text(problems)})
    return Answer(200, {"valid": not problems})


def patch(backend: Backend, call: Call, version: str) -> Answer:
    """Change some fields. A life cycle among them is replaced whole: what it lacks falls back to the defaults."""
    dataset, sent = _found_and_checked(backend, call, version, whole=False)
    _check_owner(backend, call, dataset, version)
    check_unmodified(call, dataset)
    changes = from_v3(sent | {"type": dataset["type"]}, creating=False) if version == "v3" else sent
    if call.merge_patch and version == "v4":
        merged = merge_patch({name: dataset.get(name) for name in changes}, changes)
        changes = {name: merged.get(name) for name in changes}
    else:
        changes = {name: value for name, value in changes.items() if value is not None}
    return _save(backend, call, dataset | normalise(_with_whole_lifecycle(backend, changes)), version)


def put(backend: Backend, call: Call, version: str) -> Answer:
    """Replace a dataset; what is not sent falls back to the defaults. There is no creation by PUT."""
    dataset, sent = _found_and_checked(backend, call, version, whole=True)
    _check_owner(backend, call, dataset, version)
    check_unmodified(call, dataset)
    kept = {name: dataset[name] for name in ("_id", "pid", "type", "createdBy", "createdAt", "version", "__v")}
    fields = from_v3(sent | {"type": dataset["type"]}, creating=True) if version == "v3" else sent
    fields = {"datasetlifecycle": {}} | fields
    return _save(backend, call, complete(normalise(_with_whole_lifecycle(backend, fields))) | kept, version)


def patch_lifecycle(backend: Backend, call: Call, version: str) -> Answer:
    """Change some fields of the life cycle and keep the others; null resets one to its default."""
    changes = check(call.body, LIFECYCLE)
    if not changes:
        raise refuse(400, "dataset lifecycle DTO must not be empty")
    pid = call.parameters["pid"]
    dataset = backend.store.get(DATASETS, pid)
    if dataset is None:
        raise refuse(404, f"dataset with pid {pid} not found")
    lifecycle = dataset["datasetlifecycle"]
    if all(value is not None and lifecycle.get(name) == value for name, value in changes.items()):
        raise refuse(409, f"dataset: {pid} already has the same lifecycle")
    rights = backend.rights(call.user)
    if not (rights.owns(dataset) or rights.changes_any_lifecycle):
        raise _unauthorized(version, "update")
    defaults = default_lifecycle(backend.config.clock(), backend.started)
    changes = {name: defaults.get(name) if value is None else value for name, value in changes.items()}
    answer = _save(backend, call, dataset | {"datasetlifecycle": lifecycle | changes}, version)
    return Answer(answer.status, answer.body["datasetlifecycle"])


def delete(backend: Backend, call: Call, version: str) -> Answer:
    """Remove a dataset. Its blocks and attachments stay, and belong to the next dataset with that pid."""
    dataset = _found(backend, call)
    backend.store.delete(DATASETS, dataset["pid"])
    return Answer(200, show(dataset, version))


def touch(backend: Backend, call: Call, dataset: Document, size: int, files: int) -> None:
    """Write new totals into a dataset. Raises the 500 of poisoned metadata afterwards: the totals are written."""
    _save(backend, call, dataset | {"size": size, "numberOfFiles": files}, "v4")


def _save(backend: Backend, call: Call, dataset: Document, version: str) -> Answer:
    saved = dataset | backend.updated(call)
    backend.store.replace(DATASETS, saved["pid"], saved)
    if backend.config.poison_metadata and is_poison(saved["scientificMetadata"]):
        raise internal_error()
    return Answer(200, show(saved, version))


def _checked(backend: Backend, call: Call, version: str) -> Document:
    """Return a new dataset's fields. The order of refusals is the backend's: v4 looks at the pid before the group."""
    payload = _named(call.body, version)
    allowed = backend.rights(call.user).creates_dataset(payload)
    if version == "v4":
        check(payload, V4_DATASET)
        _check_pid(backend, payload)
    else:
        check_v3_dataset(payload, v3_dataset(payload.get("type")))
    if not allowed:
        raise _unauthorized(version, "create")
    _check_pid(backend, payload)
    return payload


def _named(payload: object, version: str) -> Document:
    fields = dict(payload) if isinstance(payload, dict) else {}
    if version == "v3" and not fields.get("datasetName"):
        fields["datasetName"] = name_from_folder(fields.get("sourceFolder"))
    return fields


def _check_pid(backend: Backend, payload: Document) -> None:
    pid, pattern = payload.get("pid"), backend.config.pid_regex
    if pattern and isinstance(pid, str) and pid and not re.search(pattern, pid):
        raise refuse(400, "PID is not following required standards")


def _found(backend: Backend, call: Call) -> Document:
    dataset = backend.store.get(DATASETS, call.parameters["pid"])
    if dataset is None:
        raise missing_dataset(call.parameters["pid"])
    return dataset


def _found_and_checked(backend: Backend, call: Call, version: str, *, whole: bool) -> tuple[Document, Document]:
    """Return the dataset and what is sent about it: the whole of it, or changes. v4 looks at what is sent first."""
    if version == "v4":
        sent = check(call.body, V4_DATASET_CHANGE if whole else optional(V4_DATASET_CHANGE))
        return _found(backend, call), sent
    dataset = _found(backend, call)
    table = v3_dataset_change(dataset["type"])
    return dataset, check_v3_dataset(call.body, table if whole else optional(table))


def _check_owner(backend: Backend, call: Call, dataset: Document, version: str) -> None:
    if not backend.rights(call.user).writes(dataset):
        raise _unauthorized(version, "update")


def _unauthorized(version: str, action: str) -> Refusal:
    return refuse(403, "Unauthorized access" if version == "v4" else f"Unauthorized to {action} this dataset")


def _with_whole_lifecycle(backend: Backend, changes: Document) -> Document:
    if changes.get("datasetlifecycle") is None:
        return changes
    defaults = default_lifecycle(backend.config.clock(), backend.started)
    return changes | {"datasetlifecycle": defaults | changes["datasetlifecycle"]}


def _count_in_proposals(backend: Backend, dataset: Document) -> None:
    for proposal in backend.store.some(PROPOSALS, [key for key in dataset["proposalIds"] if key]):
        counted = proposal | {"numberOfDatasets": proposal.get("numberOfDatasets", 0) + 1}
        backend.store.replace(PROPOSALS, proposal["proposalId"], counted)
