"""What lint found, and what was done about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.field_path import write_path
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.faults import InvalidMetadata

if TYPE_CHECKING:
    from scicat_ingest.settings import LintPolicy

Steps = tuple[Any, ...]
"""The way to a value, as a linked list: empty, or (the way to its parent, its name or index).

It is put into words only for a warning: names can be long, items many.
"""

_MOST_SHOWN = 20
_LONG = 200


class Findings:
    """Findings below one field, by kind; bounded, because an event can have a million of each."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._shown: dict[tuple[str, str], list[str]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def judge(
        self, policy: LintPolicy, what: str, steps: Steps, *, done: str = "", got: Any = None, new: str | None = None
    ) -> bool:
        """Note a finding and tell whether to mend it.

        `what` is wrong and what is `done` name the kind and must be constants; `got` and `new` are shown with them.
        Raises InvalidMetadata with the path where the policy is `reject`.
        """
        if policy == "off":
            return False
        if policy == "reject":
            raise InvalidMetadata(_say(what, got), field=self._path(steps))
        mend = policy == "strip"
        kind = (what, done if mend else "")
        self._counts[kind] += 1
        if self._counts[kind] <= _MOST_SHOWN:
            text = _say(what, got) + (f"; {_say(done, new, ' ')}" if mend else "")
            self._shown.setdefault(kind, []).append(f"{self._path(steps)}: {text}")
        return mend

    def warnings(self) -> list[str]:
        """Give every finding, of each kind the first 20 and the number of the others."""
        shown = [text for texts in self._shown.values() for text in texts]
        more = self._counts - Counter(dict.fromkeys(self._counts, _MOST_SHOWN))
        return shown + [
            f"{self._field}: {'; '.join(filter(None, kind))}, in {count} more places" for kind, count in more.items()
        ]

    def _path(self, steps: Steps) -> str:
        path: list[str | int] = []
        while steps:
            steps, step = steps
            path.append(step)
        return write_path((self._field, *reversed(path)))


def _say(text: str, shown: Any, before: str = ", got ") -> str:
    if shown is None:
        return text
    return text + before + excerpt(shown[:_LONG] if isinstance(shown, str) else shown)
