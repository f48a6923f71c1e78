"""Which record brings the catalogue down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.pace.suspects import Suspects


def attempt(suspects: Suspects, key: str, *, down: bool) -> None:
    suspects.begin(key)
    suspects.went_down(key) if down else suspects.clear(key)
    suspects.end(key)


def test_twice_in_a_row_alone_is_deadly() -> None:
    """Once may be a coincidence."""
    suspects = Suspects()
    attempt(suspects, "poison", down=True)
    assert "poison" in suspects
    assert not suspects.is_deadly("poison")
    attempt(suspects, "poison", down=True)
    assert suspects.is_deadly("poison")


def test_a_good_end_between_clears() -> None:
    """Twice, but not in a row."""
    suspects = Suspects()
    attempt(suspects, "a", down=True)
    attempt(suspects, "a", down=False)
    assert "a" not in suspects
    attempt(suspects, "a", down=True)
    assert not suspects.is_deadly("a")


def test_in_company_nobody_is_convicted_and_all_are_suspects() -> None:
    """Each has to be tried alone then; however often it happens in company."""
    suspects = Suspects()
    for _ in range(5):
        suspects.begin("a")
        suspects.begin("b")
        suspects.went_down("a")
        suspects.went_down("b")
        suspects.end("a")
        suspects.end("b")
    assert "a" in suspects
    assert "b" in suspects
    assert not suspects.is_deadly("a")
    assert not suspects.is_deadly("b")
    assert len(suspects) == 2


@given(st.lists(st.sampled_from("abc"), max_size=40), st.sampled_from("abc"))
def test_tried_one_by_one_only_the_poison_is_found(order: list[str], poison: str) -> None:
    """The catalogue goes down of one of three records, always; they are tried in any order."""
    suspects = Suspects()
    for key in order:
        attempt(suspects, key, down=key == poison)
    assert [key for key in "abc" if suspects.is_deadly(key)] == ([poison] if order.count(poison) >= 2 else [])
