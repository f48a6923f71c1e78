"""msgpack, with numpy's values in the form of msgpack_numpy, to JSON values.

That form is read without numpy, and without what is pickled in it (arrays of objects): an event must never run code.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import TYPE_CHECKING, Any

import msgpack

from scicat_ingest.decode.formats.allowance import VALUE_BYTES, Allowance, utf8
from scicat_ingest.faults import CorruptRecord, DuplicateKey, InvalidUtf8, TooLarge

if TYPE_CHECKING:
    from scicat_ingest.settings import LimitsSettings

_STRUCT = {"b1": "?", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q"}
_STRUCT |= {"f2": "e", "f4": "f", "f8": "d"}


def unpack(value: bytes, limits: LimitsSettings) -> Any:
    """Unpack one msgpack value; maps have text or bytes as keys. Raises UndecodableRecord.

    The library allocates as it reads, whatever lengths the value claims; maps are counted here, for an empty one takes
    a byte in msgpack and 64 in memory.
    """
    most = limits.max_event_bytes // VALUE_BYTES
    made = 0

    def count() -> None:
        nonlocal made
        made += 1
        if made > most:
            raise TooLarge(f"the event has more than {most} objects and arrays")

    def to_map(pairs: list[tuple[str | bytes, Any]]) -> dict[str | bytes, Any]:
        count()
        found = dict(pairs)
        if len(found) != len(pairs):
            raise DuplicateKey("expected each key once in a map")
        return found

    def to_list(items: list[Any]) -> list[Any]:
        count()
        return items

    try:
        return msgpack.unpackb(value, object_pairs_hook=to_map, list_hook=to_list, timestamp=0)
    except UnicodeDecodeError:
        raise InvalidUtf8("expected UTF-8 in every text of the msgpack") from None
    except (ValueError, TypeError, OverflowError) as error:  # msgpack's own errors are ValueErrors
        raise CorruptRecord(f"expected msgpack: {str(error)[:100]}") from None


def to_json(value: Any, allowance: Allowance, level: int = 0) -> Any:
    """Turn what was unpacked into JSON values; `level` is the level of what contains it.

    Bytes become base64 text, timestamps seconds since 1970, numpy's arrays nested arrays; what has no such form
    (complex numbers, arrays of objects, extension types) becomes null with a warning. Raises UndecodableRecord.
    """
    if isinstance(value, (list, dict)):
        return _nested(value, allowance, level)
    allowance.take(len(value) if isinstance(value, (str, bytes)) else 0)
    match value:
        case float():
            return allowance.number(value)
        case bytes():
            return base64.b64encode(value).decode()
        case msgpack.Timestamp():
            return allowance.number(value.to_unix())
        case msgpack.ExtType():
            return allowance.warn("an extension type of msgpack is left out: it is null")
    return value


def _nested(value: list[Any] | dict[str | bytes, Any], allowance: Allowance, level: int) -> Any:
    if isinstance(value, list):
        return _to_array(value, allowance, level + 1)
    if _is_numpy(value):
        return _from_numpy({_name(name): item for name, item in value.items()}, allowance, level)
    return _to_object(value, allowance, level + 1)


def _to_array(items: list[Any], allowance: Allowance, level: int) -> list[Any]:
    allowance.enter(level)
    allowance.take()
    return [to_json(item, allowance, level) for item in items]


def _to_object(items: dict[str | bytes, Any], allowance: Allowance, level: int) -> dict[str, Any]:
    allowance.enter(level)
    allowance.take()
    found: dict[str, Any] = {}
    for key, item in items.items():
        name = _name(key)
        if name in found:
            raise DuplicateKey("expected each key once in a map", field=name[:80])
        allowance.take(len(name))
        found[name] = to_json(item, allowance, level)
    return found


def _name(key: str | bytes) -> str:
    return utf8(key) if isinstance(key, bytes) else key


def _is_numpy(value: dict[str | bytes, Any]) -> bool:
    """Tell whether a map is msgpack_numpy's: its keys are bytes, or (written with use_bin_type=False) its data are."""
    return (b"data" in value and (b"nd" in value or b"complex" in value)) or (
        "nd" in value and isinstance(value.get("data"), bytes)
    )


def _from_numpy(form: dict[str, Any], allowance: Allowance, level: int) -> Any:
    kind, data = form.get("type"), form.get("data")
    if form.get("nd") is None:
        return _leave_out("a complex number", allowance)
    kind = utf8(kind) if isinstance(kind, bytes) else kind
    if not isinstance(kind, str) or not isinstance(data, bytes) or form.get("kind") in (b"O", "O", b"V", "V"):
        return _leave_out("a numpy array of objects or records", allowance)
    shape = form.get("shape", []) if form["nd"] else []
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise CorruptRecord("the shape of a numpy array is no list of lengths")
    for depth in range(len(shape)):
        allowance.enter(level + depth + 1)
    items = _items(kind, data, math.prod(shape), allowance)
    if items is None:
        return _leave_out(f"a numpy array of type {kind[:20]}", allowance)
    return _shaped(items, shape, allowance) if shape else items[0]


def _items(kind: str, data: bytes, count: int, allowance: Allowance) -> list[Any] | None:
    """Give the values of an array; None for a type that has no form in JSON."""
    order = ">" if kind[:1] == ">" else "<"
    kind = kind.lstrip("<>|=")
    width = int(kind[1:]) if kind[1:].isascii() and kind[1:].isdigit() and len(kind) < 10 else 0
    if kind[:1] == "U":
        width *= 4
    if kind not in _STRUCT and kind[:1] not in ("S", "U"):
        return None
    if len(data) != count * width:
        raise CorruptRecord(f"a numpy array of {count} values of type {kind[:20]} has {len(data)} bytes")
    allowance.take(count * VALUE_BYTES + len(data))
    if kind in _STRUCT:
        values = struct.unpack(f"{order}{count}{_STRUCT[kind]}", data)
        return [allowance.number(item) if isinstance(item, float) else item for item in values]
    return [_text(data[place * width : (place + 1) * width], kind, order) for place in range(count)]


def _text(raw: bytes, kind: str, order: str) -> str:
    if kind[0] == "S":
        return utf8(raw.rstrip(b"\0"))
    try:
        return raw.decode("utf-32-be" if order == ">" else "utf-32-le").rstrip("\0")
    except UnicodeDecodeError:
        raise InvalidUtf8("expected Unicode in a numpy array of texts") from None


def _shaped(items: list[Any], shape: list[int], allowance: Allowance) -> list[Any]:
    """Nest a flat list. An array without values is an empty list, whatever its shape."""
    if not items:
        return []
    for length in reversed(shape[1:]):
        items = [items[start : start + length] for start in range(0, len(items), length)]
        allowance.take(len(items) * VALUE_BYTES)
    return items


def _leave_out(what: str, allowance: Allowance) -> None:
    allowance.take()
    allowance.warn(f"{what} is left out: it is null")
