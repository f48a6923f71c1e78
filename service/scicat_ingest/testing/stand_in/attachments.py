"""Attachments: v3's route below a dataset, and v4's, which is for admins whatever ATTACHMENT_GROUPS says."""

from __future__ import annotations

from scicat_ingest.testing.stand_in.attachment_document import RELATION, datasets_of, show_attachment, to_dataset
from scicat_ingest.testing.stand_in.backend import Backend, check_unmodified, merge_patch, new_id
from scicat_ingest.testing.stand_in.dataset_reads import find, keys_in
from scicat_ingest.testing.stand_in.exchange import Answer, Call, Document, internal_error, missing_dataset, refuse
from scicat_ingest.testing.stand_in.payloads import V3_ATTACHMENT, V4_ATTACHMENT, optional
from scicat_ingest.testing.stand_in.queries import read_v4
from scicat_ingest.testing.stand_in.store import ATTACHMENTS, DATASETS, Duplicate
from scicat_ingest.testing.stand_in.validation import check, problems_of

REPLACEMENT = {name: rule for name, rule in V4_ATTACHMENT.items() if name != "aid"}
CHANGE = optional(REPLACEMENT)
V3_CHANGE = optional(V3_ATTACHMENT)
KEYS = frozenset(
    {
        *V4_ATTACHMENT,
        "targetId",
        "targetType",
        "relationType",
        "_id",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
    }
)
IGNORED = frozenset({"id", "datasetId"})
"""v3 takes them and does not look at them: the path says which dataset, the server makes the id."""


def create_below(backend: Backend, call: Call) -> Answer:
    """Store an attachment by v3: the group is the dataset's, the id the server's, the same again a second copy."""
    payload = check(call.body, V3_ATTACHMENT)
    dataset = _parent_to_write(backend, call)
    fields = {name: value for name, value in payload.items() if name not in IGNORED}
    attachment = _new(backend, call, fields | {"ownerGroup": dataset["ownerGroup"]}, new_id())
    attachment |= {"isPublished": False, "relationships": [to_dataset(dataset["pid"])]}
    backend.store.insert(ATTACHMENTS, attachment["_id"], attachment, [dataset["pid"]])
    return Answer(201, show_attachment(attachment, "v3"))


def create(backend: Backend, call: Call) -> Answer:
    """Store an attachment by v4: the client may choose `aid`, and a taken one is a 500. Targets need not exist."""
    payload = check(call.body, V4_ATTACHMENT)
    attachment = _new(backend, call, payload, payload.get("aid") or new_id())
    attachment["relationships"] = _relationships(payload)
    try:
        backend.store.insert(ATTACHMENTS, attachment["_id"], attachment, datasets_of(attachment))
    except Duplicate:
        raise internal_error() from None
    return Answer(201, attachment | {"id": attachment["_id"]})


def is_valid(_: Backend, call: Call) -> Answer:
    """Say whether POST would take an attachment, and why not. Unlike the others it sees unknown fields."""
    problems = problems_of(call.body, V4_ATTACHMENT)
    return Answer(200, {"valid": not problems, "reason": [problem.tree() for problem in problems]})


def get(backend: Backend, call: Call) -> Answer:
    """Return one attachment."""
    attachment = _found(backend, call)
    if not backend.rights(call.user).reads(attachment):
        raise refuse(403, "Unauthorized to this attachment")
    return Answer(200, attachment)


def get_list(backend: Backend, call: Call) -> Answer:
    """Return the attachments that fit the filter and whose own groups let the caller see them; 10 unless asked."""
    query = read_v4(call, KEYS)
    pids = keys_in(query.where, "relationships.targetId")
    attachments = backend.store.attachments() if pids is None else backend.store.of(ATTACHMENTS, pids)
    rights = backend.rights(call.user)
    found = query.select(attachment for attachment in attachments if rights.reads(attachment))
    return Answer(200, [query.project(attachment) for attachment in found])


def get_list_below(backend: Backend, call: Call) -> Answer:
    """Return all attachments of a dataset that the caller may see."""
    attachments = backend.store.attachments(find(backend, call, "v3")["pid"])
    return Answer(200, [show_attachment(attachment, "v3") for attachment in attachments])


