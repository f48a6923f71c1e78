from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.contract.scicat.conftest import Caller

RELATIONS = {"instruments", "proposals", "origdatablocks", "datablocks", "attachments", "samples"}


def query(caller: Caller, version: str, filter_: dict[str, Any], end: str = "") -> httpx.Response:
    """GET datasets by a filter."""
    return caller.get(f"/api/{version}/datasets{end}", filter=json.dumps(filter_))


def pids(response: httpx.Response) -> list[str]:
    """Return the pids of a list."""
    assert response.status_code == 200, response.text
    return [dataset["pid"] for dataset in response.json()]


@pytest.fixture
def family(service: Caller, foreign_group: str) -> list[str]:
    """Return the pids of three datasets that only a keyword has in common."""
    return [
        service.created(
            keywords=[foreign_group, f"n{number}"],
            size=number,
            proposalIds=[f"{foreign_group}-{number}"],
            scientificMetadata={"outer": {"inner": number}},
        )["pid"]
        for number in range(3)
    ]


def test_a_missing_dataset_is_404(service: Caller, version: str) -> None:
    """v3 names the pid, v4 has forgotten it."""
    response = service.get(service.path("no/such", version))
    assert response.status_code == 404
    named = "no/such" if version == "v3" else "null"
    assert response.json()["message"] == f"dataset: {named} not found"


def test_nothing_found_is_an_empty_list(service: Caller, version: str) -> None:
    """A list without a hit is `[]`."""
    assert service.listed("no/such", version) == []


def test_find_one_without_a_hit_has_no_body(service: Caller, version: str) -> None:
    """Not null, not 404: 200 with nothing."""
    response = query(service, version, {"where": {"pid": "no/such"}}, "/findOne")
    assert (response.status_code, response.content) == (200, b"")


def test_find_one_gives_the_dataset(service: Caller, version: str) -> None:
    """With a hit it is the document itself."""
    pid = service.created()["pid"]
    assert query(service, version, {"where": {"pid": pid}}, "/findOne").json()["pid"] == pid


def test_where_takes_in_and_nested_keys(service: Caller, family: list[str], foreign_group: str, version: str) -> None:
    """`$in`, list members and keys inside scientificMetadata select."""
    assert set(pids(query(service, version, {"where": {"pid": {"$in": family[:2]}}}))) == set(family[:2])
    assert set(pids(query(service, version, {"where": {"keywords": foreign_group}}))) == set(family)
    nested = {"keywords": foreign_group, "scientificMetadata.outer.inner": 1}
    assert pids(query(service, version, {"where": nested})) == [family[1]]
    assert pids(query(service, version, {"where": {"keywords": foreign_group, "size": {"$gt": 1}}})) == [family[2]]


def test_v3_finds_by_the_singular_name(service: Caller, family: list[str], foreign_group: str) -> None:
    """ProposalId in where means proposalIds."""
    assert pids(query(service, "v3", {"where": {"proposalId": f"{foreign_group}-1"}})) == [family[1]]
    assert pids(query(service, "v4", {"where": {"proposalIds": f"{foreign_group}-1"}})) == [family[1]]


@pytest.mark.parametrize(("version", "order"), [("v3", {"order": "size:desc"}), ("v4", {"sort": {"size": "desc"}})])
def test_lists_are_sorted_and_cut(
    service: Caller, family: list[str], foreign_group: str, version: str, order: dict[str, Any]
) -> None:
    """v3 sorts by `order`, v4 by `sort`; both take limit and skip."""
    where = {"keywords": foreign_group}
    assert pids(query(service, version, {"where": where, "limits": order})) == family[::-1]
    limits = order | {"limit": 1, "skip": 1}
    assert pids(query(service, version, {"where": where, "limits": limits})) == [family[1]]


def test_fields_limit_the_answer(service: Caller, version: str) -> None:
    """Only what is asked for comes, with `_id`."""
    pid = service.created()["pid"]
    (found,) = service.listed(pid, version, fields=["datasetName"])
    assert found["datasetName"] == "a test"
    assert found["_id"] == pid
    assert "sourceFolder" not in found


def test_v4_lists_ten_unless_asked(service: Caller, foreign_group: str) -> None:
    """The default limit is 10 by v4 and 100 by v3."""
    for _ in range(12):
        service.created(keywords=[foreign_group])
    where = {"where": {"keywords": foreign_group}}
    assert len(query(service, "v4", where).json()) == 10
    assert len(query(service, "v4", where | {"limits": {"limit": 50}}).json()) == 12
    assert len(query(service, "v3", where).json()) == 12


