"""What a curator reads of one letter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.acquisition_events import event, plan
from tests.unit.letters.buried import FAILED_AT, case, original, placed

from scicat_ingest.cli.dlq_shown import Shown, as_json, as_text
from scicat_ingest.deliver.delivered import SoFar
from scicat_ingest.faults import ForbiddenGroup, InvalidField
from scicat_ingest.preview.difference import AgainstCatalogue, FieldDifference
from scicat_ingest.report.message import write_message
from scicat_ingest.report.outcome import DeadLettered

NOW = FAILED_AT + timedelta(hours=3)
REFUSED = ForbiddenGroup("403 Unauthorized access", field="groups.owner", status=403)
MADE = SoFar(attempts=2, dataset_created=True, block_ids=("b1", "b2"), attachment_ids=())


def shown(fault: Any = REFUSED, so_far: SoFar | None = MADE, **changes: Any) -> Shown:
    outcome = DeadLettered(original(), fault, "p/1", FAILED_AT, FAILED_AT, FAILED_AT, so_far)
    message = write_message(outcome, ingested_topic="out", dead_letter_topic="dead")
    assert message is not None
    letter = case(placed(message, 9))
    return replace(Shown(letter, original(), None, plan(event()), None, None, asked=True), **changes)


def test_it_says_what_is_wrong_where_and_what_was_done_before() -> None:
    """The reason, the field, what to do; what is left in SciCat; when the record was sent."""
    said = as_text(shown(), NOW)
    for part in (
        "in/0/0, sent at 2026-04-22T08:53:20.000Z",
        "failed       3 h ago",
        "attempts: 2; the dataset was made; blocks: b1,b2; SciCat's last answer: 403",
        "field       groups.owner",
        "what to do  let the SciCat administrator",
        "no dataset of this pid",
    ):
        assert part in said
    document = json.loads(as_json(shown(), NOW))
    assert (document["attempts"], document["status"], document["dataset_created"]) == (2, 403, True)
    assert (document["block_ids"], document["attachment_ids"]) == (["b1", "b2"], [])


def test_of_a_delivery_that_was_never_begun_nothing_is_said() -> None:
    """There is nothing of it in SciCat."""
    assert "done before" not in as_text(shown(so_far=None), NOW)


def test_it_says_where_it_would_fail_now() -> None:
    """Another field than then, perhaps; SciCat is not asked about what would not be posted."""
    still = InvalidField("expected a number", field="files[3].size")
    said = as_text(shown(now=still, asked=False), NOW)
    assert "a dead letter, for another reason" in said
    assert "files[3].size" in said
    assert "was not asked: nothing would be posted" in said


def test_it_says_what_is_missing_and_different_in_scicat() -> None:
    """Blocks of files, attachments, fields."""
    found = AgainstCatalogue((FieldDifference("datasetName", "a", "b"),), 2, 1, ("extra file",))
    said = as_text(shown(catalogue=found), NOW)
    for part in ('datasetName: "a" there, "b" now', "2 blocks of files", "1 attachments", "extra file"):
        assert part in said