def count_below(backend: Backend, call: Call) -> Answer:
    """Return how many attachments a dataset has."""
    return Answer(200, {"count": len(backend.store.attachments(find(backend, call, "v3")["pid"]))})


def patch(backend: Backend, call: Call) -> Answer:
    """Change some fields."""
    changes = check(call.body, CHANGE)
    attachment = _found(backend, call)
    check_unmodified(call, attachment)
    if call.merge_patch:
        return _save(backend, call, merge_patch(attachment, changes))
    return _save(backend, call, attachment | {name: value for name, value in changes.items() if value is not None})


def put(backend: Backend, call: Call) -> Answer:
    """Replace an attachment."""
    payload = check(call.body, REPLACEMENT)
    attachment = _found(backend, call)
    kept = {name: attachment[name] for name in ("_id", "aid", "createdBy", "createdAt", "__v")}
    return _save(backend, call, {"accessGroups": [], "relationships": [], **payload, **kept})


def put_below(backend: Backend, call: Call) -> Answer:
    """Change an attachment by v3, with the rights that one has on its dataset."""
    changes = check(call.body, V3_CHANGE)
    dataset = _parent_to_write(backend, call)
    attachment = _found_below(backend, call, dataset)
    fields = {name: value for name, value in changes.items() if name not in IGNORED and value is not None}
    answer = _save(backend, call, attachment | fields)
    return Answer(answer.status, show_attachment(answer.body, "v3"))


def delete(backend: Backend, call: Call) -> Answer:
    """Remove an attachment; 404 the second time."""
    attachment = _found(backend, call)
    backend.store.delete(ATTACHMENTS, attachment["_id"])
    return Answer(200, attachment)


def delete_below(backend: Backend, call: Call) -> Answer:
    """Remove an attachment by v3: owners, admins and DELETE_GROUPS."""
    rights = backend.rights(call.user)
    dataset = _parent(backend, call)
    if not (rights.deletes_attachments or rights.owns(dataset)):
        raise refuse(403, "Unauthorized access")
    attachment = _found_below(backend, call, dataset)
    backend.store.delete(ATTACHMENTS, attachment["_id"])
    return Answer(200, show_attachment(attachment, "v3"))


def _new(backend: Backend, call: Call, fields: Document, key: str) -> Document:
    groups = fields.get("accessGroups") or []
    return {
        **fields,
        "accessGroups": groups if isinstance(groups, list) else [groups],
        "_id": key,
        "aid": key,
        **backend.created(call),
    }


def _relationships(fields: Document) -> list[Document]:
    sent = fields.get("relationships") or []
    return [{"relationType": RELATION} | relation for relation in (sent if isinstance(sent, list) else [sent])]


def _save(backend: Backend, call: Call, attachment: Document) -> Answer:
    saved = attachment | {"relationships": _relationships(attachment)} | backend.updated(call)
    backend.store.replace(ATTACHMENTS, saved["_id"], saved, datasets_of(saved))
    return Answer(200, saved)


def _found(backend: Backend, call: Call) -> Document:
    key = call.parameters["aid"]
    attachment = backend.store.get(ATTACHMENTS, key)
    if attachment is None:
        raise refuse(404, f"Attachment: {key} not found")
    return attachment


def _found_below(backend: Backend, call: Call, dataset: Document) -> Document:
    attachment = _found(backend, call)
    if dataset["pid"] not in datasets_of(attachment):
        raise refuse(404, f"Attachment: {attachment['_id']} not found")
    return attachment


def _parent(backend: Backend, call: Call) -> Document:
    pid = call.parameters["pid"]
    dataset = backend.store.get(DATASETS, pid)
    if dataset is None:
        raise missing_dataset(pid)
    return dataset


def _parent_to_write(backend: Backend, call: Call) -> Document:
    dataset = _parent(backend, call)
    rights = backend.rights(call.user)
    if not (rights.writes_anywhere or rights.owns(dataset)):
        raise refuse(403, "Unauthorized access")
    return dataset
