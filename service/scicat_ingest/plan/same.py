"""When two values of a field mean the same to SciCat, however they are written (pure)."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.catalogue.times import parse_time, write_time
from scicat_ingest.mapping.metadata import PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMES = frozenset({"creationTime", "startTime", "endTime"})
IDS = frozenset({"proposalIds", "sampleIds", "instrumentIds"})
SETS = frozenset({"accessGroups", "sharedWith", "keywords"})
NAMES = "principalInvestigators"
METADATA = "scientificMetadata"
NOT_COMPARED = frozenset({"pid", "size", "numberOfFiles", "datasetlifecycle"})
"""Fields that SciCat or the archive changes, or that cannot change."""

_SI = ("valueSI", "unitSI")
_DIGEST_LENGTH = 10
_SHORT = 200
"""Characters of a text whose digest is remembered."""


def canonical(name: str, value: Any) -> Any:
    """Give a dataset field's value in one way of writing; None for what is as good as absent.

    SciCat adds valueSI and unitSI to quantities, writes whole floats as integers and rounds large integers; its v3
    route stores missing ids as `[null]` and all investigators in one text.
    """
    if name in TIMES and isinstance(value, str):
        try:
            return write_time(parse_time(value))
        except ValueError:
            return value
    if name == METADATA and isinstance(value, dict):
        value = {key: part for key, part in value.items() if key != PROVENANCE}
    if isinstance(value, list):
        value = [part for part in value if part is not None and part != ""]
        if name in SETS:
            value = sorted(value, key=str)
        if name == NAMES:
            value = ", ".join(str(part) for part in value)
    return _plain(value) or None


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is dict:
        quantity = "value" in value and "unit" in value
        if quantity and len(value) == 2:  # most are
            return {"unit": _plain(value["unit"]), "value": _plain(value["value"])}
        return {key: _plain(value[key]) for key in sorted(value) if not (quantity and key in _SI)}
    if kind is list:
        return [_plain(part) for part in value]
    return _rounded(value) if kind is int and not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else value


def _rounded(value: int) -> int:
    try:
        return int(float(value))
    except OverflowError:
        return value


def same(name: str, one: Any, other: Any) -> bool:
    """Tell whether two values of a field mean the same."""
    return bool(canonical(name, one) == canonical(name, other))


def digest(name: str, value: Any) -> str:
    """Name a field's value, so that it can be told later whether it is still the one that we wrote."""
    if isinstance(value, str) and len(value) <= _SHORT:
        return _digest_of_text(name, value)
    return _digest(name, value)


def _digest(name: str, value: Any) -> str:
    return hashlib.sha256(_text(canonical(name, value))).hexdigest()[:_DIGEST_LENGTH]


_digest_of_text = lru_cache(1024)(_digest)
"""Owner, groups, instrument and the like are the same in most events."""


def _text(value: Any) -> bytes:
    try:
        return to_json(value, inf_nan_mode="null")
    except ValueError:  # half of a surrogate pair, from SciCat
        return json.dumps(value, default=str).encode("utf-8", "replace")


def written(payload: Mapping[str, Any]) -> str:
    """Name everything that a payload sets: `field:digest` for each field, separated by spaces."""
    return " ".join(f"{name}:{digest(name, value)}" for name, value in payload.items() if name not in NOT_COMPARED)


def read_written(text: object) -> dict[str, str]:
    """Give the digests by field, as `written` has put them down."""
    pairs = (part.partition(":") for part in text.split()) if isinstance(text, str) else ()
    return {name: value for name, _, value in pairs}
