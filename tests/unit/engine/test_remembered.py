"""What was completed before a rebalance."""

from __future__ import annotations

from scicat_ingest.engine.ledger import NOTHING_DONE, Completions
from scicat_ingest.engine.remembered import REMEMBERED_SECONDS, Remembered

ONE, TWO = ("t", 1), ("t", 2)


def test_a_partition_that_comes_back_knows_what_was_done() -> None:
    """Once: the new session passes it on."""
    remembered = Remembered()
    remembered.keep(ONE, Completions({7: 1}), now=0.0)
    assert remembered.recall(TWO, 1.0) == NOTHING_DONE
    assert remembered.recall(ONE, 1.0) == Completions({7: 1})
    assert remembered.recall(ONE, 1.0) == NOTHING_DONE


def test_it_is_forgotten_in_time() -> None:
    """Partitions that never come back must not pile up."""
    remembered = Remembered()
    remembered.keep(ONE, Completions({7: 1}), now=0.0)
    remembered.keep(TWO, Completions({8: 1}), now=1.0)
    assert remembered.recall(TWO, REMEMBERED_SECONDS + 0.5) == Completions({8: 1})
    assert remembered._entries == {}


def test_the_newest_memory_counts() -> None:
    """And a session that completed nothing leaves none."""
    remembered = Remembered()
    remembered.keep(ONE, Completions({7: 1}), now=0.0)
    remembered.keep(ONE, Completions({9: 1}), now=1.0)
    remembered.keep(TWO, NOTHING_DONE, now=1.0)
    assert remembered.recall(ONE, 2.0) == Completions({9: 1})
    assert remembered._entries == {}
