"""The letters as the `dlq` commands see them: read with a line on standard error that says how far it is."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from scicat_ingest.letters.reading import read_letters
from scicat_ingest.observe.logs import configure_logging
from scicat_ingest.settings import LogSettings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from scicat_ingest.consume.topic_reader import TopicReader
    from scicat_ingest.letters.book import Case
    from scicat_ingest.settings import Settings


def quiet_log() -> None:
    """Let only warnings be said; what the Kafka client has to say becomes an error of ours."""
    configure_logging(LogSettings(level="WARNING", format="text"))
    logging.getLogger("aiokafka").setLevel("CRITICAL")


async def read_cases(
    reader: TopicReader, settings: Settings, options: argparse.Namespace, *, keep_resolved: bool
) -> list[Case]:
    """Read all letters, those that failed last at the end, and say if some resolution could not be understood."""
    errors = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("reading dead letters"), TextColumn("{task.completed} records"))
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=None)
        book = await read_letters(
            reader,
            settings.kafka,
            partitions=frozenset(getattr(options, "partition", ())),
            keep_resolved=keep_resolved,
            look_for_ingested=not getattr(options, "without_ingested", False),
            progress=lambda count: bar.advance(task, count),
        )
    if book.unreadable:
        errors.print(f"{book.unreadable} resolutions cannot be read: their letters are listed as open", style="yellow")
    return book.cases()


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal's standard error; gives what to call for each one that is done."""
    errors = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
