"""`scicat-ingest run`: the service."""

from __future__ import annotations

import gc
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import open_engine
from scicat_ingest.faults import IngestFault
from scicat_ingest.observe.logs import OutcomeLog, configure_logging
from scicat_ingest.observe.ops import Ops
from scicat_ingest.observe.tracing import sending
from scicat_ingest.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse

    from scicat_ingest.engine.engine import Engine

_LOG = logging.getLogger(__name__)

_YOUNG_OBJECTS = 10_000
"""So many more objects than before let the garbage collector begin: about those of twenty records."""

EXAMPLES = """\
examples:
  scicat-ingest run --config ingest.yaml
  scicat-ingest run --config ingest.yaml --create-topics
  SCICAT_INGEST_SCICAT__PASSWORD_FILE=/run/secrets/scicat scicat-ingest run --config ingest.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings; default: $SCICAT_INGEST_CONFIG")
    parser.add_argument("--create-topics", action="store_true", help="create missing topics at start")
    parser.add_argument(
        "--accept-loss",
        action="store_true",
        help="go on although records after the committed offset are gone from Kafka",
    )


def run(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    gc.set_threshold(_YOUNG_OBJECTS, 10, 10)
    settings = load_settings(Settings, options.config)
    configure_logging(settings.log)
    with sending(settings.tracing, settings.kafka) as tracing:
        ops = Ops(settings, tracing=tracing)
        with ops.serving():
            anyio.run(_serve, settings, ops, options.create_topics, options.accept_loss)
    return 0


def _collect_less_garbage() -> None:
    """Let the garbage collector look at records only, not again and again at the modules and tables that stay.

    It took a quarter of all CPU time, in pauses of 0.2 s. Records have few cycles: they are let go without it.
    """
    gc.freeze()


async def until_signal() -> None:
    """Return at SIGTERM or SIGINT."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            _LOG.info("%s received", number.name)
            return


async def _serve(settings: Settings, ops: Ops, create_topics: bool, accept_loss: bool) -> None:  # noqa: FBT001 (anyio.run)
    running: list[Engine] = []
    fault: IngestFault | None = None

    async def stop_at_signal() -> None:
        await until_signal()
        if running:
            await running[0].stop()
        else:
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_at_signal)
        tasks.start_soon(ops.heart.run)
        try:
            async with open_engine(
                settings, OutcomeLog(), create_topics=create_topics, accept_loss=accept_loss, ops=ops
            ) as engine:
                running.append(engine)
                with ops.watching():
                    _collect_less_garbage()
                    await engine.run()
        except IngestFault as error:
            fault = error
        tasks.cancel_scope.cancel()
    if fault is not None:
        raise fault
