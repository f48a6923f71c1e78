"""Bodies as JSON, without stopping the event loop: what takes long is done in a thread, and in small steps.

A thread alone would not help. `json.dumps` and `json.loads` keep the interpreter's lock until they are done: in a
thread, one body of 12 MB still stopped the loop for 80 to 100 ms. So a body is written slice by slice, and read with a
function of Python's own for each object; between them the lock can change hands. That leaves pauses of 5 to 25 ms, and
takes no longer in all. (CPython 3.11; a body of 60 000 files.)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

HEAVY_BYTES = 256 * 1024
"""Above this, work on a body or a plan is done in a thread; below, that would cost more than it gives.

Measured for a record of 256 KiB (CPython 3.11, 2-core virtual machine): `serialise` takes 1.4 ms, `parse` 1 ms and
`compare` 1.2 ms with 1 550 files that have checksums; 8, 3.5 and 6 ms with 7 700 files of the shortest names, which
are twice as long in a body. That is 65 to 185 MB/s of body to write, 100 to 270 to read. So what stays on the loop is
well below 20 ms a step, also on a slower machine. A hop to a thread and back takes 0.1 to 0.2 ms.
"""

_SLICE = 500
"""Items of a list that are written at once: about 1 ms."""
_SPLIT_DEPTH = 2
"""Levels of objects that are written field by field: the document and its scientificMetadata."""


async def run_by_weight(weight: int, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """Do the work: here, or in a thread if the bytes that it is about are more than HEAVY_BYTES."""
    if weight <= HEAVY_BYTES:
        return work(*arguments)
    return await anyio.to_thread.run_sync(work, *arguments)


def serialise(body: Mapping[str, Any]) -> bytes:
    """Give the body as JSON without spaces. Raises ValueError for NaN and infinities."""
    return _text(body, _SPLIT_DEPTH).encode()


def parse(content: bytes) -> Any:
    """Give the JSON value. Raises ValueError, RecursionError."""
    return json.loads(content, object_hook=_let_others_run)


def _text(value: Any, depth: int) -> str:
    if isinstance(value, dict) and depth:
        return "{" + ",".join(f"{_dumps(name)}:{_text(part, depth - 1)}" for name, part in value.items()) + "}"
    if isinstance(value, list) and len(value) > _SLICE:
        starts = range(0, len(value), _SLICE)
        return "[" + ",".join(_dumps(value[start : start + _SLICE])[1:-1] for start in starts) + "]"
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _let_others_run(document: dict[str, Any]) -> dict[str, Any]:
    """Give it as it is: at a call of a Python function the interpreter may let another thread run."""
    return document
