"""Hours of trouble with the catalogue in seconds: what is paused, what is dead-lettered, how fast it goes on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from tests.simulation.play import Catalogue, Play

if TYPE_CHECKING:
    from collections.abc import Callable

OUTAGE = 600.0


def rate_in(play: Play, begin: float, end: float) -> float:
    return sum(begin <= time < end for time in play.catalogue.times) / (end - begin)


def test_an_outage_of_ten_minutes_costs_no_record() -> None:
    """No dead letter; the first record is there within 10 s of its end, and the old rate within a minute."""
    play = Play(Catalogue(), replicas=2, partitions=4)
    ended_at: list[float] = []

    async def plot(play: Play) -> None:
        for number in range(2400):
            play.send(f"run-{number}")
        await anyio.sleep(60)
        before.append(rate_in(play, 20, 60))
        play.catalogue.up = False
        await anyio.sleep(OUTAGE)
        done.append(len(play.kafka.published))
        play.catalogue.up = True
        ended_at.append(anyio.current_time())
        await play.until_done(done[0] + 1, within=10)
        await anyio.sleep(60)
        after.append(rate_in(play, anyio.current_time() - 10, anyio.current_time()))
        await play.until_done()

    before: list[float] = []
    after: list[float] = []
    done: list[int] = []
    play.run(plot)
    assert play.dead == {}
    assert len(play.ingested) == 2400
    play.assert_once()
    assert after[0] >= 0.9 * before[0]
    assert play.catalogue.most_within(10) <= 500, "never above 50 requests a second"


@pytest.mark.parametrize("replicas", [1, 3])
def test_the_rate_holds_over_all_replicas(replicas: int) -> None:
    """Measured at the server, over any 10 s: 45 to 50 requests a second, whoever owns how many partitions."""
    play = Play(Catalogue(), replicas=replicas, partitions=6, limits={"requests_per_second": 50})

    async def plot(play: Play) -> None:
        await anyio.sleep(30)
        for number in range(1500):
            play.send(f"run-{number}")
        begun.append(anyio.current_time())
        await anyio.sleep(60)
        counts.extend(rate_in(play, begun[0] + 5 + second, begun[0] + 15 + second) for second in range(40))

    begun: list[float] = []
    counts: list[float] = []
    play.run(plot)
    assert min(counts) >= 45
    assert max(counts) <= 50
    assert play.catalogue.most_within(10) <= 500


def deadly(name: bytes, seconds: float, catalogue: Catalogue) -> Callable[[httpx.Request, bytes], None]:
    """Make the catalogue go down whenever it gets the dataset of that name, for so many seconds."""

    def on_request(request: httpx.Request, content: bytes) -> None:
        if request.method == "POST" and name in content:
            catalogue.go_down(seconds)
            raise httpx.ReadError("the process is dead")

    return on_request


def test_one_of_ten_events_a_day_that_kills_the_catalogue_is_dead_lettered() -> None:
    """The catalogue goes down twice of it, not for ever; the other nine are ingested within minutes."""
    catalogue = Catalogue()
    catalogue.on_request = deadly(b"run-4", 30.0, catalogue)
    play = Play(catalogue)

    async def plot(play: Play) -> None:
        for number in range(10):
            play.send(f"run-{number}")
            await anyio.sleep(8640)
        await play.until_done()

    play.run(plot)
    assert play.dead == {"kills_catalogue": 1}
    assert set(play.ingested) == {f"run-{number}" for number in range(10)} - {"run-4"}
    assert max(play.delays().values()) < 180
    assert len(catalogue.downs) == 2
    play.assert_once()


def test_a_record_that_kills_the_catalogue_is_found_among_many() -> None:
    """All that were under way with it are tried alone; none of them is blamed."""
    catalogue = Catalogue()
    catalogue.on_request = deadly(b"run-77", 10.0, catalogue)
    play = Play(catalogue, limits={"requests_per_second": None})

    async def plot(play: Play) -> None:
        for number in range(200):
            play.send(f"run-{number}")
        await play.until_done()

    play.run(plot)
    assert play.dead == {"kills_catalogue": 1}
    assert len(play.ingested) == 199
    assert len(catalogue.downs) <= 4
    play.assert_once()


def test_a_group_that_we_may_not_write_to_costs_the_others_nothing() -> None:
    """One of a hundred records: a dead letter at once, no pause, no retry."""
    play = Play(Catalogue(), account="pidUser", limits={"requests_per_second": None})

    async def plot(play: Play) -> None:
        for number in range(500):
            group = "p9999" if number % 100 == 50 else "p1001"
            play.send(f"run-{number}", proposal={"id": group})
        await play.until_done()

    play.run(plot)
    assert play.dead == {"forbidden_group": 5}
    assert len(play.ingested) == 495
    (deliveries,) = play.deliveries
    assert deliveries.numbers.circuit_opened == 0
    assert deliveries.numbers.retry_tokens == 500


def test_a_record_that_always_fails_is_given_up_while_others_get_through() -> None:
    """Its own 500 for ever: the evidence is there after ten failures, about a minute and a half."""
    play = Play(Catalogue(), limits={"requests_per_second": None})

    def fail(request: httpx.Request, content: bytes) -> None:
        if request.method == "POST" and b"run-sick" in content:
            raise httpx.ReadError("hangs up")

    play.catalogue.on_request = fail

    async def plot(play: Play) -> None:
        play.send("run-sick")
        for number in range(300):
            play.send(f"run-{number}")
            await anyio.sleep(1)
        await play.until_done()

    play.run(plot)
    assert play.dead == {"rejected_by_catalogue": 1}
    assert len(play.ingested) == 300
    assert max(play.delays().values()) < 30
    (deliveries,) = play.deliveries
    assert deliveries.numbers.circuit_opened == 0


def test_retry_after_is_obeyed_by_everybody() -> None:
    """While the server wants to be left alone, it hears of nobody."""
    play = Play(Catalogue(), limits={"requests_per_second": None})
    asked_at: list[float] = []

    def push_back(request: httpx.Request, content: bytes) -> None:
        if request.method == "POST" and b"run-5" in content and not asked_at:
            asked_at.append(anyio.current_time())
            play.catalogue.answer_next = httpx.Response(
                429, headers={"retry-after": "40"}, json={"message": "slow down"}
            )

    play.catalogue.on_request = push_back

    async def plot(play: Play) -> None:
        for number in range(100):
            play.send(f"run-{number}")
        await play.until_done()

    play.run(plot)
    assert len(play.ingested) == 100
    assert play.dead == {}
    (begun,) = asked_at
    assert [time for time in play.catalogue.times if begun + 0.1 < time < begun + 40] == []
    play.assert_once()


@pytest.mark.parametrize("account", ["pidUser", "ingestor"])
@pytest.mark.parametrize("away", [30.0, 90.0, 600.0])
def test_two_services_with_the_same_record_post_each_block_once(account: str, away: float) -> None:
    """One is stopped in the middle of 40 blocks; the other one waits, or repairs; then the first looks again."""
    files = [{"path": f"f{number}", "size": 1} for number in range(40)]
    for seed in range(10):
        play = Play(
            Catalogue(),
            replicas=2,
            account=account,
            limits={"max_block_files": 1, "requests_per_second": None},
            seed=seed,
            own_groups=True,
        )

        async def plot(play: Play, seed: int = seed) -> None:
            play.send("run", files=files)
            await anyio.sleep(0.2 + seed * 0.07)
            await play.lines[0].stop(away)
            await play.until_done(2)

        play.run(plot)
        assert play.dead == {}
        play.assert_once()


@pytest.mark.parametrize("seed", range(5))
def test_half_of_a_dataset_that_two_services_find_is_completed_once(seed: int) -> None:
    """Long after a crash, in the same moment: the first PATCH claims it, the second one comes too late."""
    play = Play(Catalogue(), account="pidUser", limits={"max_block_files": 1}, seed=seed)
    files = [{"path": f"f{number}", "size": 1} for number in range(5)]

    async def crash(play: Play) -> None:
        play.send("run", files=files)
        await anyio.sleep(0.1)
        play.catalogue.up = False

    play.run(crash)
    assert 0 < len(play.catalogue.stand_in.store.origdatablocks()) < 5
    play.catalogue.up = True
    again = Play(play.catalogue, replicas=2, account="pidUser", limits=play.limits, seed=seed, own_groups=True)

    async def repair(play: Play) -> None:
        play.send("run", files=files)
        await play.until_done(2)

    again.run(repair)
    again.assert_once()


@pytest.mark.parametrize("account", ["pidUser", "ingestor"])
def test_every_document_is_there_once_whatever_gets_lost(account: str, caplog: pytest.LogCaptureFixture) -> None:
    """One request in seven fails, tokens live 10 s, nobody listens for a minute; and no secret is in log or outcome."""
    caplog.set_level(logging.DEBUG)
    tokens: set[str] = set()
    catalogue = Catalogue(noise=0.05, token_life=10)
    catalogue.on_request = lambda request, _: tokens.add(request.headers.get("authorization", "Bearer none").split()[1])
    play = Play(
        catalogue,
        account=account,
        scicat={"settle_seconds": 2.0},
        limits={"max_block_files": 1, "requests_per_second": None},
    )

    async def plot(play: Play) -> None:
        for number in range(60):
            files = [{"path": f"f{part}", "size": part + 1} for part in range(number % 40 + 1)]
            play.send(f"run-{number}", files=files)
            if number == 30:
                catalogue.go_down(60)
            await anyio.sleep(0.5)
        await play.until_done()

    play.run(plot)
    assert play.dead == {}
    assert len(play.ingested) == 60
    play.assert_once()
    said = caplog.text + "".join(repr(published.message) for published in play.kafka.published)
    assert len(tokens) > 3
    assert not [token for token in tokens if token != "none" and token in said]
    assert catalogue.stand_in.account(account).password not in said
