"""Filters for the field, besides Jinja2's own: docs/mapping-files.md lists them with examples."""

from __future__ import annotations

import json
import posixpath
import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jmespath
from jinja2.exceptions import FilterArgumentError
from jmespath.exceptions import JMESPathError

from scicat_ingest.catalogue.panet import find
from scicat_ingest.catalogue.times import parse_time, write_time

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SEARCHED = 100_000
"""Characters that a regular expression is let loose on."""
_MILLISECONDS_FROM = 1e11
"""Seconds since 1970 that are larger are milliseconds: in seconds, the year 5138."""
_ORCID = re.compile(r"(\d{4}-\d{4}-\d{4}-\d{3}[\dXx])")
_LOOSE_TIME = re.compile(r"(\d{4})[-/.:](\d\d)[-/.:](\d\d)[ T_](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(.*)")


def json_query(value: Any, expression: str) -> Any:
    """Ask with JMESPath, as in Ansible."""
    try:
        return _compiled(expression).search(value)
    except JMESPathError as error:
        raise FilterArgumentError(f"json_query({expression!r}): {error}") from None


@lru_cache(maxsize=1000)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def basename(path: str) -> str:
    """Give the last part of a path."""
    return posixpath.basename(_text(path, "basename").replace("\\", "/").rstrip("/"))


def dirname(path: str) -> str:
    """Give a path without its last part."""
    return posixpath.dirname(_text(path, "dirname").replace("\\", "/").rstrip("/"))


def regex_search(text: str, pattern: str, group: int | str = 0) -> str | None:
    """Give what matches first, or a group of it; null if nothing does."""
    found = re.search(pattern, _text(text, "regex_search")[:_MOST_SEARCHED])
    return found[group] if found else None


def regex_replace(text: str, pattern: str, replacement: str) -> str:
    r"""Replace everything that matches; `\1` is the first group."""
    return re.sub(pattern, replacement, _text(text, "regex_replace")[:_MOST_SEARCHED])


def slug(text: str) -> str:
    """Make a name of lower-case letters, digits and dashes: `Fe₃O₄ at 5 K` is `fe3o4-at-5-k`."""
    plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def rfc3339(value: Any, zone: str | None = None) -> str | None:
    """Give a time as RFC 3339: of seconds or milliseconds since 1970, or of a text; without offset it needs `zone`.

    Null and empty text give null.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise FilterArgumentError(f"rfc3339: expected a number or text, got {value!r}")
    try:
        if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
            value = float(value)
        if isinstance(value, (int, float)):
            seconds = value / 1000 if abs(value) > _MILLISECONDS_FROM else value
            return write_time(datetime.fromtimestamp(seconds, UTC))
        return write_time(parse_time(_tidy(value), ZoneInfo(zone) if zone else None))
    except ZoneInfoNotFoundError:
        raise FilterArgumentError(f"rfc3339: there is no time zone {zone!r}") from None
    except (ValueError, OverflowError, OSError) as error:
        raise FilterArgumentError(f"rfc3339: {value!r}: {error}") from None


def _tidy(text: str) -> str:
    loose = _LOOSE_TIME.fullmatch(text.strip())
    if not loose:
        return text.strip()
    year, month, day, hour, minute, second, rest = loose.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{rest.strip()}"


def quantity(value: Any, unit: str | None = None) -> dict[str, Any]:
    """Make an object with `value` and `unit`, as SciCat wants quantities; a null or empty unit is left out."""
    return {"value": value, "unit": unit} if unit else {"value": value}


def panet(label: str) -> dict[str, str] | None:
    """Give a technique of the PaNET ontology by its label, acronym or IRI: {pid, name}; null if there is none."""
    technique = find(_text(label, "panet"))
    return {"pid": technique.pid, "name": technique.name} if technique else None


def urldecode(text: str, *, plus: bool = False) -> str:
    """Take %20 for what it stands for; with plus=true also `+` for a space."""
    return unquote_plus(_text(text, "urldecode")) if plus else unquote(_text(text, "urldecode"))


def to_list(value: Any) -> list[Any]:
    """Give an array: of a single value, one with only it; of null, an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def orcid(text: str) -> str | None:
    """Give the 16 digits of an ORCID, also of its web address; null where there are none."""
    found = _ORCID.search(_text(text, "orcid"))
    return found[1].upper() if found else None


def suffixed(text: str, suffix: str) -> str:
    """Put something behind a text: `names | map('suffixed', '.h5')`."""
    return _text(text, "suffixed") + suffix


def bluesky_configuration(descriptors: list[dict[str, Any]]) -> dict[str, Any]:
    """Give what the devices of a bluesky run were set to: {device: {name: {value, unit}}}."""
    found: dict[str, Any] = {}
    for descriptor in descriptors:
        for device, entry in (descriptor.get("configuration") or {}).items():
            data, keys = entry.get("data") or {}, entry.get("data_keys") or {}
            values = {name: quantity(value, (keys.get(name) or {}).get("units")) for name, value in data.items()}
            found.setdefault(device, {}).update(values)
    return found


def from_json(text: str) -> Any:
    """Read JSON that stands in a text."""
    try:
        return json.loads(_text(text, "from_json"))
    except (ValueError, RecursionError) as error:
        raise FilterArgumentError(f"from_json: {error}") from None


def to_json(value: Any) -> str:
    """Write JSON."""
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise FilterArgumentError(f"{name}: expected text, got {value!r}")
    return value


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        json_query, basename, dirname, regex_search, regex_replace, slug, rfc3339, quantity, panet, urldecode, to_list,
        orcid, suffixed, bluesky_configuration, from_json, to_json,
    )
}  # fmt: skip
"""By the name that mapping files use."""
