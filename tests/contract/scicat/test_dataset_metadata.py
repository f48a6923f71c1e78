from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller

KEYS = [("a.b", "a%2Eb"), ("$x", "%24x"), ("two words", "two%20words"), ("é", "%C3%A9"), ("plain_key-1", "plain_key-1")]


@pytest.mark.parametrize(("key", "encoded"), KEYS)
def test_keys_are_stored_encoded_and_v3_decodes_them(service: Caller, version: str, key: str, encoded: str) -> None:
    """Whichever route wrote them, v4 shows keys percent-encoded, v3 as they were sent; nested ones too."""
    pid = service.created(version, scientificMetadata={key: {key: 1}})["pid"]
    assert service.read(pid, "v4")["scientificMetadata"] == {encoded: {encoded: 1}}
    assert service.read(pid, "v3")["scientificMetadata"] == {key: {key: 1}}


def test_v4_shows_encoded_keys_in_every_answer(service: Caller) -> None:
    """The answer to POST and lists show what is stored."""
    created = service.created("v4", scientificMetadata={"a.b": 1})
    assert created["scientificMetadata"] == {"a%2Eb": 1}
    assert service.listed(created["pid"])[0]["scientificMetadata"] == {"a%2Eb": 1}


@pytest.mark.parametrize(
    "metadata", [{"energy": {"value": 12, "unit": "flurb"}}, {"a": {"b": {"value": 3, "unit": "flurb"}}}]
)
def test_values_with_units_get_si_values(service: Caller, version: str, metadata: dict[str, Any]) -> None:
    """Each {value, unit}, however deep, gets valueSI and unitSI; an unknown unit is copied through."""
    found = service.created(version, scientificMetadata=metadata)["scientificMetadata"]
    while "value" not in found:
        (found,) = found.values()
    assert (found["valueSI"], found["unitSI"]) == (found["value"], "flurb")


def test_lengths_are_converted(service: Caller) -> None:
    """Millimetres become metres."""
    metadata = {"distance": {"value": 250, "unit": "mm"}}
    found = service.created(scientificMetadata=metadata)["scientificMetadata"]["distance"]
    assert found["valueSI"] == pytest.approx(0.25)
    assert found["unitSI"] == "m"


@pytest.mark.parametrize("metadata", ["text", [1]])
def test_metadata_of_any_shape_is_taken(service: Caller, version: str, metadata: Any) -> None:
    """Nobody checks that scientificMetadata is an object."""
    assert service.create(version, scientificMetadata=metadata).status_code == 201


def test_null_below_the_top_is_harmless(service: Caller, version: str) -> None:
    """A null inside is kept, and blocks may follow."""
    pid = service.created(version, scientificMetadata={"a": {"b": None}})["pid"]
    assert service.read(pid)["scientificMetadata"] == {"a": {"b": None}}
    assert service.block(pid).status_code == 201


@pytest.mark.parametrize("size", [1000])
def test_many_keys_are_taken(service: Caller, version: str, size: int) -> None:
    """A thousand keys come back."""
    metadata = {f"key{number}": number for number in range(size)}
    assert service.created(version, scientificMetadata=metadata)["scientificMetadata"] == metadata
