"""Filters for the field, beside Jinja's: docs/mapping-files.md prints them with these docstrings and examples.

Null stays null, but for `json_query`, `to_list` and `to_json`: what an event says to be null becomes a field that is
left out. What is not there at all is missing: `default` and `on_missing` apply.
"""

from __future__ import annotations

import glob
import hashlib
import json
import posixpath
import re
import unicodedata
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Undefined
from jinja2.exceptions import FilterArgumentError

from scicat_ingest.catalogue.panet import find
from scicat_ingest.catalogue.times import parse_time, write_time
from scicat_ingest.translate.query import ask, compile_query
from scicat_ingest.translate.times import from_number, tidy

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SEARCHED = 10_000
"""Characters that a regular expression is let loose on."""
_MOST_CHARACTERS = 1_000_000
"""What `replace` and `join` may make."""
_LONGEST_ID = 200
_MOST_DECIMALS = 15
_ORCID = re.compile(r"(?<!\d)(\d{4}-\d{4}-\d{4}-\d{3}[\dXx])(?![\dXx])", re.ASCII)
_INTEGER = re.compile(r"\s*[-+]?\d{1,300}\s*", re.ASCII)
_REFUSED = object()


def json_query(value: Any, expression: str) -> Any:
    """Ask with JMESPath, as in Ansible; null where nothing is found, also of null."""
    return ask(value, expression)


def basename(path: str) -> str:
    """Give the last part of a path."""
    return posixpath.basename(_text(path, "basename").replace("\\", "/").rstrip("/"))


def dirname(path: str) -> str:
    """Give a path without its last part."""
    return posixpath.dirname(_text(path, "dirname").replace("\\", "/").rstrip("/"))


def common_folder(paths: list[str]) -> str | None:
    """Give the deepest folder that all these files are in; null of none."""
    folders = [dirname(path) for path in _array(paths, "common_folder")]
    if not folders:
        return None
    common = folders[0].split("/")
    for folder in folders[1:]:
        parts = folder.split("/")
        fits = next((at for at, (one, other) in enumerate(zip(common, parts, strict=False)) if one != other), None)
        common = common[: min(len(common), len(parts)) if fits is None else fits]
    return "/".join(common) or ("/" if folders[0].startswith("/") else "")


def relative_to(path: str, folder: str) -> str:
    """Give a path as seen from a folder that it is in; any other path as it is."""
    prefix = _text(folder, "relative_to").rstrip("/") + "/"
    return _text(path, "relative_to").removeprefix(prefix)


def only(path: str) -> str:
    """Make a pattern for `scan` that fits this path alone, from `source.folder`; all in it if it is a folder."""
    return "/" + glob.escape(_text(path, "only").lstrip("/"))


def regex_search(text: str, pattern: str, group: int | str = 0) -> str | None:
    """Give what matches first in the first 10 000 characters, or a group of it; null if nothing does."""
    found = _regex(pattern).search(_text(text, "regex_search")[:_MOST_SEARCHED])
    return found[group] if found else None


def regex_replace(text: str, pattern: str, replacement: str) -> str:
    r"""Replace everything that matches; `\1` is the first group. Of at most 10 000 characters."""
    if len(_text(text, "regex_replace")) > _MOST_SEARCHED or len(_text(replacement, "regex_replace")) > 1000:
        raise FilterArgumentError(f"regex_replace: the text is longer than {_MOST_SEARCHED} characters")
    try:
        return _regex(pattern).sub(replacement, text)
    except re.error as error:
        raise FilterArgumentError(f"regex_replace: {replacement!r}: {error}") from None


def replace(text: str, old: str, new: str) -> str:
    """Put one text in the place of another, everywhere."""
    times = _text(text, "replace").count(_text(old, "replace"))
    if len(text) + times * len(_text(new, "replace")) > _MOST_CHARACTERS:
        raise FilterArgumentError(f"replace: the result would be longer than {_MOST_CHARACTERS} characters")
    return text.replace(old, new)


def join(values: list[Any], between: str = "", attribute: str | None = None) -> str:
    """Join texts and numbers, or one field of each object."""
    items = [item.get(attribute) if attribute else item for item in _array(values, "join")]
    texts = [item if isinstance(item, str) else json.dumps(item) for item in items if item is not None]
    if sum(map(len, texts)) + len(texts) * len(_text(between, "join")) > _MOST_CHARACTERS:
        raise FilterArgumentError(f"join: the result would be longer than {_MOST_CHARACTERS} characters")
    return between.join(texts)


def flatten(values: list[Any]) -> list[Any]:
    """Make one array of an array of arrays."""
    return [item for value in _array(values, "flatten") for item in (value if isinstance(value, list) else [value])]


def total(values: list[float], attribute: str | None = None) -> float:
    """Add numbers, or one field of each object; null counts nothing."""
    items = [item.get(attribute) if attribute else item for item in _array(values, "sum")]
    for item in items:
        if item is not None and (isinstance(item, bool) or not isinstance(item, (int, float))):
            raise FilterArgumentError(f"sum: expected numbers, got {item!r}")
    found: float = sum(item for item in items if item is not None)
    return found


def integer(value: Any, default: Any = _REFUSED) -> Any:
    """Read an integer from a text; cut a number's fraction. For what is no number `default`, else it is refused."""
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if default is not _REFUSED:
        return default
    raise FilterArgumentError(f"int: expected an integer, got {value!r}")


