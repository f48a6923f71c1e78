"""What the doctor makes of accounts with various rights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.doctor.examined import by_name, examined, settings_for, statuses, stored

from scicat_ingest.testing.stand_in import Account, StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.doctor.step import Examination

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def scicat(*groups: str, **choices: Any) -> Iterator[tuple[StandInThread, Account]]:
    """Run a stand-in with one account."""
    account = Account("robot", 'robot\'s-"secret"', groups)
    with StandInThread(accounts=(account,), **choices) as stand_in:
        yield stand_in, account


def failures(examination: Examination) -> set[str]:
    return {name for name, status in statuses(examination).items() if status == "failed"}


async def test_an_admin_uses_v4_throughout_and_may_not_delete_datasets() -> None:
    """Nothing fails; of what was created, only the attachment can be removed."""
    with scicat("admin") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account))
        steps = by_name(examination)
        assert examination.ok
        assert "dataset v4, block v4, attachment v4" in steps["scicat api versions"].seen
        assert statuses(examination)["patch"] == "ok"
        assert [left.kind for left in examination.left_behind] == ["origdatablock", "dataset"]
        assert stored(stand_in) == {"Dataset": 1, "OrigDatablock": 1, "Attachment": 0}


async def test_a_privileged_ingestor_falls_back_to_v3_and_is_told_what_it_cannot_do() -> None:
    """A refused PATCH and a refused DELETE are warnings, and everything left behind is named in the order to delete."""
    with scicat("ingestor") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account))
        steps = by_name(examination)
        assert examination.ok
        assert "dataset v4, block v3, attachment v3" in steps["scicat api versions"].seen
        assert steps["scicat patch"].status == "warning"
        assert "totals of a dataset cannot be corrected" in steps["scicat patch"].seen
        assert "revisions cannot update" in steps["scicat patch"].seen
        left = examination.left_behind
        assert [part.kind for part in left] == ["attachment", "origdatablock", "dataset"]
        found = [next(iter(stand_in.store.all(kind)))["_id"] for kind in ("Attachment", "OrigDatablock", "Dataset")]
        assert [part.id for part in left] == found
        assert all(part.id in steps["scicat clean-up"].seen for part in left)
        assert "SciCat administrator" in steps["scicat clean-up"].ask


async def test_what_is_created_is_restricted_and_says_that_it_may_be_deleted() -> None:
    """The dataset is of the fallback group, unpublished, not archivable, and has the prefix of our pids."""
    with scicat("ingestor") as (stand_in, account):
        await examined(settings_for(stand_in.url, account))
        dataset = next(iter(stand_in.store.all("Dataset")))
    assert dataset["pid"].startswith("20.500.12345/doctor-")
    assert dataset["datasetName"] == "scicat-ingest doctor: may be deleted"
    assert (dataset["ownerGroup"], dataset["isPublished"]) == ("unassigned", False)
    assert dataset["datasetlifecycle"]["archivable"] is False


async def test_an_account_that_may_delete_leaves_nothing_behind() -> None:
    """Attachments and blocks go before their dataset, so that none can come back."""
    with scicat("ingestor", "archiveManager") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account))
        assert by_name(examination)["scicat clean-up"].status == "ok"
        assert examination.left_behind == []
        assert stored(stand_in) == {"Dataset": 0, "OrigDatablock": 0, "Attachment": 0}


@pytest.mark.parametrize(
    ("groups", "owner_group", "words", "asks"),
    [
        (("guest",), "unassigned", "may not create datasets at all", "CREATE_DATASET_PRIVILEGED_GROUPS"),
        (("plainUser", "p1"), "p1", "may not choose a dataset's pid", "CREATE_DATASET_WITH_PID_GROUPS"),
        (("plainUser", "p1"), "unassigned", "neither choose a pid nor create for", "CREATE_DATASET_PRIVILEGED_GROUPS"),
        (("pidUser", "p1"), "unassigned", "may not create for ownerGroup 'unassigned'", "owner groups"),
    ],
)
async def test_a_refused_dataset_is_told_with_what_to_ask_for(
    groups: tuple[str, ...], owner_group: str, words: str, asks: str
) -> None:
    """The pid, the ownerGroup or everything is refused; steps that need a dataset are skipped, look-ups are not."""
    with scicat(*groups) as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account, fallback_owner_group=owner_group))
        step = by_name(examination)["scicat dataset"]
        assert failures(examination) == {"dataset"}
        assert words in step.seen
        assert asks in step.ask
        assert by_name(examination)["scicat block"].seen == "needs: scicat dataset"
        assert statuses(examination)["instruments"] == "ok"
        assert examination.left_behind == []
        assert stored(stand_in)["Dataset"] == 0


async def test_an_owner_group_member_needs_no_privilege() -> None:
    """PidUser in its own group may do all that is needed, attachments by v3."""
    with scicat("pidUser", "p1") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account, fallback_owner_group="p1"))
        assert examination.ok
        assert "dataset v4, block v4, attachment v3" in by_name(examination)["scicat api versions"].seen
        assert statuses(examination)["patch"] == "ok"


async def test_without_a_read_back_group_an_ingestor_cannot_verify_its_work() -> None:
    """It may write for every group but read for none: the setting to change is named."""
    with scicat("ingestor") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account, group=None))
        assert failures(examination) == {"read back"}
        assert "scicat.read_back_group" in by_name(examination)["scicat read back"].ask


async def test_a_read_back_group_that_is_not_ours_is_told_with_ours() -> None:
    """The groups to choose from are shown."""
    with scicat("ingestor", "staff") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account, group="others"))
        assert "groups" in failures(examination)
        assert "ingestor, staff" in by_name(examination)["scicat groups"].seen


@pytest.mark.parametrize(("api", "kinds"), [("v3", "dataset v3, block v3, attachment v3"), ("v4", "dataset v4 ")])
async def test_a_fixed_api_version_is_kept_to(api: str, kinds: str) -> None:
    """With v4 alone an ingestor can add neither blocks nor attachments."""
    with scicat("ingestor") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account, api=api))
        assert kinds in by_name(examination)["scicat api versions"].seen
        assert failures(examination) == (set() if api == "v3" else {"block", "attachment"})


async def test_a_server_that_wants_bare_uuids_gets_one() -> None:
    """What our events' pids look like is what counts, not the doctor's own spelling."""
    with scicat("ingestor", pid_regex=r"20\.500\.12345/[0-9a-f-]{36}") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account))
        assert examination.ok
        assert "a bare UUID" in by_name(examination)["scicat dataset"].seen


async def test_a_server_that_refuses_our_prefix_is_named_with_its_setting() -> None:
    """The administrator knows DATASET_CREATION_VALIDATION_REGEX."""
    with scicat("ingestor", pid_regex="another/.*") as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account))
        assert failures(examination) == {"dataset"}
        assert "DATASET_CREATION_VALIDATION_REGEX" in by_name(examination)["scicat dataset"].ask


async def test_a_body_limit_below_ours_is_found() -> None:
    """SciCat answers 500 to it, which would later look like a fault of the server."""
    with scicat("ingestor", max_body_bytes=100_000) as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account, max_body_bytes=100_001))
        assert failures(examination) == {"body limit"}
        assert "MAX_FILE_UPLOAD_SIZE" in by_name(examination)["scicat body limit"].ask
        fitting = await examined(settings_for(stand_in.url, account, max_body_bytes=100_000))
        assert fitting.ok


async def test_a_limit_that_is_far_below_ours_is_found_too() -> None:
    """The server may hang up before it has read everything."""
    with scicat("ingestor", max_body_bytes=100_000) as (stand_in, account):
        examination = await examined(settings_for(stand_in.url, account))
        assert failures(examination) == {"body limit"}
        assert "MAX_FILE_UPLOAD_SIZE" in by_name(examination)["scicat body limit"].ask
