"""How steps depend on each other, end, and are shown."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from scicat_ingest.doctor import step as steps_module
from scicat_ingest.doctor.report import closing_lines, heading, step_lines
from scicat_ingest.doctor.step import Examination, Finding, LeftBehind, Secrets, Step, failed, ok, warning
from scicat_ingest.faults import KafkaUnreachable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def give(finding: Finding) -> Finding:
    return finding


async def test_a_step_is_skipped_if_one_that_it_needs_failed_or_was_skipped() -> None:
    """And only then: a warning breaks nothing."""
    told: list[Step] = []
    examination = Examination(told.append)
    assert await examination.step("a", partial(give, warning("hm")))
    assert not await examination.step("b", partial(give, failed("no")), needs=["a"])
    assert not await examination.step("c", partial(give, ok("yes")), needs=["a", "b"])
    assert not await examination.step("d", partial(give, ok("yes")), needs=["c"])
    assert await examination.step("e", partial(give, ok("yes")), needs=["a"])
    assert [(step.status.value, step.seen) for step in told[2:]] == [
        ("skipped", "needs: b"),
        ("skipped", "needs: c"),
        ("ok", "yes"),
    ]
    assert told == examination.steps
    assert not examination.ok


async def test_a_fault_becomes_a_failed_step_with_its_hint() -> None:
    """What the service would stop with is what is told."""

    async def look() -> Finding:
        raise KafkaUnreachable("k:9092: nobody")

    examination = Examination(lambda _: None)
    await examination.step("kafka", look)
    assert examination.steps[0].seen == "k:9092: nobody"
    assert "kafka.bootstrap_servers" in examination.steps[0].ask


async def test_a_step_that_hangs_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever hangs, the examination goes on."""

    async def hang() -> Finding:
        await anyio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(steps_module, "STEP_SECONDS", 0.01)
    examination = Examination(lambda _: None)
    assert not await examination.step("a", hang)
    assert "no end within" in examination.steps[0].seen


def test_a_secret_is_hidden_in_every_spelling_and_when_it_is_cut_off() -> None:
    """An echo in JSON or in a URL is not the same text; an excerpt may end within the secret."""
    secrets = Secrets()
    secrets.add('a"b/c d')
    secrets.add("")
    assert secrets.hide('x a"b/c d y a\\"b/c d z a%22b%2Fc%20d') == "x *** y *** z ***"
    assert secrets.hide_cut('token a"b/') == "token ***"
    assert secrets.hide_cut("nothing of it") == "nothing of it"


def test_a_table_is_made_of_lines_that_fit() -> None:
    """What to do stands below what was seen; long lines are wrapped under their column."""
    step = Step("scicat login", failed("").status, "refused " * 12, "ask " * 20)
    lines = step_lines(step, 80).splitlines()
    assert max(map(len, [heading(), *lines])) <= 80
    assert lines[0].startswith("scicat login           failed   refused refused")
    assert any(line.strip().startswith("> ask ask") for line in lines)


async def test_the_sum_says_whether_the_setup_can_ingest_and_what_to_delete() -> None:
    """In the order to delete it."""
    examination = Examination(lambda _: None)
    await examination.step("a", partial(give, ok("yes")))
    examination.left_behind = [LeftBehind("origdatablock", "b1"), LeftBehind("dataset", "p/1")]
    said = closing_lines(examination)
    assert "this set-up can ingest: 1 ok" in said
    assert said.index("origdatablock b1") < said.index("dataset p/1")
    await examination.step("b", partial(give, failed("no")))
    assert "cannot ingest yet: 1 ok, 1 failed" in closing_lines(examination)
