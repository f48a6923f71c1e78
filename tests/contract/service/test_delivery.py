"""The service's own client against the stand-in: exactly the right documents, whatever happens on the way."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.service.bench import PREFIX

from scicat_ingest.faults import (
    CannotReadBack,
    CredentialsRejected,
    ForbiddenGroup,
    MayNotCreate,
    PidTaken,
    RejectedByCatalogue,
    StaleRevision,
    WrongEndpoint,
)
from scicat_ingest.testing.stand_in.store import DATASETS

if TYPE_CHECKING:
    from tests.contract.service.bench import Bench

    from scicat_ingest.plan.steps import Plan

pytestmark = pytest.mark.anyio


async def test_a_new_dataset_takes_one_request_for_each_document(bench: Bench) -> None:
    """No look-up before, no verification after: the common case is cheap."""
    plan = bench.plan()
    async with bench.open() as deliveries:
        delivered = await bench.deliver(deliveries, plan)
    assert (delivered.verdict, delivered.blocks_created, delivered.attachments_created) == ("created", 1, 1)
    bench.assert_once(plan)
    assert bench.stand_in.requests.total() == 4, "login, dataset, block, attachment"


async def test_every_dataset_can_be_verified(bench: Bench) -> None:
    """One read more; what came back with the pid of a dataset that was deleted just now is found."""
    bench.scicat = {"verify": "always"}
    plan = bench.plan()
    async with bench.open() as deliveries:
        assert (await bench.deliver(deliveries, plan)).warnings == ()
        assert bench.stand_in.requests.total() == 5, "login, dataset, block, attachment, reading back"
        bench.stand_in.store.delete(DATASETS, plan.pid)
        delivered = await bench.deliver(deliveries, plan)
    assert any("2 are listed more than once" in warning for warning in delivered.warnings)


@pytest.mark.parametrize("account", ["admin", "ingestor", "pidUser"])
async def test_delivering_again_posts_nothing(bench: Bench, account: str) -> None:
    """Whatever the account may do: the dataset is read back and found complete."""
    bench.account = account
    bench.scicat = {"read_back_group": account}
    plan = bench.plan()
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        before = len(bench.stand_in.store.origdatablocks()), len(bench.stand_in.store.attachments())
        delivered = await bench.deliver(deliveries, plan)
    assert delivered.verdict == "already_present"
    assert (delivered.blocks_found, delivered.attachments_found) == (1, 1)
    assert before == (len(bench.stand_in.store.origdatablocks()), len(bench.stand_in.store.attachments())) == (1, 1)


@pytest.mark.parametrize("api", ["v3", "v4"])
@pytest.mark.parametrize("kind", ["raw", "derived"])
async def test_one_api_version_can_be_demanded(bench: Bench, api: str, kind: str) -> None:
    """All requests but the login then go to that version."""
    bench.scicat = {"api": api, "read_back_group": "admin"}
    plan = bench.plan(type=kind, inputDatasets=["20.500/x"], usedSoftware=["scipp"])
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        assert (await bench.deliver(deliveries, plan)).verdict == "already_present"
    bench.assert_once(plan)
    other = {"v3": "/v4/", "v4": "/v3/"}[api]
    assert [route for route in bench.stand_in.requests if other in route and "/auth/" not in route] == []


async def test_an_account_without_v4_rights_learns_so_once_for_each_route(bench: Bench) -> None:
    """A privileged ingestor may use neither v4 blocks nor v4 attachments; the second dataset does not ask again."""
    bench.account = "ingestor"
    bench.scicat = {"read_back_group": "ingestor"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(acquisitionId="first"))
        before = bench.stand_in.requests.copy()
        await bench.deliver(deliveries, bench.plan(acquisitionId="second"))
    assert (bench.stand_in.requests - before).total() == 3


@pytest.mark.parametrize("mishap", ["lose answer", "500 but stored", "refuse connection", "503"])
@pytest.mark.parametrize("route", ["datasets", "origdatablocks", "attachments"])
@pytest.mark.parametrize("account", ["admin", "ingestor"])
async def test_a_mishap_at_any_document_leaves_each_once(bench: Bench, account: str, route: str, mishap: str) -> None:
    """What may have been stored is read back before it is repeated."""
    bench.account = account
    bench.scicat = {"read_back_group": account}
    bench.mishaps = {("POST", route): {1: mishap, 2: mishap}}
    plan = bench.plan()
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
    bench.assert_once(plan)


async def test_a_server_that_asks_for_time_gets_it(bench: Bench) -> None:
    """Retry-After is the least that is waited."""
    bench.mishaps = {("POST", "datasets"): {1: "503"}}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan())
    assert bench.clock.slept == [7.0]


async def test_a_dataset_that_an_earlier_crash_left_without_parts_is_completed(bench: Bench) -> None:
    """Not before it has been untouched for the settle time: it may be somebody's work in progress."""
    plan = bench.plan(files=[{"path": f"f{number}", "size": 1} for number in range(3)])
    bench.limits = {"max_block_files": 1}
    parts = bench.plan(files=[{"path": f"f{number}", "size": 1} for number in range(3)])
    bench.mishaps = {("POST", "origdatablocks"): {2: "refuse connection"}}
    async with bench.open() as deliveries:
        bench.clock.on_sleep = crash
        with pytest.raises(Crash):
            await bench.deliver(deliveries, parts)
    assert len(bench.stand_in.store.origdatablocks()) == 1
    bench.clock.on_sleep = None
    async with bench.open() as deliveries:
        delivered = await bench.deliver(deliveries, plan)
    assert delivered.verdict == "completed"
    assert sum(bench.clock.slept) >= bench.settings.scicat.settle_seconds - 1
    assert_files_once(bench, plan)


