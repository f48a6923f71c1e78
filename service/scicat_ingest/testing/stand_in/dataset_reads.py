"""Datasets: GET in all its forms.

v4 answers only living tokens. v3 answers everybody and shows to those without a living token what is published: an
empty list from v3 proves nothing unless the token is known to be alive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.stand_in.dataset_document import show
from scicat_ingest.testing.stand_in.exchange import Answer, Call, Document, missing_dataset, refuse
from scicat_ingest.testing.stand_in.json_text import parse
from scicat_ingest.testing.stand_in.matching import matches
from scicat_ingest.testing.stand_in.payloads import DATASET_DATES, LIFECYCLE, V4_DATASET
from scicat_ingest.testing.stand_in.queries import V3_LIMIT, Include, Query, check_relation, read_v3, read_v4, whole
from scicat_ingest.testing.stand_in.relations import RELATIONS, add_relations
from scicat_ingest.testing.stand_in.store import ATTACHMENTS, DATASETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.testing.stand_in.backend import Backend

KEYS = frozenset(
    {*V4_DATASET, *LIFECYCLE, "_id", "createdBy", "updatedBy", "createdAt", "updatedAt", "version", "history"}
    | {"name", "relationship"}
)
"""What a v4 filter may name."""


def get(backend: Backend, call: Call, version: str) -> Answer:
    """Return one dataset. That it exists is decided, and visible, before whether the caller may see it."""
    includes = read_v3(call, RELATIONS).include if version == "v3" else _named_relations(call)
    dataset = find(backend, call, version)
    return Answer(200, show(add_relations(backend, call, dataset, includes, version), version))


def get_lifecycle(backend: Backend, call: Call, version: str) -> Answer:
    """Return the life cycle of a dataset."""
    return Answer(200, find(backend, call, version)["datasetlifecycle"])


def get_thumbnail(backend: Backend, call: Call) -> Answer:
    """Return the first thumbnail of a dataset's attachments; an empty object if there is none."""
    attachments = backend.store.of(ATTACHMENTS, [find(backend, call, "v3")["pid"]])
    thumbnail = next((found["thumbnail"] for found in attachments if found.get("thumbnail")), None)
    return Answer(200, {"thumbnail": thumbnail} if thumbnail else {})


def find(backend: Backend, call: Call, version: str) -> Document:
    """Return the dataset of the path. Raises Refusal: 404 if it is not there, then 403 if the caller may not see it."""
    pid = call.parameters["pid"]
    dataset = backend.store.get(DATASETS, pid)
    if dataset is None:
        raise missing_dataset(pid if version == "v3" else None)
    if not backend.rights(call.user).reads(dataset):
        raise refuse(403, "Unauthorized access")
    return dataset


def get_list(backend: Backend, call: Call, version: str) -> Answer:
    """Return the datasets that fit the filter and that the caller may see: by v3 100, by v4 10 unless it says more."""
    query = _query(call, version)
    return Answer(200, _answers(backend, call, query, version))


def find_one(backend: Backend, call: Call, version: str) -> Answer:
    """Return the first dataset that fits the filter; an empty body if none does."""
    found = _answers(backend, call, replace(_query(call, version), limit=1), version)
    return Answer(200, found[0]) if found else Answer(200)


def count(backend: Backend, call: Call, version: str) -> Answer:
    """Return how many datasets fit. Only `filter` is looked at: a bare `where` counts everything."""
    query = replace(_query(call, version), skip=0, limit=backend.store.count(DATASETS))
    return Answer(200, {"count": len(_selected(backend, call, query, version))})


def full_query(backend: Backend, call: Call) -> Answer:
    """Return the datasets whose fields have these values. `fields` and `limits` are parameters of their own."""
    return Answer(200, [show(dataset, "v3") for dataset in _by_fields(backend, call)])


def full_facet(backend: Backend, call: Call) -> Answer:
    """Return how many datasets fit, and for each facet how many have which value."""
    datasets = _by_fields(backend, call, limited=False)
    facets: Document = {"all": [{"totalSets": len(datasets)}]}
    for name in _parameter(call, "facets", []):
        values: Counter[Any] = Counter()
        for dataset in datasets:
            value = dataset.get(name)
            values.update(value if isinstance(value, list) else [value])
        facets[name] = [{"_id": value, "count": number} for value, number in values.items() if value is not None]
    return Answer(200, [facets])


def _query(call: Call, version: str) -> Query:
    return read_v3(call, RELATIONS) if version == "v3" else read_v4(call, KEYS, RELATIONS)


def _named_relations(call: Call) -> tuple[Include, ...]:
    """Return what v4's `?include=a&include=b` asks for. A JSON list in it is ignored; a lone wrong name is a 400."""
    names = call.query.get("include", ())
    if len(names) == 1 and names[0].startswith(("[", "{")):
        return ()
    wanted = [check_relation(name, RELATIONS) for name in names if name]
    return tuple(Include(relation) for relation in RELATIONS if relation in wanted or "all" in wanted)


def _answers(backend: Backend, call: Call, query: Query, version: str) -> list[Document]:
    return [
        show(query.project(add_relations(backend, call, dataset, query.include, version)), version)
        for dataset in _selected(backend, call, query, version)
    ]


def _selected(backend: Backend, call: Call, query: Query, version: str) -> list[Document]:
    rights = backend.rights(call.user)
    visible = (dataset for dataset in _candidates(backend, query.where) if rights.reads(dataset))
    return query.select(visible, DATASET_DATES if version == "v4" else ())


def _candidates(backend: Backend, where: Mapping[str, Any]) -> list[Document]:
    pids = keys_in(where, "pid", "_id")
    return backend.store.datasets() if pids is None else backend.store.some(DATASETS, pids)


def keys_in(where: Mapping[str, Any], *names: str) -> list[str] | None:
    """Return the identifiers that a filter is limited to by one of `names`; None if it is not limited by them."""
    for name in names:
        match where.get(name):
            case str(key) | {"$eq": str(key)}:
                return [key]
            case {"$in": [*keys]}:
                return [key for key in keys if isinstance(key, str)]
            case _:
                pass
    return None


def _by_fields(backend: Backend, call: Call, *, limited: bool = True) -> list[Document]:
    fields = {name: value for name, value in _parameter(call, "fields", {}).items() if name not in {"mode", "text"}}
    where = {name: {"$in": value} if isinstance(value, list) else value for name, value in fields.items()}
    rights = backend.rights(call.user)
    found = [dataset for dataset in backend.store.datasets() if rights.reads(dataset) and matches(dataset, where)]
    if not limited:
        return found
    limits = _parameter(call, "limits", {})
    name, _, direction = str(limits.get("order") or "").partition(":")
    query = Query(
        limit=whole(limits.get("limit"), V3_LIMIT),
        skip=whole(limits.get("skip"), 0),
        sort=((name, direction == "desc"),) if name else (),
    )
    return query.cut(found)


def _parameter(call: Call, name: str, default: Any) -> Any:
    text = call.one(name)
    return parse(text) if text else default
