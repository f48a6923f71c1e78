"""Avro's binary encoding to JSON values.

fastavro checks the schema and resolves its names; the values are read here, because its reader has no bounds: an array
of 2^60 nulls has ten bytes. Why so: docs/decisions/0014.
"""

from __future__ import annotations

import base64
import json
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.allowance import utf8
from scicat_ingest.decode.formats.avro_logical import LOGICAL
from scicat_ingest.decode.formats.varint import read_zigzag
from scicat_ingest.faults import CorruptRecord, DuplicateKey, NotAnObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scicat_ingest.decode.formats.allowance import Allowance
    from scicat_ingest.decode.formats.schema_text import SchemaText

_DEEPEST_SCHEMA = 100
"""Of nested types: the parser of schemas is recursive."""


def read_avro(payload: bytes, schema: SchemaText, allowance: Allowance) -> dict[str, Any]:
    """Read one record. Raises UndecodableRecord, also for a schema that cannot be read.

    Bytes become base64 text, decimals their digits as text, dates and times RFC 3339 (`avro_logical`); a union is the
    value alone, without the name of its type.
    """
    parsed, named = _parse(schema)
    reader = _Reader(payload, named, allowance)
    content = reader.read(parsed, 0)
    if not isinstance(content, dict):
        raise NotAnObject("expected the Avro schema of a record")
    if reader.at != len(payload):
        raise CorruptRecord(f"the Avro record ends at byte {reader.at} of {len(payload)}")
    return content


@lru_cache(maxsize=64)
def _parse(schema: SchemaText) -> tuple[Any, dict[str, Any]]:
    named: dict[str, Any] = {}
    parsed: Any = None
    try:
        for text in (*(text for _, text in schema.references), schema.text):
            loaded = json.loads(text)
            _refuse_deep(loaded)
            json.dumps(loaded, ensure_ascii=False).encode()  # a name may have half of a surrogate pair
            parsed = parse_schema(loaded, named)
    # fastavro lets Python's own errors through where a schema is malformed
    except (SchemaParseException, UnknownType, ValueError, TypeError, LookupError, AttributeError, RecursionError) as e:
        raise CorruptRecord(f"the Avro schema cannot be read: {excerpt(str(e))}") from None
    return parsed, named


def _refuse_deep(schema: Any) -> None:
    level = [schema]
    for _ in range(_DEEPEST_SCHEMA):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise ValueError("nested too deep")


class _Reader:
    """Reads forward through one payload; `at` is the next byte."""

    def __init__(self, payload: bytes, named: Mapping[str, Any], allowance: Allowance) -> None:
        self._payload = payload
        self._named = named
        self.allowance = allowance
        self._nested = {"record": self._record, "error": self._record, "array": self._array, "map": self._map}
        self.at = 0

    def read(self, schema: Any, level: int) -> Any:
        """Read a value; `level` is the level of what contains it."""
        if isinstance(schema, list):
            return self.read(self.choice(schema, self.long(), "branch of a union"), level)
        if isinstance(schema, str):
            schema = self._named.get(schema, {"type": schema})
        kind = schema["type"]
        if isinstance(kind, (dict, list)) or kind in self._named:
            return self.read(kind, level)
        if kind in self._nested:
            self.allowance.enter(level + 1)
            self.allowance.take()
            return self._nested[kind](schema, level + 1)
        if kind not in _SCALARS:
            raise CorruptRecord(f"the Avro schema has a type {excerpt(kind)} that is not known")
        self.allowance.take()
        value = _SCALARS[kind](self, schema)
        logical = LOGICAL.get((kind, str(schema.get("logicalType"))))
        if logical is not None:
            return logical(value, schema, self.allowance)
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value

    def _record(self, schema: Mapping[str, Any], level: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in schema["fields"]:
            name = field["name"]
            if name in found:
                raise DuplicateKey("the Avro schema has two fields of one name", field=name[:80])
            self.allowance.take(len(name))
            found[name] = self.read(field["type"], level)
        return found

    def _array(self, schema: Mapping[str, Any], level: int) -> list[Any]:
        found = []
        while count := self._block():
            for _ in range(count):
                found.append(self.read(schema["items"], level))  # noqa: PERF401 (stops in the middle where it must)
        return found

    def _map(self, schema: Mapping[str, Any], level: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while count := self._block():
            for _ in range(count):
                self.allowance.take()
                name = utf8(self.sized())
                if name in found:
                    raise DuplicateKey("expected each key once in an Avro map", field=name[:80])
                found[name] = self.read(schema["values"], level)
        return found

    def _block(self) -> int:
        """Give the number of items of the next block; a negative one is followed by the block's size in bytes."""
        count = self.long()
        if count < 0:
            self.long()
        return abs(count)

    def choice(self, choices: Any, index: int, what: str) -> Any:
        """Give what an index stands for."""
        if not 0 <= index < len(choices):
            raise CorruptRecord(f"expected a {what}, of which there are {len(choices)}, at byte {self.at}: got {index}")
        return choices[index]

    def long(self) -> int:
        """Read a whole number."""
        value, self.at = read_zigzag(self._payload, self.at)
        return value

    def sized(self) -> bytes:
        """Read bytes that follow their number."""
        return self.take(self.long())

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        if not 0 <= size <= len(self._payload) - self.at:
            raise CorruptRecord(f"a value of {size} bytes does not fit, at byte {self.at} of {len(self._payload)}")
        found = self._payload[self.at : self.at + size]
        self.at += size
        return found


def _fixed(reader: _Reader, schema: Mapping[str, Any]) -> bytes:
    size = schema.get("size")
    if type(size) is not int:
        raise CorruptRecord("the Avro schema has a fixed type without a size")
    return reader.take(size)


def _enum(reader: _Reader, schema: Mapping[str, Any]) -> Any:
    symbol = reader.choice(schema["symbols"], reader.long(), "symbol of an enum")
    reader.allowance.take(len(symbol))
    return symbol


def _real(form: str) -> Callable[[_Reader, Mapping[str, Any]], float | None]:
    def read(reader: _Reader, _: Mapping[str, Any]) -> float | None:
        number: float = struct.unpack(form, reader.take(struct.calcsize(form)))[0]
        return reader.allowance.number(number)

    return read


_SCALARS: dict[str, Callable[[_Reader, Mapping[str, Any]], Any]] = {
    "null": lambda _reader, _schema: None,
    "boolean": lambda reader, _: reader.take(1) != b"\0",
    "int": lambda reader, _: reader.long(),
    "long": lambda reader, _: reader.long(),
    "float": _real("<f"),
    "double": _real("<d"),
    "bytes": lambda reader, _: reader.sized(),
    "string": lambda reader, _: utf8(reader.sized()),
    "fixed": _fixed,
    "enum": _enum,
}
