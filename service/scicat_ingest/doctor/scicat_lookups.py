"""Whether instruments, proposals and samples can be looked up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scicat_ingest.doctor.scicat_account import LOGIN
from scicat_ingest.doctor.scicat_requests import said
from scicat_ingest.doctor.step import ok, warning

if TYPE_CHECKING:
    from scicat_ingest.doctor.scicat_requests import Requests
    from scicat_ingest.doctor.step import Examination, Finding

COLLECTIONS = ("instruments", "proposals", "samples")


async def ask_look_ups(requests: Requests, examination: Examination) -> None:
    """Do a step for each collection."""
    for collection in COLLECTIONS:
        await examination.step(f"scicat {collection}", partial(look_up, requests, collection), needs=[LOGIN])


async def look_up(requests: Requests, collection: str) -> Finding:
    """Read one document of a collection."""
    answer = await requests.get(f"/api/v3/{collection}", {"filter": '{"limits":{"limit":1}}'})
    if answer.ok and isinstance(answer.body, list):
        return ok("can be read" if answer.body else "can be asked for; SciCat has none, or none that we may see")
    return warning(
        f"cannot be read: {said(answer)}",
        f"ask the SciCat administrator for the right to read {collection}; nothing needs them yet",
    )
