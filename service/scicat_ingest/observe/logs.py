"""Log lines: text for a terminal, JSON for a pod; one line per record outcome."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.engine.observer import Observer
from scicat_ingest.report.message import outcome_id
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from scicat_ingest.faults import ConfigurationFault, StreamFault
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.settings import LogSettings

_LOG = logging.getLogger("scicat_ingest.outcomes")

_NOISY = ("aiokafka", "httpx", "httpcore", "asyncio")
"""Libraries that are heard from WARNING on only."""


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
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(settings: LogSettings) -> None:
    """Send log lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    handler.setFormatter(JsonLines() if as_json else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
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

    def kafka_silent(self, fault: StreamFault) -> None:
        """Say that we wait for Kafka."""
        _LOG.error("Kafka does not acknowledge outcomes; nothing new is begun, and nothing is lost: %s", fault.message)

    def kafka_back(self) -> None:
        """Say that it goes on."""
        _LOG.info("Kafka has acknowledged all outcomes")

    def published(self, outcome: Outcome) -> None:
        """Log the outcome: dead letters as warnings, because somebody has to look at them."""
        record = outcome.record
        fields = {"record": str(record), "outcome_id": outcome_id(record)}
        match outcome:
            case Ingested(plan=plan, delivered=delivered):
                fields |= {"pid": plan.pid, "verdict": delivered.verdict}
                _LOG.info("%s %s %s", record, delivered.verdict, plan.pid, extra={"fields": fields})
                for warning in (*plan.warnings, *delivered.warnings):
                    _LOG.info("%s %s: %s", record, plan.pid, warning, extra={"fields": fields})
            case DeadLettered(fault=fault):
                fields |= {"reason": fault.code, "pid": outcome.pid or ""}
                _LOG.warning("%s dead letter %s: %s", record, fault.code, fault, extra={"fields": fields})
            case Skipped(ignored=ignored):
                _LOG.info("%s ignored: %s", record, ignored.reason, extra={"fields": fields})
