"""Everything that is shown of one process, joined: built before the service, so that probes are answered at once."""

from __future__ import annotations

import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder

from scicat_ingest.engine.observer import Observers
from scicat_ingest.observe.health import why_not_alive, why_not_ready
from scicat_ingest.observe.heart import Heart
from scicat_ingest.observe.lately import Lately
from scicat_ingest.observe.metrics.gauges import Gauges
from scicat_ingest.observe.metrics.recorder import Recorder
from scicat_ingest.observe.metrics.registry import open_registry
from scicat_ingest.observe.ops_access import Access
from scicat_ingest.observe.ops_server import OpsServer, Reply, Resource
from scicat_ingest.observe.pauses import Pauses
from scicat_ingest.observe.sights import Sights
from scicat_ingest.observe.status.page import CONTENT_SECURITY_POLICY, page_files
from scicat_ingest.observe.status_report import StatusReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scicat_ingest.deliver.attempt import Attempt
    from scicat_ingest.faults import KafkaUnavailable
    from scicat_ingest.observe.tracing import Tracing
    from scicat_ingest.settings import Settings


class Ops:
    """Learns from `observer` and `requested`, looks at `sights`, and answers `resources`.

    `now` gives seconds since 1970, `monotonic` seconds that never go back.
    """

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        tracing: Tracing | None = None,
    ) -> None:
        self._settings = settings.ops
        self._now = now
        self._monotonic = monotonic
        self._pauses = Pauses()
        self._lately = Lately(now)
        topics = tuple(source.topic for source in settings.sources)
        self._registry = open_registry()
        self._recorder = Recorder(self._registry, topics, now)
        self.sights = Sights()
        self.heart = Heart(monotonic, self._look)
        self._tracing = tracing
        self.observer = Observers(self._recorder, self._lately, *([] if tracing is None else [tracing]))
        seen = (self.sights, self._lately, self.heart, self._pauses)
        self._registry.register(Gauges(*seen, settings.limits, topics, now))
        self._report = StatusReport(settings, *seen, now)

    def requested(self, attempt: Attempt) -> None:
        """Learn of a request to SciCat (`deliver.attempt.Tell`)."""
        self._recorder.requested(attempt)
        self._lately.requested(attempt)
        if self._tracing is not None:
            self._tracing.requested(attempt)

    def kafka_asked(self, fault: KafkaUnavailable | None) -> None:
        """Learn whether Kafka has told the ends of our partitions: None if it has (`observe.watchdog.Watchdog`)."""
        self.sights.kafka_away = None if fault is None else fault.message
        self.sights.kafka_asked = True

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer over HTTP meanwhile, unless it is turned off. Raises InvalidSettings."""
        if self._settings.enabled == "off":
            yield
            return
        access = Access(self._settings.token_file)
        access.check()
        with OpsServer(self._settings, self.resources(), access):
            yield

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let the probe for life fail when what runs meanwhile dies, however long the end takes then."""
        try:
            yield
        except Exception as error:
            self.sights.died = type(error).__name__
            raise

    def resources(self) -> dict[str, Resource]:
        """Give what can be asked for, by path."""
        policy = (("Content-Security-Policy", CONTENT_SECURITY_POLICY),)
        page = {
            path: _fixed(Reply(content_type, body, headers=policy))
            for path, (content_type, body) in page_files().items()
        }
        return {
            "/livez": Resource(lambda _: _probe(why_not_alive(self.heart, self.sights)), open_to_all=True),
            "/readyz": Resource(lambda _: _probe(why_not_ready(self.sights)), open_to_all=True),
            "/metrics": Resource(self._metrics),
            "/api/status": Resource(self._status),
            **page,
        }

    def _metrics(self, headers: Mapping[str, str]) -> Reply:
        encode, content_type = choose_encoder(headers.get("accept", ""))
        return Reply(content_type, encode(self._registry))

    def _status(self, _: Mapping[str, str]) -> Reply:
        return Reply("application/json; charset=utf-8", self._report.give().model_dump_json(by_alias=True).encode())

    def _look(self) -> None:
        engine = self.sights.engine
        standing = None if engine is None else engine.standing
        self._pauses.look(tuple(self.sights.pauses(standing)), self._monotonic(), self._now())


def _fixed(reply: Reply) -> Resource:
    return Resource(lambda _: reply)


def _probe(reasons: list[str]) -> Reply:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return Reply.json({"ok": not reasons, "reasons": reasons}, status)