def test_an_unknown_key_is_refused_by_v4(service: Caller) -> None:
    """v4 knows which keys a filter may have."""
    response = query(service, "v4", {"where": {"fooBar": 1}})
    assert response.status_code == 400
    assert response.json()["message"] == "Property where.fooBar should not exist in the filter object"


def test_a_damaged_filter_is_400(service: Caller, version: str) -> None:
    """The filter must be JSON."""
    assert service.get(f"/api/{version}/datasets", filter="{").status_code == 400


def test_count_looks_at_the_filter_only(service: Caller, family: list[str], foreign_group: str, version: str) -> None:
    """A bare `where` counts everything."""
    where = {"keywords": foreign_group}
    assert query(service, version, {"where": where}, "/count").json() == {"count": len(family)}
    everything = service.get(f"/api/{version}/datasets/count", where=json.dumps(where)).json()
    assert everything["count"] >= len(family)
    assert everything == service.get(f"/api/{version}/datasets/count").json()


def test_full_query_finds_by_fields(service: Caller, family: list[str], foreign_group: str) -> None:
    """`fields` and `limits` are parameters of their own."""
    fields = json.dumps({"keywords": [foreign_group]})
    assert set(pids(service.get("/api/v3/datasets/fullquery", fields=fields))) == set(family)
    limited = service.get("/api/v3/datasets/fullquery", fields=fields, limits=json.dumps({"limit": 2}))
    assert len(pids(limited)) == 2


def test_full_facet_counts(service: Caller, family: list[str], foreign_group: str) -> None:
    """The number of hits is under `all`."""
    fields = json.dumps({"keywords": [foreign_group]})
    response = service.get("/api/v3/datasets/fullfacet", fields=fields, facets=json.dumps(["type"]))
    assert response.status_code == 200
    assert response.json()[0]["all"][0]["totalSets"] == len(family)


# Include


@pytest.fixture
def complete(service: Caller) -> str:
    """Return the pid of a dataset with two blocks and an attachment that the service may see."""
    pid = service.created()["pid"]
    assert service.block(pid, files=2).status_code == 201
    assert service.block(pid).status_code == 201
    assert service.attachment(pid).status_code == 201
    return str(pid)


def test_v3_includes_by_name(service: Caller, complete: str) -> None:
    """A list of names is taken by the list and by pid."""
    include = ["origdatablocks", "attachments"]
    (listed,) = service.listed(complete, "v3", include=include)
    single = service.read(complete, "v3", filter=json.dumps({"include": include}))
    for found in (listed, single):
        assert [len(block["dataFileList"]) for block in found["origdatablocks"]] == [2, 1]
        assert len(found["attachments"]) == 1


def test_includes_have_a_scope(service: Caller, complete: str, version: str) -> None:
    """A relation with a scope gives the fields that the scope asks for."""
    include = [{"relation": "origdatablocks", "scope": {"fields": ["size"]}}]
    (found,) = service.listed(complete, version, include=include)
    assert [block["size"] for block in found["origdatablocks"]] == [2, 1]
    assert all("dataFileList" not in block and "_id" in block for block in found["origdatablocks"])


def test_v4_includes_by_repeated_parameters(service: Caller, complete: str) -> None:
    """By pid, v4 takes `include` as often as there are relations."""
    found = service.read(complete, "v4", include=["origdatablocks", "attachments"])
    assert (len(found["origdatablocks"]), len(found["attachments"])) == (2, 1)
    assert "proposals" not in found


def test_all_includes_everything(service: Caller, complete: str) -> None:
    """`all` stands for every relation."""
    found = service.read(complete, "v4", include="all")
    assert set(found) >= RELATIONS
    assert len(found["origdatablocks"]) == 2


def test_a_json_list_is_no_include(service: Caller, complete: str) -> None:
    """v4 ignores a JSON list where it wants a name, and says nothing."""
    found = service.read(complete, "v4", include='["origdatablocks"]')
    assert "origdatablocks" not in found


def test_an_unknown_relation_is_refused(service: Caller, complete: str) -> None:
    """v4 knows its relations, in lists and by pid."""
    response = service.get(service.path(complete), include="friends")
    assert response.status_code == 400
    assert "friends" in response.json()["message"]
    assert query(service, "v4", {"include": ["friends"]}).status_code == 400


def test_included_blocks_are_not_capped(service: Caller) -> None:
    """Lists of blocks are cut, included blocks are not."""
    pid = service.created()["pid"]
    for _ in range(12):
        assert service.block(pid).status_code == 201
    assert len(service.read(pid, "v4", include="origdatablocks")["origdatablocks"]) == 12
    assert len(service.listed(pid, "v4", include=["origdatablocks"])[0]["origdatablocks"]) == 12
