"""Every route of the stand-in, and which accounts its guard lets in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scicat_ingest.testing.stand_in import (
    attachments,
    dataset_reads,
    dataset_writes,
    origdatablocks,
    sessions,
    surroundings,
)
from scicat_ingest.testing.stand_in.rights import (
    Guard,
    admin,
    anyone,
    attachment_deleter,
    attachment_editor,
    creator,
    deleter,
    known,
    lifecycle_editor,
    proposal_creator,
)
from scicat_ingest.testing.stand_in.routing import Handler, Route
from scicat_ingest.testing.stand_in.store import INSTRUMENTS, PROPOSALS, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

V3, V4 = "/api/v3", "/api/v4"


def all_routes() -> tuple[Route, ...]:
    """Return the routes; fixed words come before the parameters that they would fit."""
    return (
        *_sessions(),
        *_datasets(V3, "v3", anyone),
        *_datasets(V4, "v4", known),
        *_below_datasets(),
        *_blocks(V3, "v3", anyone),
        *_blocks(V4, "v4", known),
        *_attachments(),
        *_surroundings(),
    )


def _writing(method: str, path: str, handler: Handler, guard: Guard) -> Route:
    return Route(method, path, handler, guard, reads_body=True)


def _sessions() -> Iterator[Route]:
    yield Route("POST", f"{V3}/auth/login", sessions.log_in)
    yield Route("POST", f"{V3}/users/login", sessions.log_in_nowhere)
    yield Route("GET", f"{V3}/auth/whoami", sessions.who_am_i)
    yield Route("POST", f"{V3}/auth/logout", sessions.log_out)
    yield Route("GET", f"{V3}/health", sessions.health)


def _datasets(base: str, version: str, reader: Guard) -> Iterator[Route]:
    def of(handler: Callable[..., object]) -> Handler:
        return partial(handler, version=version)  # type: ignore[return-value]

    path = f"{base}/datasets"
    yield _writing("POST", path, of(dataset_writes.create), creator)
    yield _writing("POST", f"{path}/isValid", of(dataset_writes.is_valid), creator)
    yield Route("GET", path, of(dataset_reads.get_list), reader)
    if version == "v3":
        yield Route("GET", f"{path}/fullquery", dataset_reads.full_query, reader)
    yield Route("GET", f"{path}/fullfacet", dataset_reads.full_facet, reader)
    yield Route("GET", f"{path}/findOne", of(dataset_reads.find_one), reader)
    yield Route("GET", f"{path}/count", of(dataset_reads.count), reader)
    yield Route("GET", f"{path}/{{pid}}", of(dataset_reads.get), reader)
    yield _writing("PATCH", f"{path}/{{pid}}", of(dataset_writes.patch), creator)
    yield _writing("PUT", f"{path}/{{pid}}", of(dataset_writes.put), creator)
    yield Route("DELETE", f"{path}/{{pid}}", of(dataset_writes.delete), deleter)
    yield Route("GET", f"{path}/{{pid}}/datasetlifecycle", of(dataset_reads.get_lifecycle), reader)
    yield _writing("PATCH", f"{path}/{{pid}}/datasetlifecycle", of(dataset_writes.patch_lifecycle), lifecycle_editor)


def _below_datasets() -> Iterator[Route]:
    path = f"{V3}/datasets/{{pid}}"
    yield Route("GET", f"{path}/thumbnail", dataset_reads.get_thumbnail)
    yield _writing("POST", f"{path}/origdatablocks", origdatablocks.create_below, creator)
    yield _writing("POST", f"{path}/origdatablocks/isValid", origdatablocks.is_valid_below, creator)
    yield Route("GET", f"{path}/origdatablocks", origdatablocks.get_list_below)
    yield Route("GET", f"{path}/origdatablocks/count", origdatablocks.count_below)
    yield Route("DELETE", f"{path}/origdatablocks", origdatablocks.delete_all_below, deleter)
    yield _writing("PATCH", f"{path}/origdatablocks/{{id}}", partial(origdatablocks.patch, version="v3"), creator)
    yield Route("DELETE", f"{path}/origdatablocks/{{id}}", partial(origdatablocks.delete, version="v3"), deleter)
    yield _writing("POST", f"{path}/attachments", attachments.create_below, creator)
    yield Route("GET", f"{path}/attachments", attachments.get_list_below)
    yield Route("GET", f"{path}/attachments/count", attachments.count_below)
    yield _writing("PUT", f"{path}/attachments/{{aid}}", attachments.put_below, creator)
    yield Route("DELETE", f"{path}/attachments/{{aid}}", attachments.delete_below, attachment_editor)


def _blocks(base: str, version: str, reader: Guard) -> Iterator[Route]:
    path = f"{base}/origdatablocks"
    yield _writing("POST", path, partial(origdatablocks.create, version=version), creator)
    yield _writing("POST", f"{path}/isValid", partial(origdatablocks.is_valid, version=version), creator)
    yield Route("GET", path, partial(origdatablocks.get_list, version=version), reader)
    yield Route("GET", f"{path}/{{id}}", partial(origdatablocks.get, version=version), reader)
    yield _writing("PATCH", f"{path}/{{id}}", partial(origdatablocks.patch, version=version), creator)
    yield Route("DELETE", f"{path}/{{id}}", partial(origdatablocks.delete, version=version), deleter)


def _attachments() -> Iterator[Route]:
    path = f"{V4}/attachments"
    yield _writing("POST", path, attachments.create, admin)
    yield _writing("POST", f"{path}/isValid", attachments.is_valid, admin)
    yield Route("GET", path, attachments.get_list, known)
    yield Route("GET", f"{path}/{{aid}}", attachments.get, known)
    yield _writing("PATCH", f"{path}/{{aid}}", attachments.patch, admin)
    yield _writing("PUT", f"{path}/{{aid}}", attachments.put, admin)
    yield Route("DELETE", f"{path}/{{aid}}", attachments.delete, attachment_deleter)


def _surroundings() -> Iterator[Route]:
    yield _writing("POST", f"{V3}/instruments", surroundings.create_instrument, admin)
    yield _writing("POST", f"{V3}/proposals", surroundings.create_proposal, proposal_creator)
    for word, collection in (("instruments", INSTRUMENTS), ("proposals", PROPOSALS), ("samples", SAMPLES)):
        yield Route("GET", f"{V3}/{word}", partial(surroundings.get_list, collection=collection))
        if collection != PROPOSALS:
            yield Route("GET", f"{V3}/{word}/findOne", partial(surroundings.find_one, collection=collection))
        yield Route("GET", f"{V3}/{word}/{{id}}", partial(surroundings.get, collection=collection))