class Crash(Exception):  # noqa: N818 (it is none)
    """Stands for kill -9."""


async def crash() -> None:
    await anyio.lowlevel.checkpoint()
    raise Crash


def assert_files_once(bench: Bench, plan: Plan) -> None:
    blocks = bench.stand_in.store.origdatablocks(plan.pid)
    files = Counter(file["path"] for block in blocks for file in block["dataFileList"])
    assert set(files.values()) == {1}
    assert len(files) == plan.number_of_files


async def test_another_writer_at_work_is_waited_for(bench: Bench) -> None:
    """Two services with the same record: the second one finds everything there, and posts nothing."""
    plan = bench.plan()
    async with bench.open() as first, bench.open() as second:
        turn = anyio.Event()

        async def let_the_first_finish() -> None:
            turn.set()
            await done.wait()

        done = anyio.Event()
        # The first has created the dataset, and nothing else yet.
        assert await first.parts.writes.create_dataset(plan, [])
        bench.clock.on_sleep = let_the_first_finish
        async with anyio.create_task_group() as tasks:
            results = []

            async def deliver() -> None:
                results.append(await bench.deliver(second, plan))

            tasks.start_soon(deliver)
            await turn.wait()
            for block in plan.blocks:
                await first.parts.writes.add_block(plan, block)
            for attachment in plan.attachments:
                await first.parts.writes.add_attachment(plan, attachment, [])
            done.set()
    assert [result.verdict for result in results] == ["already_present"]
    bench.assert_once(plan)


@pytest.mark.parametrize("provenance", [True, False])
async def test_a_dataset_of_somebody_else_is_left_alone(bench: Bench, provenance: bool) -> None:  # noqa: FBT001
    """The same pid, another acquisition: a dead letter, and not one document more."""
    bench.mapping = {"provenance": provenance}
    theirs = bench.plan(pid=f"{PREFIX}/shared", source={"folder": "/data/theirs"}, acquisitionId="theirs")
    ours = bench.plan(pid=f"{PREFIX}/shared", source={"folder": "/data/ours"}, acquisitionId="ours")
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, theirs)
        with pytest.raises(PidTaken):
            await bench.deliver(deliveries, ours)
    bench.assert_once(theirs)


async def test_an_earlier_revision_is_stale(bench: Bench) -> None:
    """Nothing is taken back; the reason says what is there."""
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(revision=3))
        with pytest.raises(StaleRevision, match="has revision 3, this is 2"):
            await bench.deliver(deliveries, bench.plan(revision=2))
        assert (await bench.deliver(deliveries, bench.plan(revision=3))).verdict == "already_present"


async def test_totals_of_many_blocks_are_corrected(bench: Bench) -> None:
    """SciCat's v4 route sums up ten blocks only."""
    bench.limits = {"max_block_files": 1}
    plan = bench.plan(files=[{"path": f"f{number}", "size": 10} for number in range(13)])
    async with bench.open() as deliveries:
        delivered = await bench.deliver(deliveries, plan)
    assert (delivered.blocks_created, delivered.warnings) == (13, ())
    bench.assert_once(plan)


async def test_a_token_that_dies_is_renewed_on_the_way(bench: Bench) -> None:
    """A 403 that is a dead token is no refusal: one login, and the request is made again."""
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(acquisitionId="before"))
        bench.mishaps |= {("POST", "datasets"): {1: "403"}, ("GET", "whoami"): {1: "empty"}}
        bench.clock.now += 10
        plan = bench.plan(acquisitionId="after")
        await bench.deliver(deliveries, plan)
    bench.assert_once(plan)
    assert bench.stand_in.requests["POST /api/v3/auth/login"] == 2


