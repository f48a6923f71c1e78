"""The loop: fetch a batch, finish its records a few at once, commit. At least once, never zero times.

A batch is the unit because it is simple; the bound on what is in memory is its size.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import anyio

from scicat_ingest.engine.batch import Progress, into_lanes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.stream import RecordStream
    from scicat_ingest.engine.observer import Observer
    from scicat_ingest.engine.pipeline import Pipeline, Prepared
    from scicat_ingest.report.outcome import Outcome

_LOG = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0
"""How long started records may take to finish when the service stops or its partitions are taken away."""

_RECORDS_PER_REQUEST = 4
"""Records under way for each request that may be: some of them wait for a retry, or for a dataset to settle."""
_BATCHES_PER_PLACE = 4
_LARGE_EVENT_BYTES = 64 * 1024
"""A larger event is prepared in a thread: it takes more than a few milliseconds, and heartbeats share the loop."""


class Publishes(Protocol):
    """What the engine needs of the outcome topics."""

    async def publish(self, outcome: Outcome) -> None:
        """Return when the outcome is acknowledged."""
        ...


class Service:
    """Runs until `stop`. Guarantee: an offset is committed only after its record's outcome is acknowledged."""

    def __init__(
        self,
        stream: RecordStream,
        pipeline: Pipeline,
        publisher: Publishes,
        observer: Observer,
        *,
        max_concurrency: int,
    ) -> None:
        self._stream = stream
        self._pipeline = pipeline
        self._publisher = publisher
        self._observer = observer
        self._places = anyio.CapacityLimiter(max_concurrency * _RECORDS_PER_REQUEST)
        self._most = max_concurrency * _RECORDS_PER_REQUEST * _BATCHES_PER_PLACE
        self._stopping = False
        self._revoking = False
        self._idle = anyio.Event()
        self._idle.set()
        self._working: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Work until `stop`. Raises ConfigurationFault or StreamFault; what is not done then comes again."""
        self._observer.ready()
        while not self._stopping:
            records = await self._stream.fetch(self._most)
            if records:
                await self._work_off(records)

    async def stop(self) -> None:
        """Start nothing more and wait for what is started, at most DRAIN_SECONDS; then give it up."""
        self._stopping = True
        await self._drain()

    async def before_revoke(self) -> None:
        """Finish what is started before the partitions go to somebody else; what is not begins again there."""
        self._revoking = True
        await self._drain()
        self._revoking = False

    async def _drain(self) -> None:
        with anyio.move_on_after(DRAIN_SECONDS):
            await self._idle.wait()
        if not self._idle.is_set() and self._working is not None:
            _LOG.warning("giving up unfinished records after %.0f s; they come again", DRAIN_SECONDS)
            self._working.cancel()
            with anyio.move_on_after(5):
                await self._idle.wait()

    async def _work_off(self, records: list[Record]) -> None:
        progress = Progress(records)
        self._idle = anyio.Event()
        try:
            with anyio.CancelScope() as self._working:
                await self._finish_lanes(into_lanes([await self._prepare(record) for record in records]), progress)
        finally:
            with anyio.CancelScope(shield=True):  # also when a fault ends the service: keep what was done
                await self._stream.commit(progress.committable())
            self._idle.set()

    async def _finish_lanes(self, lanes: Iterable[list[Prepared]], progress: Progress) -> None:
        faults: list[Exception] = []

        async def finish(lane: list[Prepared], scope: anyio.CancelScope) -> None:
            try:
                await self._finish_lane(lane, progress)
            except Exception as fault:  # noqa: BLE001 (raised again below, without the group around it)
                faults.append(fault)
                scope.cancel()

        async with anyio.create_task_group() as tasks:
            for lane in lanes:
                tasks.start_soon(finish, lane, tasks.cancel_scope)
        if faults:
            raise faults[0]

    async def _finish_lane(self, lane: list[Prepared], progress: Progress) -> None:
        for prepared in lane:
            async with self._places:
                if self._stopping or self._revoking:
                    return
                outcome = await self._pipeline.finish(prepared)
                await self._publisher.publish(outcome)
                progress.done(prepared.record)
                self._observer.published(outcome)

    async def _prepare(self, record: Record) -> Prepared:
        if record.value is not None and len(record.value) > _LARGE_EVENT_BYTES:
            return await anyio.to_thread.run_sync(self._pipeline.prepare, record)
        return self._pipeline.prepare(record)
