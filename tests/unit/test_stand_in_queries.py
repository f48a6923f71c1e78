"""The stand-in's reading of filters, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scicat_ingest.testing.stand_in.exchange import Call, Refusal
from scicat_ingest.testing.stand_in.matching import matches
from scicat_ingest.testing.stand_in.metadata import encode_key, is_poison, prepare
from scicat_ingest.testing.stand_in.queries import Query, read_v3, read_v4

DOCUMENT = {"pid": "a", "size": 3, "tags": ["x", "y"], "meta": {"deep": {"value": 2}}, "list": [{"id": 1}, {"id": 2}]}
KEYS = frozenset({"pid", "size", "createdAt", "scientificMetadata"})


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ({}, True),
        ({"pid": "a"}, True),
        ({"pid": "b"}, False),
        ({"tags": "y"}, True),
        ({"tags": ["x", "y"]}, True),
        ({"meta.deep.value": 2}, True),
        ({"list.id": 2}, True),
        ({"list.id": 3}, False),
        ({"missing": None}, True),
        ({"missing": {"$exists": False}}, True),
        ({"pid": {"$in": ["b", "a"]}}, True),
        ({"pid": {"$nin": ["b", "a"]}}, False),
        ({"pid": {"$ne": "a"}}, False),
        ({"size": {"$gt": 2, "$lte": 3}}, True),
        ({"size": {"$gte": 4}}, False),
        ({"size": {"$lt": "9"}}, False),
        ({"pid": {"$regex": "^A", "$options": "i"}}, True),
        ({"pid": {"$not": {"$eq": "b"}}}, True),
        ({"$or": [{"pid": "b"}, {"size": 3}]}, True),
        ({"$and": [{"pid": "a"}, {"size": 4}]}, False),
        ({"$nor": [{"pid": "b"}]}, True),
        ({"size": True}, False),
    ],
    ids=str,
)
def test_documents_are_matched_as_mongodb_does(where: dict[str, Any], fits: bool) -> None:  # noqa: FBT001
    """Each operator that clients of SciCat use."""
    assert matches(DOCUMENT, where) is fits


@pytest.mark.parametrize(
    "where",
    [{"$where": "1"}, {"pid": {"$near": 1}}, {"pid": {"$regex": "("}}, {"pid": {"$in": "a"}}, {"$or": {}}],
    ids=str,
)
def test_an_operator_that_is_not_known_is_refused(where: dict[str, Any]) -> None:
    """It is better to say so than to match nothing."""
    with pytest.raises(Refusal):
        matches(DOCUMENT, where)


def call(filter_: Any) -> Call:
    """Return a GET with a filter."""
    return Call("GET", {}, {"filter": (json.dumps(filter_),)}, {}, None)


@pytest.mark.parametrize(
    "filter_",
    [{"where": "pid"}, {"limits": 5}, {"limits": {"limit": "many"}}, {"fields": "pid"}, {"include": "all"}],
    ids=str,
)
def test_a_filter_of_another_shape_breaks_the_server(filter_: dict[str, Any]) -> None:
    """What is no object, list or number where one is wanted is answered, not crashed on."""
    for read in (read_v3, lambda made: read_v4(made, KEYS)):
        with pytest.raises(Refusal):
            read(call(filter_))


def test_v3_reads_the_operators_of_loopback() -> None:
    """`inq`, `like` and `ilike` are MongoDB's under other names."""
    query = read_v3(call({"where": {"or": [{"proposalId": {"inq": ["a"]}}, {"owner": {"ilike": "x"}}]}}))
    assert query.where == {"$or": [{"proposalIds": {"$in": ["a"]}}, {"owner": {"$regex": "x", "$options": "i"}}]}


def test_v3_reads_fields_as_a_map() -> None:
    """LoopBack's {field: true} is a list of those that are true."""
    assert read_v3(call({"fields": {"pid": True, "size": False}})).fields == ("pid",)


def test_v4_sorts_the_newest_first_unless_told() -> None:
    """With limits but without sort the default order stays."""
    assert read_v4(call({"limits": {"limit": 3}}), KEYS).sort == (("createdAt", True),)
    assert read_v4(call({"limits": {"sort": {"size": "asc"}}}), KEYS).sort == (("size", False),)


def test_v4_does_not_look_into_lists() -> None:
    """Keys inside `$or` are not checked, keys inside scientificMetadata are free."""
    free = {"where": {"$or": [{"fooBar": 1}], "scientificMetadata.any.thing": 1}}
    assert read_v4(call(free), KEYS).where == free["where"]


def test_v4_compares_no_date_with_a_text() -> None:
    """v4 hands the filter to MongoDB as it is, where createdAt is a date; v3 converts."""
    documents = [{"pid": "a", "createdAt": "2026-11-23T10:00:00.000Z"}]
    query = Query(where={"createdAt": {"$gt": "2026-01-01"}})
    assert query.select(documents) == documents
    assert query.select(documents, ("createdAt",)) == []


@pytest.mark.parametrize(
    ("key", "encoded"), [("a.b", "a%2Eb"), ("a%2Eb", "a%2Eb"), ("50%", "50%25"), ("x-y_z~", "x-y_z~")]
)
def test_keys_are_encoded_once(key: str, encoded: str) -> None:
    """A key that is encoded already is left alone."""
    assert encode_key(key) == encoded


def test_quantities_are_converted_however_deep() -> None:
    """A {value, unit} gets SI values; what has no number or no unit does not."""
    sent = {"a": {"b": {"value": 2, "unit": "h"}}, "c": {"value": "x", "unit": "m"}, "d": {"value": 1, "unit": ""}}
    prepared = prepare(sent)
    assert prepared["a"]["b"] == {"value": 2, "unit": "h", "valueSI": 7200.0, "unitSI": "s"}
    assert prepared["c"] == {"value": "x", "unit": "m", "valueSI": "x", "unitSI": "m"}
    assert prepared["d"] == {"value": 1, "unit": ""}


@pytest.mark.parametrize(
    ("metadata", "poison"),
    [({"a": None}, True), ({"": 1}, True), ({"a": {"b": None}}, False), ({}, False), (None, False)],
)
def test_poison_is_at_the_top(metadata: Any, poison: bool) -> None:  # noqa: FBT001
    """Null and empty keys further down are harmless."""
    assert is_poison(metadata) is poison
