"""The records of a run, joined to one document. Pure, incremental, and bounded by whoever looks at `Run.size`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.document import Document
from scicat_ingest.decode.formats.kept import kept_bytes
from scicat_ingest.faults import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scicat_ingest.decode.document import Part
    from scicat_ingest.settings import FormatName

NEEDS_START: dict[str, bool] = {"ess": False, "bluesky": True}
"""Whether a run is ready only when its start is there; else its end is enough."""
_COUNT_BYTES = 200
_MOST_WARNINGS = 10


def join(parts: Sequence[Part]) -> Document:
    """Join the parts of one run, in any order, some of them perhaps twice. Raises RunIncomplete."""
    run = Run(parts[0].format)
    for part in parts:
        run.add(part)
    return run.document()


class Run:
    """What is known of one run.

    Parts come in any order. One that comes again replaces itself, so that a redelivery changes nothing.
    """

    def __init__(self, name: FormatName) -> None:
        self._format: FormatName = name
        self._start: Part | None = None
        self._end: Part | None = None
        self._between: _EssBetween | _BlueskyBetween = _EssBetween() if name == "ess" else _BlueskyBetween()

    def add(self, part: Part) -> None:
        """Absorb a part; of events only their number is kept."""
        match part.role:
            case "start":
                self._start = part
            case "end":
                self._end = part
            case "middle":
                self._between.add(part)

    @property
    def size(self) -> int:
        """Bytes that are kept, about."""
        ends = sum(part.size for part in (self._start, self._end) if part is not None)
        return ends + self._between.size

    @property
    def ready(self) -> bool:
        """Whether `document` can be given."""
        return self._end is not None and (self._start is not None or not NEEDS_START[self._format])

    @property
    def only_counts(self) -> bool:
        """Whether nothing is known but numbers of events: no run that anyone misses."""
        return self._start is None and self._end is None and self._between.only_counts

    def document(self) -> Document:
        """Give the whole run as one document. Raises RunIncomplete where its end, or a start it needs, is missing."""
        if self._end is None:
            raise RunIncomplete("the run has no end")
        if self._start is None and NEEDS_START[self._format]:
            raise RunIncomplete(f"the start of run {self._end.run[:80]} is missing")
        start = self._start.content if self._start else None
        warnings = (*(self._start.warnings if self._start else ()), *self._between.warnings, *self._end.warnings)
        return Document(
            format=self._format,
            content=self._between.content(start, self._end.content),
            event_source=self._end.event_source,
            event_type=self._end.event_type,
            warnings=tuple(dict.fromkeys(warnings)),
        )


class _EssBetween:
    """The run's stop (6s4t)."""

    def __init__(self) -> None:
        self.size = 0
        self.only_counts = False
        self.warnings: tuple[str, ...] = ()
        self._stop: Mapping[str, Any] | None = None

    def add(self, part: Part) -> None:
        self._stop, self.size, self.warnings = part.content, part.size, part.warnings

    def content(self, start: Mapping[str, Any] | None, end: Mapping[str, Any]) -> dict[str, Any]:
        return {**end, "start": start, "stop": self._stop}


class _BlueskyBetween:
    """Descriptors and resources by uid, and how many events each descriptor has."""

    def __init__(self) -> None:
        self.size = 0
        self.warnings: tuple[str, ...] = ()
        self._descriptors: dict[str, Mapping[str, Any]] = {}
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._events: dict[str, int] = {}

    @property
    def only_counts(self) -> bool:
        return not self._descriptors and not self._resources

    def add(self, part: Part) -> None:
        content = part.content
        if content["kind"] == "events":
            descriptor = content["descriptor"]
            if descriptor not in self._events:
                self.size += _COUNT_BYTES + len(descriptor)
            self._events[descriptor] = max(content["last"], self._events.get(descriptor, 0))
            return
        kept = self._descriptors if content["kind"] == "descriptor" else self._resources
        replaced = kept.get(content["uid"])
        self.size += part.size - (0 if replaced is None else kept_bytes(replaced))
        self.warnings = tuple(dict.fromkeys((*self.warnings, *part.warnings)))[:_MOST_WARNINGS]
        kept[content["uid"]] = content

    def content(self, start: Mapping[str, Any] | None, end: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "start": start,
            "stop": end,
            "descriptors": [_without(entry, "kind", "uid") for entry in self._descriptors.values()],
            "resources": [_without(entry, "kind", "uid") for entry in self._resources.values()],
            "num_events": self._num_events(end),
        }

    def _num_events(self, stop: Mapping[str, Any]) -> dict[str, int]:
        """Give the number of events of each stream: as the stop has it, else the highest number of any."""
        told = stop.get("num_events")
        if isinstance(told, dict):
            return told
        counted: dict[str, int] = {}
        for uid, last in self._events.items():
            name = self._descriptors.get(uid, {}).get("name")
            if isinstance(name, str):
                counted[name] = max(last, counted.get(name, 0))
        return counted


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
