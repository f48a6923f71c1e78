"""The composition root: settings become adapters, adapters an engine. The only place that knows them all."""

from __future__ import annotations

import logging
import random
import time
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx
from aiokafka import AIOKafkaProducer

from scicat_ingest.consume.connection import connection_arguments, one_clear_error, stop_client
from scicat_ingest.consume.kafka_stream import KafkaStream
from scicat_ingest.consume.registry import SchemaRegistry
from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.deliver.account import check_account
from scicat_ingest.deliver.attempt import Tell, tell_nobody
from scicat_ingest.deliver.client import SPARE_CONNECTIONS
from scicat_ingest.deliver.deliveries import Deliveries
from scicat_ingest.deliver.transport import open_connections, tls_context
from scicat_ingest.engine.assignment import Bounds
from scicat_ingest.engine.engine import Engine, Parts
from scicat_ingest.engine.observer import Observers
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.faults import InvalidSettings
from scicat_ingest.mapping.lint.units import is_known_unit
from scicat_ingest.mapping.rules import rules_for
from scicat_ingest.observe.ops import Ops
from scicat_ingest.observe.watchdog import Watchdog
from scicat_ingest.preview.preview import without_waiting
from scicat_ingest.preview.reload import Reload
from scicat_ingest.report.publisher import Publisher
from scicat_ingest.reprocess.comparison import ComparingCatalogue
from scicat_ingest.reprocess.work import Answers
from scicat_ingest.storage.facility import MountedFacility
from scicat_ingest.storage.lists.fetch import HttpsFetch
from scicat_ingest.translate.mappings import load_mappings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from scicat_ingest.engine.observer import Observer
    from scicat_ingest.engine.ports import Pulse
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.reprocess.work import RangeJob
    from scicat_ingest.settings import KafkaSettings, LimitsSettings, ScicatSettings, Settings
    from scicat_ingest.translate.mappings import Mappings

_LOG = logging.getLogger(__name__)

MOST_REQUEST_BYTES = 32 * 1024 * 1024
"""The producer's own bound, which shall not matter: kafka.max_message_bytes and the broker decide."""


