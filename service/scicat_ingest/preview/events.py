"""The events of a file: one record's bytes, one record a line, or several msgpack documents one after another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from scicat_ingest.faults import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

_MSGPACK = (".msgpack", ".mpk")


@dataclass(frozen=True, slots=True)
class EventBytes:
    """One event, as it would be a record's value."""

    name: str
    """Where it comes from: `run42.json`, or `events.jsonl:7`."""
    value: bytes


def split_events(name: str, content: bytes) -> Iterator[EventBytes]:
    """Give one event, or one a line where the first line is a JSON document of its own and the whole is not.

    A file of msgpack documents, as bluesky writes them, has one after another. Raises ExtraMissing.
    """
    if name.endswith(_MSGPACK):
        yield from _split_msgpack(name, content)
        return
    lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    if _is_json(content) or not lines or not _is_json(lines[0][1]):
        yield EventBytes(name, content)
        return
    for number, line in lines:
        yield EventBytes(f"{name}:{number}", line)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _split_msgpack(name: str, content: bytes) -> Iterator[EventBytes]:
    try:
        msgpack = import_module("msgpack")
    except ModuleNotFoundError:
        raise ExtraMissing(f"{name}: msgpack needs scicat-ingest[bluesky]") from None
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    unpacker.feed(content)
    start, number = 0, 0
    try:
        while start < len(content):
            unpacker.skip()
            end, number = unpacker.tell(), number + 1
            yield EventBytes(name if end - start == len(content) else f"{name}:{number}", content[start:end])
            start = end
    except (ValueError, msgpack.OutOfData):
        yield EventBytes(f"{name}:{number + 1}", content[start:])
