"""Log lines: one for each outcome, and no flood of the others."""

from __future__ import annotations

import json
import logging

import pytest

from scicat_ingest.observe.logs import ALIKE_WITHIN_SECONDS, MOST_ALIKE, Coloured, JsonLines, KafkaClient, Repeats


def line(
    message: str, *values: object, name: str = "scicat_ingest.deliver", level: int = logging.WARNING
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, values, None)


def test_lines_that_repeat_are_left_out_and_counted() -> None:
    """Whatever values they have; after a minute one says how many there were."""
    now = [0.0]
    repeats = Repeats(lambda: now[0])
    written = [repeats.filter(line("try %d", number)) for number in range(100)]
    assert written == [True] * MOST_ALIKE + [False] * (100 - MOST_ALIKE)
    assert repeats.filter(line("something else"))
    now[0] = ALIKE_WITHIN_SECONDS
    later = line("try %d", 100)
    assert repeats.filter(later)
    assert later.getMessage() == f"try 100 ({100 - MOST_ALIKE} more like this were left out)"
    again = line("try %d", 101)
    assert repeats.filter(again)
    assert again.getMessage() == "try 101"


@pytest.mark.parametrize(
    ("name", "level"), [("scicat_ingest.outcomes", logging.WARNING), ("scicat_ingest.observe", logging.CRITICAL)]
)
def test_outcomes_and_ends_are_never_left_out(name: str, level: int) -> None:
    """Each is about something else."""
    repeats = Repeats(lambda: 0.0)
    assert all(repeats.filter(line("dead letter", name=name, level=level)) for _ in range(500))


def test_errors_of_kafkas_client_are_warnings() -> None:
    """They come at every first start and every election; what lasts is told by alerts and the page."""
    theirs, ours = (line("failed: %s", "x", name=name, level=logging.ERROR) for name in ("aiokafka.consumer", "aio"))
    assert KafkaClient().filter(theirs)
    assert KafkaClient().filter(ours)
    assert (theirs.levelname, ours.levelname) == ("WARNING", "ERROR")
    assert theirs.getMessage() == "failed: x (Kafka's client tries again; nothing to do unless it lasts)"
    assert ours.getMessage() == "failed: x"


def test_kinds_are_bounded() -> None:
    """A message with its values written into it is a kind of its own each time."""
    repeats = Repeats(lambda: 0.0)
    for number in range(5000):
        repeats.filter(line(f"try {number}"))
    assert len(repeats._kinds) <= 1000


def test_a_pod_gets_json_and_a_terminal_colours() -> None:
    """Half characters and quotes do no harm; without a terminal there are no colours."""
    said = json.loads(JsonLines().format(line('it says "%s"', "\u00fc")))
    assert (said["level"], said["message"]) == ("WARNING", 'it says "\u00fc"')
    assert Coloured(colours=True).format(line("x")).startswith("\x1b[33m")
    assert "\x1b" not in Coloured(colours=False).format(line("x"))
    assert "\x1b" not in Coloured(colours=True).format(line("x", level=logging.INFO))
