"""An origdatablock as it is stored and shown."""

from __future__ import annotations

import itertools
import secrets

from scicat_ingest.testing.stand_in.backend import Backend, new_id
from scicat_ingest.testing.stand_in.exchange import Call, Document, internal_error
from scicat_ingest.testing.stand_in.times import normal_iso

MOST_FILES = 125_000
"""Somewhere between 100 000 and 150 000 files the backend runs out of stack, whatever the size of the body."""

_FILE_NUMBERS = itertools.count()
_FILE_PREFIX = secrets.token_hex(6)


def new_block(backend: Backend, call: Call, payload: Document, dataset: Document) -> Document:
    """Return a block as stored: groups are the dataset's, whatever was sent. Every file gets an id.

    Raises Refusal 500 on an empty path, which the validator lets through and the database does not, and on too many
    files.
    """
    files = payload["dataFileList"]
    if len(files) > MOST_FILES or not all(file["path"] for file in files):
        raise internal_error()
    return {
        "isPublished": False,
        **payload,
        "_id": new_id(),
        "datasetId": dataset["pid"],
        "ownerGroup": dataset["ownerGroup"],
        "accessGroups": dataset.get("accessGroups") or [],
        "instrumentGroup": dataset.get("instrumentGroup"),
        "dataFileList": with_ids(files),
        **backend.created(call),
    }


def with_ids(files: list[Document]) -> list[Document]:
    """Return files with an id each and times in UTC."""
    return [file | {"time": normal_iso(file["time"]), "_id": _new_file_id()} for file in files]


def show_block(block: Document, version: str) -> Document:
    """Return a block as an answer. v3's answers, and v4's to POST, have each `_id` once more as `id`."""
    if version == "v4":
        return block
    files = [file | {"id": file["_id"]} for file in block["dataFileList"]]
    return block | {"id": block["_id"], "dataFileList": files}


def _new_file_id() -> str:
    return f"{_FILE_PREFIX}{next(_FILE_NUMBERS):012x}"