class RealClock:
    """The clock and the dice."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    def now(self) -> datetime:
        """Give the time of day."""
        return datetime.now(UTC)

    def chance(self) -> float:
        """Give a random number from 0 to 1."""
        return random.random()  # noqa: S311 (jitter is no secret)


def rules_by_topic(settings: Settings, mappings: Mappings | None = None) -> dict[str, MappingRules]:
    """Give each source's mapping rules, with these mapping files instead of the settings' own.

    Raises InvalidSettings, also for a topic that is named twice; InvalidMapping; ExtraMissing.
    """
    if mappings is None:
        mappings = load_mappings(settings.mapping.folder, settings.mapping.shipped)
    rules = {source.topic: rules_for(source, settings, mappings) for source in settings.sources}
    if len(rules) != len(settings.sources):
        raise InvalidSettings("sources: a topic is named more than once")
    outcomes = {settings.kafka.ingested_topic, settings.kafka.dead_letter_topic}
    if len(outcomes) != 2 or outcomes & set(rules):
        raise InvalidSettings("input topics, kafka.ingested_topic and kafka.dead_letter_topic must all differ")
    return rules


def _warn_of_short_settle(scicat: ScicatSettings) -> None:
    longest = scicat.connect_timeout_seconds + scicat.write_timeout_seconds
    if scicat.settle_seconds < longest:
        _LOG.warning(
            "scicat.settle_seconds (%.0f) is shorter than a POST may take (%.0f): a second service could complete a "
            "dataset that the first one is still writing, and list files twice",
            scicat.settle_seconds,
            longest,
        )


@asynccontextmanager
async def open_catalogue(settings: Settings, tell: Tell = tell_nobody) -> AsyncIterator[Deliveries]:
    """Give the way to SciCat; nothing is requested yet, `tell` learns of each request.

    Raises InvalidSettings, CredentialsRejected.
    """
    scicat = settings.scicat
    if scicat.url is None:
        raise InvalidSettings("scicat.url is not set", hint="the backend's address without /api")
    connections = settings.limits.max_concurrency + SPARE_CONNECTIONS
    async with open_connections(max_connections=connections, ca_file=scicat.ca_file) as wire:
        yield Deliveries.over(wire, settings, RealClock(), tell)


@asynccontextmanager
async def open_facility(settings: Settings) -> AsyncIterator[MountedFacility]:
    """Give the way to mounted folders and the schema registry; nothing is read yet. Raises InvalidSettings."""
    files = settings.files
    with closing(HttpsFetch(tls_context(files.manifest_ca_file, "files.manifest_ca_file"), files)) as fetch:
        if settings.registry.url is None:
            yield MountedFacility(settings, None, fetch)
            return
        async with httpx.AsyncClient(verify=tls_context(settings.registry.ca_file, "registry.ca_file")) as http:
            yield MountedFacility(settings, SchemaRegistry(http, settings.registry), fetch)


@asynccontextmanager
async def open_producer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """Give a started idempotent producer with acks=all. Raises KafkaUnreachable."""
    producer = AIOKafkaProducer(
        **connection_arguments(settings),
        acks="all",
        enable_idempotence=True,
        max_request_size=MOST_REQUEST_BYTES,
    )
    try:
        with one_clear_error(settings), anyio.fail_after(settings.connect_timeout_seconds):
            await producer.start()
        yield producer
    finally:
        await stop_client(producer)


@asynccontextmanager
async def open_engine(
    settings: Settings,
    observer: Observer,
    *,
    create_topics: bool = False,
    accept_loss: bool = False,
    ops: Ops | None = None,
) -> AsyncIterator[Engine]:
    """Connect everything and give an engine that is ready to run; `ops` shows how it does.

    Raises ConfigurationFault. Waits while SciCat is down.
    """
    ops = ops or Ops(settings)
    rules = rules_by_topic(settings)
    ops.sights.mappings = {topic: _names_of(each.mappings) for topic, each in rules.items()}
    _warn_of_short_settle(settings.scicat)
    await anyio.to_thread.run_sync(is_known_unit, "K")  # its tables take half a second: not while records wait
    async with AsyncExitStack() as stack:
        facility = await stack.enter_async_context(open_facility(settings))
        deliveries = await stack.enter_async_context(open_catalogue(settings, ops.requested))
        ops.sights.deliveries = deliveries
        ops.sights.retention = await prepare_topics(settings, create=create_topics or settings.kafka.create_topics)
        await check_account(deliveries.parts.client, settings.scicat, settings.retry, RealClock())
        producer = await stack.enter_async_context(open_producer(settings.kafka))
        stream = KafkaStream(settings.kafka, rules, accept_loss=accept_loss)
        pipeline = Pipeline(rules, deliveries, facility, settings.joins, RealClock().now)
        session_timeout = settings.kafka.session_timeout_seconds
        watchdog = Watchdog(stream.lags, session_timeout_seconds=session_timeout, tell=ops.kafka_asked)
        reload = Reload(settings, facility, lambda mappings: pipeline.use(rules_by_topic(settings, mappings)))
        parts = Parts(
            stream=stream,
            prepares=pipeline,
            publisher=Publisher(producer, settings.kafka, settings.scicat.dataset_page),
            observer=Observers(observer, ops.observer),
            admits=deliveries,
            watch=partial(_watch, watchdog, reload if settings.mapping.reload == "on" else None),
        )
        guarded = [source.topic for source in settings.sources if source.flood_guard == "on"]
        holds_lanes = [source.topic for source in settings.sources if source.on_lane_failure == "hold"]
        bounds = _bounds(settings.limits)
        engine = Engine(parts, bounds, guarded=guarded, holds_lanes=holds_lanes, secrets=lambda: _changes(settings))
        ops.sights.engine = engine
        yield engine


def _names_of(mappings: Mappings) -> str:
    return ", ".join(file.name for file in mappings) or "native"


@asynccontextmanager
async def open_range_engine(
    settings: Settings, rules: Mapping[str, MappingRules], job: RangeJob, *, writes: bool
) -> AsyncIterator[Engine]:
    """Connect everything for working on a range of the past once; without `writes`, SciCat is only compared with.

    Raises ConfigurationFault. Waits while SciCat is down.
    """
    async with AsyncExitStack() as stack:
        facility = await stack.enter_async_context(open_facility(settings))
        deliveries = await stack.enter_async_context(open_catalogue(settings))
        await check_account(deliveries.parts.client, settings.scicat, settings.retry, RealClock())
        publisher, catalogue = None, ComparingCatalogue(deliveries, deliveries.parts.reads)
        if writes:
            producer = await stack.enter_async_context(open_producer(settings.kafka))
            publisher = Publisher(producer, settings.kafka, settings.scicat.dataset_page)
        pipeline = Pipeline(
            without_waiting(rules),
            deliveries if writes else catalogue,
            facility,
            settings.joins,
            RealClock().now,
            plans=job.instruments.plan,
        )
        parts = Parts(
            stream=job.records,
            prepares=pipeline,
            publisher=Answers(job.tell, publisher),
            observer=job.halted,
            admits=deliveries,
        )
        yield Engine(parts, _bounds(settings.limits))


async def _watch(watchdog: Watchdog, reload: Reload | None, pulse: Callable[[], Pulse]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watchdog.watch, pulse)
        if reload is not None:
            tasks.start_soon(reload.watch)


READY_A_PLACE = 2
"""Records that are read ahead for each that may be under way."""


def _bounds(limits: LimitsSettings) -> Bounds:
    return Bounds(
        records=limits.held_records,
        bytes=limits.held_bytes,
        partition_records=limits.partition_records,
        ready=max(Bounds().ready, READY_A_PLACE * limits.max_concurrency),
    )


def _changes(settings: Settings) -> list[int]:
    """Give the times at which the files with secrets were changed; 0 for one that is not there."""
    files = (settings.scicat.password_file, settings.scicat.token_file)
    return [file.stat().st_mtime_ns if file.exists() else 0 for file in files if file is not None]
