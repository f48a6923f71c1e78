"""Golden examples of mapping files: records, and what is to be made of them (pure but for reading the files).

Beside `NAME.yaml` stand

- `NAME.example.*`, an event in its own format: one record, or several, as JSON lines or msgpack documents. An example
  that is a folder has a record a file, in the order of their names.
- `NAME.expected.json`, what `map --json` is to print for it; an array for several datasets. Of a run that is told in
  several records only what the last one gives counts, not what is ignored before.
- `NAME.example.headers.json`, its Kafka headers, where it has any.
- `NAME.files/`, what is in `/` of the machines that the events name, where files are read or listed.

Further ones carry a label: `NAME.example-2.xml` goes with `NAME.expected-2.json`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import InvalidMapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VOLATILE = frozenset(
    {
        "dataset.scientificMetadata.ingest.mappingDigest",
        "dataset.scientificMetadata.ingest.producedBy",
        "dataset.scientificMetadata.ingest.written",
    }
)
"""What changes with the service and the settings."""
_OF_THIS_COPY = frozenset({"time", "uid", "gid", "perm"})
"""What is said of a file in `NAME.files/` that is another thing in every copy of it."""
_OF_SEVERAL = re.compile(r"^\[\d+\]\.")
"""What stands before the paths where an example gives several documents."""
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Example:
    """Records, and what a mapping file is to make of them."""

    name: str
    records: tuple[Path, ...]
    headers: tuple[tuple[str, bytes], ...]
    expected: Any
    files: Path | None
    """The folder that stands for `/`."""

    def differences(self, actual: Any) -> tuple[str, ...]:
        """Say field by field how what was made differs from what was expected."""
        if self.files is None:
            return tuple(differences(self.expected, actual))
        return tuple(differences(_without_this_copy(self.expected), _without_this_copy(actual)))


def find_examples(mapping: Path) -> list[Example]:
    """Give the golden examples of a mapping file. Raises InvalidMapping for one without its expectation."""
    beside = sorted(path for path in mapping.parent.iterdir() if path.name.startswith(f"{mapping.stem}.example"))
    return [_example(mapping, path) for path in beside if not path.name.endswith(".headers.json")]


def _example(mapping: Path, event: Path) -> Example:
    label = event.name.removeprefix(f"{mapping.stem}.example").partition(".")[0]
    expected = mapping.with_name(f"{mapping.stem}.expected{label}.json")
    if not expected.is_file():
        hint = f"put there what `scicat-ingest map {event.name} --json` prints, when it is right"
        raise InvalidMapping(f"{event.name}: {expected.name} is missing beside it", hint=hint)
    headers = mapping.with_name(f"{mapping.stem}.example{label}.headers.json")
    given = _load(headers) if headers.is_file() else {}
    if not isinstance(given, dict):
        raise InvalidMapping(f"{headers.name}: expected an object, names with values")
    files = mapping.with_name(f"{mapping.stem}.files")
    return Example(
        name=event.name,
        records=tuple(sorted(event.iterdir())) if event.is_dir() else (event,),
        headers=tuple((name, str(text).encode()) for name, text in given.items()),
        expected=_load(expected),
        files=files if files.is_dir() else None,
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidMapping(f"{path.name}: {error}") from None


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Say field by field how two documents differ, as `path: expected …, got …`.

    The number 1 and the text "1" differ, 1 and 1.0 and true do. What changes with the service's version does not count.
    """
    if _OF_SEVERAL.sub("", path) in _VOLATILE:
        return
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in dict.fromkeys((*expected, *actual)):
            below = f"{path}.{name}" if path else str(name)
            yield from differences(expected.get(name, _ABSENT), actual.get(name, _ABSENT), below)
    elif isinstance(expected, list) and isinstance(actual, list):
        for index in range(max(len(expected), len(actual))):
            left, right = (side[index] if index < len(side) else _ABSENT for side in (expected, actual))
            yield from differences(left, right, f"{path}[{index}]")
    elif expected != actual or type(expected) is not type(actual):
        yield f"{path or 'all'}: expected {_shown(expected)}, got {_shown(actual)}"


_ABSENT = object()


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _without_this_copy(document: Any) -> Any:
    """Give what `map --json` prints without the times, owners and permissions of its files."""
    if isinstance(document, list):
        return [_without_this_copy(each) for each in document]
    blocks = document.get("origdatablocks") if isinstance(document, dict) else None
    if not isinstance(blocks, list):
        return document
    return {**document, "origdatablocks": [_block_without_this_copy(block) for block in blocks]}


def _block_without_this_copy(block: Any) -> Any:
    listed = block.get("dataFileList") if isinstance(block, dict) else None
    if not isinstance(listed, list):
        return block
    kept = [
        {name: value for name, value in file.items() if name not in _OF_THIS_COPY} if isinstance(file, dict) else file
        for file in listed
    ]
    return {**block, "dataFileList": kept}
