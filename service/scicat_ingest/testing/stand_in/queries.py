"""The `filter` parameter: what v3 and v4 read from it, and what they refuse.

v4 looks at every key on the way to a value, but not into lists, and lets a known key stand anywhere. That is why a
`limit` beside `limits`, or a `limit` and an `order` in the scope of an include, pass and do nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scicat_ingest.testing.stand_in.exchange import Call, Document, internal_error, refuse
from scicat_ingest.testing.stand_in.json_text import parse
from scicat_ingest.testing.stand_in.matching import matches

V3_LIMIT = 100
V4_LIMIT = 10

WHERE_KEYS = frozenset(
    {
        "where",
        "$in",
        "$or",
        "$and",
        "$nor",
        "$match",
        "$eq",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$ne",
        "$nin",
        "$not",
        "$exists",
        "$regex",
        "$options",
    }
)
LIMIT_KEYS = frozenset({"limits", "limit", "skip", "sort"})
FREE_KEYS = frozenset({"scientificMetadata", "jobParameters"})
"""Below these any key is allowed."""

V3_NAMES = {
    "proposalId": "proposalIds",
    "sampleId": "sampleIds",
    "instrumentId": "instrumentIds",
    "principalInvestigator": "principalInvestigators",
    "investigator": "principalInvestigators",
}
"""Singular names of v3, and the stored plural ones."""

LOOPBACK = {
    "inq": "$in", "nin": "$nin", "and": "$and", "or": "$or", "like": "$regex", "ilike": "$regex",
    "gte": "$gte", "lte": "$lte", "gt": "$gt", "lt": "$lt",
}  # fmt: skip
"""Operators of the LoopBack days, which v3 still takes."""


@dataclass(frozen=True, slots=True)
class Include:
    """A relation to put into the answer, and what of it."""

    relation: str
    scope: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """A filter, read. `sort` holds pairs of a field and whether it descends."""

    where: Mapping[str, Any] = field(default_factory=dict)
    include: tuple[Include, ...] = ()
    fields: tuple[str, ...] = ()
    limit: int = V4_LIMIT
    skip: int = 0
    sort: tuple[tuple[str, bool], ...] = ()

    def select(self, documents: Iterable[Document], hidden_dates: tuple[str, ...] = ()) -> list[Document]:
        """Return the documents that fit, sorted and cut.

        `hidden_dates` are fields that compare with no text: v4 hands the filter to MongoDB as it is, where dates are no
        strings; v3's goes through mongoose, which makes them dates.
        """
        found = [document for document in documents if matches(_hide(document, hidden_dates), self.where)]
        return self.cut(found)

    def cut(self, found: list[Document]) -> list[Document]:
        """Return documents sorted and cut."""
        for name, descending in reversed(self.sort):
            found.sort(key=lambda document: _order(document.get(name)), reverse=descending)
        return found[self.skip : self.skip + self.limit]

    def project(self, document: Document) -> Document:
        """Return the fields that are asked for, always with `_id` and what is included; everything if none is."""
        return project(document, self.fields, [include.relation for include in self.include])


def project(document: Document, fields: Iterable[str], also: Iterable[str] = ()) -> Document:
    """Return `_id`, `fields` and `also` of a document; all of it without fields. Dotted ones give their root."""
    roots = {name.partition(".")[0] for name in fields}
    if not roots:
        return document
    return {name: value for name, value in document.items() if name in roots or name == "_id" or name in also}


def read_v3(call: Call, relations: Iterable[str] = ()) -> Query:
    """Return the filter of a v3 route. Unknown keys are no error there."""
    raw = _parse_filter(call.one("filter") or call.headers.get("filter"))
    limits = _object(raw.get("limits"))
    name, _, direction = str(limits.get("order") or "").partition(":")
    fields = raw.get("fields")
    if isinstance(fields, Mapping):
        fields = [name for name, wanted in fields.items() if wanted]
    return Query(
        where=_v3_where(_object(raw.get("where"))),
        include=_includes(_list(raw.get("include")), relations),
        fields=tuple(V3_NAMES.get(field, field) for field in _list(fields)),
        limit=whole(limits.get("limit"), V3_LIMIT),
        skip=whole(limits.get("skip"), 0),
        sort=((name, direction == "desc"),) if name else (),
    )


def read_v4(call: Call, allowed: frozenset[str], relations: Iterable[str] = ()) -> Query:
    """Return the filter of a v4 route. Raises Refusal 400 on a key that is neither a document's nor a filter's."""
    raw = _parse_filter(call.one("filter"))
    known = allowed | WHERE_KEYS | LIMIT_KEYS | {"include", "fields"}
    for path in _paths(raw):
        _check_path(path, known)
    limits = _object(raw.get("limits"))
    sort = _object(limits.get("sort")) or {"createdAt": "desc"}
    return Query(
        where=_object(raw.get("where")),
        include=_includes(_list(raw.get("include")), relations),
        fields=tuple(_list(raw.get("fields"))),
        limit=whole(limits.get("limit"), V4_LIMIT),
        skip=whole(limits.get("skip"), 0),
        sort=tuple((name, direction != "asc") for name, direction in sort.items()),
    )


def check_relation(name: Any, relations: Iterable[str]) -> str:
    """Return the name of a relation; raises Refusal 400 if there is none of that name."""
    if name not in {*relations, "all"}:
        shown = f'"{name}"' if isinstance(name, str) else name
        raise refuse(400, f"Provided include field {shown} is not part of the dataset relations")
    return str(name)


def whole(value: Any, default: int) -> int:
    """Return a number of documents; `default` for none and for 0. Raises Refusal 500 on what is no number."""
    if not value:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise internal_error()
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise internal_error()
    return value or {}


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise internal_error()
    return value or []


def _includes(raw: Iterable[Any], relations: Iterable[str]) -> tuple[Include, ...]:
    relations = tuple(relations)
    includes = []
    for item in raw:
        name = item.get("relation") if isinstance(item, Mapping) else item
        scope = (item.get("scope") if isinstance(item, Mapping) else None) or {}
        wanted = check_relation(name, relations)
        includes += [Include(relation, scope) for relation in (relations if wanted == "all" else (wanted,))]
    return tuple(includes)


def _parse_filter(text: str | None) -> Mapping[str, Any]:
    raw = parse(text, "Invalid JSON in filter: ") if text else {}
    return raw if isinstance(raw, Mapping) else {}


def _v3_where(where: Any) -> dict[str, Any]:
    if not isinstance(where, Mapping):
        return {}
    return {
        V3_NAMES.get(str(name), LOOPBACK.get(str(name), str(name))): _loopback(value) for name, value in where.items()
    }


def _loopback(value: Any) -> Any:
    if isinstance(value, list):
        return [_loopback(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    options = {"$options": "i"} if "ilike" in value else {}
    return {V3_NAMES.get(key, LOOPBACK.get(key, key)): _loopback(item) for key, item in value.items()} | options


def _paths(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, item in value.items():
        if item is None:
            continue
        if isinstance(item, Mapping):
            yield from _paths(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _check_path(path: str, known: frozenset[str]) -> None:
    for part in path.split("."):
        if part not in known:
            raise refuse(400, f"Property {path} should not exist in the filter object")
        if part in FREE_KEYS:
            return


def _hide(document: Document, dates: tuple[str, ...]) -> Document:
    return document | {name: object() for name in dates if document.get(name) is not None} if dates else document


def _order(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 3, value
    if isinstance(value, int | float):
        return 1, value
    return 2, str(value)
