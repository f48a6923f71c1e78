"""Golden examples of mapping files: events, and what is to be made of them (pure but for reading the files).

Beside `NAME.yaml` stand `NAME.example*.*`, each one event in its own format, with `NAME.example*.headers.json` for its
Kafka headers; what `map --json` is to print for it stands in `NAME.expected*.json`, for `NAME.example-2.xml` in
`NAME.expected-2.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import InvalidMapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VOLATILE = frozenset({"mappingDigest", "producedBy", "written"})
"""What changes with the service and the settings."""
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Example:
    """An event, and what a mapping file is to make of it."""

    name: str
    event: Path
    headers: tuple[tuple[str, bytes], ...]
    expected: Any


def find_examples(mapping: Path) -> list[Example]:
    """Give the golden examples of a mapping file. Raises InvalidMapping for one without its expectation."""
    paths = sorted(mapping.parent.glob(f"{mapping.stem}.example*"))
    events = [path for path in paths if not path.name.endswith(".headers.json")]
    return [_example(mapping, event) for event in events]


def _example(mapping: Path, event: Path) -> Example:
    label = event.name.removeprefix(f"{mapping.stem}.example").partition(".")[0]
    expected = mapping.with_name(f"{mapping.stem}.expected{label}.json")
    if not expected.is_file():
        hint = f"put there what `scicat-ingest map {event.name} --json` prints, when it is right"
        raise InvalidMapping(f"{event.name}: {expected.name} is missing beside it", hint=hint)
    headers = mapping.with_name(f"{mapping.stem}.example{label}.headers.json")
    given = _load(headers) if headers.is_file() else {}
    return Example(
        name=event.name,
        event=event,
        headers=tuple((name, str(text).encode()) for name, text in given.items()),
        expected=_load(expected),
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidMapping(f"{path.name}: {error}") from None


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Say field by field how two documents differ, as `path: expected …, got …`."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in dict.fromkeys((*expected, *actual)):
            if name not in _VOLATILE:
                below = f"{path}.{name}" if path else str(name)
                yield from differences(expected.get(name, _ABSENT), actual.get(name, _ABSENT), below)
    elif isinstance(expected, list) and isinstance(actual, list):
        for index in range(max(len(expected), len(actual))):
            left, right = (side[index] if index < len(side) else _ABSENT for side in (expected, actual))
            yield from differences(left, right, f"{path}[{index}]")
    elif expected != actual or type(expected) is not type(actual):
        yield f"{path}: expected {_shown(expected)}, got {_shown(actual)}"


_ABSENT = object()


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