def decimal(value: Any, default: Any = _REFUSED) -> Any:
    """Read a number from a text. For what is no number `default`, else it is refused."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        if default is not _REFUSED:
            return default
        raise FilterArgumentError(f"float: expected a number, got {value!r}") from None


def rounded(number: float, precision: int = 0) -> float:
    """Round to a number of decimals, at most 15: to the even one in the middle."""
    if not isinstance(number, (int, float)) or type(precision) is not int or abs(precision) > _MOST_DECIMALS:
        raise FilterArgumentError(f"round: expected a number and at most {_MOST_DECIMALS} decimals, got {number!r:.60}")
    return round(float(number), precision)


def string(value: Any) -> str:
    """Make a text of a number or boolean, as JSON writes it; objects and arrays are refused."""
    if not isinstance(value, (str, int, float)):
        raise FilterArgumentError(f"string: expected text, a number or a boolean, got {value!r:.60}")
    return value if isinstance(value, str) else json.dumps(value)


def zero_pad(number: int | str, width: int) -> str:
    """Write a whole number with zeros before it, up to a width of at most 30."""
    text = str(number)
    if isinstance(number, bool) or not re.fullmatch("-?[0-9]+", text) or type(width) is not int or not 0 < width <= 30:
        raise FilterArgumentError(f"zero_pad: expected a whole number and a width of 1 to 30, got {number!r:.60}")
    return text.zfill(width)


def slug(text: str) -> str:
    """Make a name of lower-case letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def as_id(text: str) -> str:
    """Make an id of at most 200 characters: a longer text is cut, and ends in 32 digits that stand for all of it."""
    if len(_text(text, "as_id")) <= _LONGEST_ID:
        return text
    return f"{text[: _LONGEST_ID - 33]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"


def rfc3339(value: Any, zone: str | None = None) -> str | None:
    """Give a time as RFC 3339: of a text, or of (milli-, micro-, nano-)seconds since 1970; null of an empty text.

    A text without offset needs `zone`. Numbers are refused that are no time from 1980 to 2100: 20260422 is none.
    """
    if value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise FilterArgumentError(f"rfc3339: expected a number or text, got {value!r}")
    try:
        if not isinstance(value, str):
            return write_time(from_number(value))
        if re.fullmatch(r"\d{1,30}(\.\d{1,30})?", value, re.ASCII):
            return write_time(from_number(float(value)))
        return write_time(parse_time(tidy(value), ZoneInfo(zone) if zone else None))
    except (ZoneInfoNotFoundError, OSError):
        raise FilterArgumentError(f"rfc3339: there is no time zone {zone!r}") from None
    except (ValueError, OverflowError) as error:
        raise FilterArgumentError(f"rfc3339: {value!r}: {error}") from None


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
    found = _ORCID.search(_text(text, "orcid")[:_MOST_SEARCHED])
    return found[1].upper() if found else None


def items2dict(values: list[dict[str, Any]], key_name: str = "key", value_name: str = "value") -> dict[str, Any]:
    """Make one object of an array of objects, as in Ansible: one field of each is the name, another one the value."""
    found = {}
    for item in _array(values, "items2dict"):
        if not isinstance(item, dict) or not isinstance(item.get(key_name), (str, int)):
            raise FilterArgumentError(f"items2dict: expected objects with {key_name!r}, got {item!r:.60}")
        found[str(item[key_name])] = item.get(value_name)
    return found


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
        raise FilterArgumentError(f"{name}: expected text, got {value!r:.60}")
    return value


def _array(value: Any, name: str) -> list[Any]:
    if isinstance(value, (str, dict)) or not hasattr(value, "__iter__"):
        raise FilterArgumentError(f"{name}: expected an array, got {value!r:.60}")
    return list(value)


@lru_cache(maxsize=1000)
def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_text(pattern, "a regular expression"))
    except (re.error, OverflowError, RecursionError) as error:
        raise FilterArgumentError(f"{pattern!r} is no regular expression: {error}") from None


def null_stays_null(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter give null for null, and say what is missing; also one of Jinja's that takes a context first."""
    place = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        _refuse_undefined(args)
        return None if args[place] is None else function(*args, **named)

    return checked


def _null_is_a_value(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        _refuse_undefined(args)
        return function(*args, **named)

    return checked


def _refuse_undefined(values: tuple[Any, ...]) -> None:
    for value in values:
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()  # noqa: SLF001 (jinja2's own way to say what is missing)


FILTERS: dict[str, Callable[..., Any]] = {
    **{
        function.__name__: null_stays_null(function)
        for function in (
            basename, dirname, common_folder, relative_to, only, regex_search, regex_replace, replace, join, flatten,
            string, zero_pad, slug, as_id, rfc3339, quantity, panet, urldecode, orcid, items2dict,
            bluesky_configuration, from_json,
        )
    },
    "sum": null_stays_null(total),
    "round": null_stays_null(rounded),
    "int": null_stays_null(integer),
    "float": null_stays_null(decimal),
    **{function.__name__: _null_is_a_value(function) for function in (json_query, to_list, to_json)},
}  # fmt: skip
"""By the name that mapping files use."""
CONSTANT_ARGUMENT = frozenset({"json_query", "regex_search", "regex_replace"})
"""Filters whose argument is a program: it stands in the mapping file, and never comes from an event."""


def check_constant(name: str, argument: str) -> None:
    """Check what one of `CONSTANT_ARGUMENT` is given. Raises FilterArgumentError."""
    if name == "json_query":
        compile_query(argument)
    else:
        _regex(argument)