async def test_a_document_that_scicat_refuses_is_the_records_fault(bench: Bench) -> None:
    """SciCat's own words are in the reason."""
    plan = bench.plan(dataset={"orcidOfOwner": "0000"})
    broken = replace(plan, dataset=type(plan.dataset)({**plan.dataset.payload, "fooBar": 1}))
    async with bench.open() as deliveries:
        with pytest.raises(RejectedByCatalogue, match="property fooBar should not exist"):
            await bench.deliver(deliveries, broken)


async def test_a_group_that_we_may_not_write_for_is_the_records_fault(bench: Bench) -> None:
    """An account that may create for its own groups only."""
    bench.account = "pidUser"
    async with bench.open() as deliveries:
        with pytest.raises(ForbiddenGroup):
            await bench.deliver(deliveries, bench.plan(proposal={"id": "p9999"}))


async def test_an_account_that_may_not_create_at_all_is_our_own_fault(bench: Bench) -> None:
    """It halts: the records are good."""
    bench.account = "guest"
    async with bench.open() as deliveries:
        with pytest.raises(MayNotCreate):
            await bench.deliver(deliveries, bench.plan())


async def test_an_account_that_cannot_read_its_own_work_is_our_own_fault(bench: Bench) -> None:
    """A privileged account without read_back_group: nothing could ever be verified."""
    bench.account = "ingestor"
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan())
        with pytest.raises(CannotReadBack, match="read_back_group"):
            await bench.deliver(deliveries, bench.plan())


async def test_an_attachment_id_of_another_dataset_is_a_warning(bench: Bench) -> None:
    """SciCat answers 500 to it; the dataset does not suffer."""
    preview = {"caption": "x", "thumbnail": "data:image/png;base64,AAAA", "id": "the-same-id"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(acquisitionId="one", attachments=[preview]))
        delivered = await bench.deliver(deliveries, bench.plan(acquisitionId="two", attachments=[preview]))
    assert delivered.attachments_created == 0
    assert any("the-same-id" in warning for warning in delivered.warnings)


async def test_a_record_that_fails_for_long_while_scicat_is_healthy_is_given_up(bench: Bench) -> None:
    """It blocks nothing for ever; during an outage it would wait on."""
    bench.mishaps = {("POST", "datasets"): dict.fromkeys(range(1, 1000), "503")}
    async with bench.open() as deliveries:
        with pytest.raises(RejectedByCatalogue, match="while SciCat is up"):
            await bench.deliver(deliveries, bench.plan())
    assert sum(bench.clock.slept) > bench.settings.retry.max_age_seconds


async def test_no_secret_is_ever_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither password nor token is in any log line or fault."""
    caplog.set_level(logging.DEBUG)
    bench.mishaps = {("POST", "datasets"): {1: "503"}, ("POST", "origdatablocks"): {1: "lose answer"}}
    bench.account = "ingestor"
    bench.scicat = {"read_back_group": "ingestor"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan())
        assert bench.credentials is not None
        token = await bench.credentials.token()
    bench.scicat = {"token": f"{token}x"}
    async with bench.open() as deliveries:
        with pytest.raises(CredentialsRejected) as caught:
            await bench.deliver(deliveries, bench.plan())
    said = caplog.text + repr(caught.value) + str(caught.value)
    assert bench.stand_in.account("ingestor").password not in said
    assert token not in said


@pytest.mark.parametrize("login", ["500", "the same token"])
async def test_an_outage_of_the_database_that_looks_like_a_refusal_is_waited_for(bench: Bench, login: str) -> None:
    """With MongoDB down SciCat answers 403 "Forbidden resource", knows nobody, and is not healthy."""
    bench.mishaps = {
        ("POST", "datasets"): {1: "403"},
        ("GET", "whoami"): {1: "empty", 2: "empty"},
        ("GET", "health"): {1: "503"},
    }
    if login == "500":
        bench.mishaps["POST", "login"] = {2: "503"}
    async with bench.open() as deliveries:
        delivered = await bench.deliver(deliveries, bench.plan())
    assert delivered.verdict == "created"
    assert (delivered.attempts, deliveries.numbers.circuit) == (2, "closed")
    bench.assert_once(bench.plan())


async def test_a_redirect_is_a_wrong_address_and_nobodys_fault_but_ours(bench: Bench) -> None:
    """A login page in between, or http for https: it halts, and is no dead letter."""
    bench.mishaps = {("POST", "datasets"): {1: "redirect", 2: "redirect"}}
    async with bench.open() as deliveries:
        with pytest.raises(WrongEndpoint):
            await bench.deliver(deliveries, bench.plan())
