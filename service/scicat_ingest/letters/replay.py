"""What a replay publishes (pure): the original record as it was, with headers that say that it is a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.letters.letter import first_source
from scicat_ingest.report.message import REPLAY, Message

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.letters.book import Case
    from scicat_ingest.letters.letter import DeadLetter

MOST_REPLAYS = 3
"""A record that failed after so many replays fails for a reason that a replay does not mend."""


def why_not(case: Case) -> str | None:
    """Say why a letter is not replayed without `--force`; None if nothing is against it."""
    letter, how = case.letter, case.resolved
    if how is not None:
        who = f" by {how.by}" if how.by else ""
        return f"it was {how.kind}{who} at {how.at:%Y-%m-%d %H:%M} UTC already: --force replays it all the same"
    if letter.replays >= MOST_REPLAYS:
        return (
            f"it was replayed {letter.replays} times already and fails each time: see `dlq show`, mend the cause, "
            "then --force"
        )
    return None


def never(letter: DeadLetter) -> str | None:
    """Say why a letter cannot be replayed at all; None if it can."""
    if not letter.is_ours:
        return "scicat-ingest did not write it, so there is no telling what it was: purge it"
    if letter.source is None:
        return "it does not say where its record was: purge it, and send the event anew"
    return None


def replayed_message(letter: DeadLetter, original: Record, to: str) -> Message:
    """Give the record to publish to the topic `to`: key, value, headers and timestamp untouched.

    The added headers `ingest.replay.*` take the place of those of an earlier replay: count, `of` (this letter's id),
    and topic, partition, offset and timestamp of the very first record.
    """
    first = first_source(original)
    ours = {
        "count": str(letter.replays + 1),
        "of": letter.id,
        "topic": first.topic,
        "partition": str(first.partition),
        "offset": str(first.offset),
        "timestamp": str(first.timestamp_ms),
    }
    theirs = tuple(pair for pair in original.headers if not pair[0].startswith(REPLAY))
    return Message(
        topic=to,
        key=original.key,
        value=original.value,
        headers=(*theirs, *((REPLAY + name, text.encode("utf-8", "replace")) for name, text in ours.items())),
        timestamp_ms=original.timestamp_ms if original.timestamp_ms >= 0 else None,
    )


def order_of_replay(case: Case) -> tuple[str, int, int, str]:
    """Sort letters as their records were: two of one pid come in the order in which they were sent."""
    letter = case.letter
    source = letter.source or letter.at
    return source.topic, source.partition, source.offset, letter.id
