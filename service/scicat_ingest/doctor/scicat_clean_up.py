"""What the examination created in SciCat is removed again, or named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.deliver.transport import path_segment
from scicat_ingest.doctor.scicat_requests import NoAnswer
from scicat_ingest.doctor.step import LeftBehind, ok, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scicat_ingest.doctor.scicat_requests import Requests
    from scicat_ingest.doctor.scicat_writes import Created
    from scicat_ingest.doctor.step import Finding

CLEAN_UP = "scicat clean-up"


async def clean_up(requests: Requests, created: Created, left: list[LeftBehind]) -> Finding:
    """Remove attachments, then blocks, then the dataset; `left` is at any time what is still there, in this order.

    A dataset with blocks or attachments left is not removed: they would come back with the next one of its pid.
    """
    pid = str(created.pid)
    dataset = f"/datasets/{path_segment(pid)}"
    blocks, attachments = await _stored(requests, created, dataset)
    left += [LeftBehind("attachment", key) for key in attachments]
    left += [LeftBehind("origdatablock", key) for key in blocks]
    left.append(LeftBehind("dataset", pid))
    for part in list(left):
        name = path_segment(part.id)
        match part.kind:
            case "attachment":
                routes = [f"/api/v4/attachments/{name}", f"/api/v3{dataset}/attachments/{name}"]
            case "origdatablock":
                routes = [f"/api/{version}/origdatablocks/{name}" for version in ("v4", "v3")]
            case _:
                routes = [f"/api/{version}{dataset}" for version in ("v4", "v3") if len(left) == 1]
        if await _removed(requests, routes):
            left.remove(part)
    return _finding(left, created)


async def _stored(requests: Requests, created: Created, dataset: str) -> tuple[list[str], list[str]]:
    """Give the ids of blocks and attachments: those we know, and those whose creation was not answered well."""
    blocks, attachments = dict.fromkeys(created.blocks), dict.fromkeys(created.attachments)
    relations = '{"include":[{"relation":"origdatablocks"},{"relation":"attachments"}]}'
    try:
        document = (await requests.get(f"/api/v3{dataset}", {"filter": relations})).document or {}
    except NoAnswer:
        document = {}
    for name, known in (("origdatablocks", blocks), ("attachments", attachments)):
        known.update(dict.fromkeys(str(part["_id"]) for part in document.get(name) or [] if part.get("_id")))
    return list(blocks), list(attachments)


async def _removed(requests: Requests, routes: Sequence[str]) -> bool:
    """Try each route until one works or the server is silent."""
    for route in routes:
        try:
            answer = await requests.delete(route)
        except NoAnswer:
            return False
        if answer.ok:
            return True
    return False


def _finding(left: Sequence[LeftBehind], created: Created) -> Finding:
    if not left:
        return ok("everything that was created is removed")
    names = ", ".join(f"{part.kind} {part.id}" for part in left)
    doubt = "" if created.certain else " (perhaps: its creation was not answered)"
    return warning(
        f"could not be deleted, as most accounts may not: {names}{doubt}",
        "ask the SciCat administrator to delete them in this order: blocks that outlive their dataset come back when "
        "its pid is created again",
    )
