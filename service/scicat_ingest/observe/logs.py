"""Log lines: text for a terminal, JSON for a pod; one line per record outcome."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.engine.observer import Observer
from scicat_ingest.observe.metrics.trace import exemplar_of
from scicat_ingest.report.message import outcome_id
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.faults import ConfigurationFault, StreamFault
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.settings import LogSettings

_LOG = logging.getLogger("scicat_ingest.outcomes")

_NOISY = ("aiokafka", "aiohttp", "httpx", "httpcore", "asyncio")
"""Libraries that are heard from WARNING on only."""

MOST_ALIKE = 20
ALIKE_WITHIN_SECONDS = 60.0
_MOST_KINDS = 1000
_COLOURS = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}
"""SGR codes by level."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what `extra={"fields": …}` gives."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line = {
            "time": write_time(from_epoch_ms(int(record.created * 1000))),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _write(line)


def _write(line: dict[str, Any]) -> str:
    try:
        return to_json(line, fallback=str).decode()
    except ValueError:  # half of a surrogate pair
        return json.dumps(line, default=str)


class Coloured(logging.Formatter):
    """Text for a terminal: what somebody has to look at stands out. NO_COLOR turns it off."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._colours = _COLOURS if colours else {}

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line = super().format(record)
        colour = self._colours.get(record.levelno)
        return line if colour is None else f"\x1b[{colour}m{line}\x1b[0m"


class KafkaClient(logging.Filter):
    """Lowers what Kafka's client calls an error to a warning: it tries again by itself, and what lasts, we tell."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through."""
        if record.name.partition(".")[0] == "aiokafka" and record.levelno >= logging.ERROR:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
            record.msg = f"{record.msg} (Kafka's client tries again; nothing to do unless it lasts)"
        return True


class Repeats(logging.Filter):
    """Lets the first MOST_ALIKE lines of one kind through, and later tells how many were left out.

    A kind is a logger and its message without values. Outcomes are never left out: each is another record's. `now`
    gives seconds that never go back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._kinds: OrderedDict[tuple[str, str], _Kind] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is written."""
        if record.name == _LOG.name or record.levelno >= logging.CRITICAL:
            return True
        now, name = self._now(), (record.name, str(record.msg))
        kind = self._kinds.pop(name, None)
        left_out = 0
        if kind is None or now - kind.since >= ALIKE_WITHIN_SECONDS:
            left_out = 0 if kind is None else max(kind.count - MOST_ALIKE, 0)
            kind = _Kind(now)
        kind.count += 1
        self._kinds[name] = kind
        if len(self._kinds) > _MOST_KINDS:
            self._kinds.popitem(last=False)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more like this were left out)"
            record.args = ()
        return kind.count <= MOST_ALIKE


@dataclass(slots=True)
class _Kind:
    since: float
    count: int = 0


def configure_logging(settings: LogSettings) -> None:
    """Send log lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    handler.setFormatter(JsonLines() if as_json else Coloured(colours=colours))
    handler.addFilter(KafkaClient())
    handler.addFilter(Repeats())
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


class OutcomeLog(Observer):
    """An observer that logs every outcome once, with its coordinates and id."""

    def ready(self) -> None:
        """Say that work begins."""
        _LOG.info("ready: waiting for records")

    def halted(self, fault: ConfigurationFault) -> None:
        """Say what is wrong; this comes again at each recheck."""
        _LOG.error("halted, nothing is read: %s: %s", fault.code, fault, extra={"fields": {"reason": fault.code}})

    def resumed(self) -> None:
        """Say that it goes on."""
        _LOG.info("the halt is over: what had failed works again")

    def held(self, topic: str, reason: str) -> None:
        """Say why a source is not read any more, and what to do."""
        _LOG.error(
            "source %s is held, its records wait in Kafka: %s. Correct the mapping or the producer and start the "
            "service again; sources[].flood_guard: off lets all through",
            topic,
            reason,
            extra={"fields": {"topic": topic}},
        )

    def lane_held(self, outcome: Outcome) -> None:
        """Say why an acquisition waits, and what to do."""
        if isinstance(outcome, DeadLettered):
            fields = {"record": str(outcome.record), "reason": outcome.fault.code, "pid": outcome.pid or ""}
            _LOG.error(
                "%s would be a dead letter %s: %s; its acquisition is held (on_lane_failure: hold), its offset stays "
                "open. Mend the cause and start the service again",
                outcome.record,
                outcome.fault.code,
                outcome.fault,
                extra={"fields": fields},
            )

    def kafka_silent(self, fault: StreamFault) -> None:
        """Say that we wait for Kafka."""
        _LOG.error("Kafka does not acknowledge outcomes; nothing new is begun, and nothing is lost: %s", fault.message)

    def kafka_back(self) -> None:
        """Say that it goes on."""
        _LOG.info("Kafka has acknowledged all outcomes")

    def published(self, outcome: Outcome) -> None:
        """Log the outcome: dead letters as warnings, because somebody has to look at them."""
        record = outcome.record
        fields = {"record": str(record), "outcome_id": outcome_id(record)} | (exemplar_of(record) or {})
        match outcome:
            case Ingested(plan=plan, delivered=delivered):
                fields |= {"pid": plan.pid, "acquisition": plan.acquisition_id, "verdict": delivered.verdict}
                _LOG.info("%s %s %s", record, delivered.verdict, plan.pid, extra={"fields": fields})
                for warning in (*plan.warnings, *delivered.warnings):
                    _LOG.info("%s %s: %s", record, plan.pid, warning, extra={"fields": fields})
            case DeadLettered(fault=fault):
                fields |= {"reason": fault.code, "pid": outcome.pid or ""}
                _LOG.warning("%s dead letter %s: %s", record, fault.code, fault, extra={"fields": fields})
            case Skipped(ignored=ignored):
                fields |= {"reason": ignored.reason}
                _LOG.info("%s ignored: %s", record, ignored.reason, extra={"fields": fields})
