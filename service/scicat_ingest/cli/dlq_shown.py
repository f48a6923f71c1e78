"""How `dlq show` writes a letter, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.cli.dlq_text import age_of, case_document, dump, event_document, event_text, harmless, how_resolved
from scicat_ingest.faults import RecordFault
from scicat_ingest.letters.replay import never, why_not
from scicat_ingest.plan.steps import Plan
from scicat_ingest.preview.shown import as_document

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.decoded import Ignored
    from scicat_ingest.letters.book import Case
    from scicat_ingest.letters.letter import DeadLetter
    from scicat_ingest.preview.difference import AgainstCatalogue

_LONGEST_VALUE = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of a letter."""

    case: Case
    original: Record
    value_is_missing: str | None
    now: Plan | Ignored | RecordFault | None
    why_unknown: str | None
    """Why it cannot be told what would be posted now."""
    catalogue: AgainstCatalogue | RecordFault | str | None
    """None: there is no such dataset, or nothing was asked; text: why it could not be asked."""
    asked: bool


def as_json(shown: Shown, now: datetime) -> str:
    """Write all of it on one line."""
    original = shown.original
    document = case_document(shown.case, now)
    document |= {"headers": {name: value.decode("utf-8", "replace") for name, value in original.headers}}
    document |= event_document(original.value)
    document["now"] = {"unknown": shown.why_unknown} if shown.now is None else as_document(shown.now)
    document["catalogue"] = _catalogue_document(shown)
    document["replay_refused"] = _refusal(shown)
    return dump(document) + "\n"


def _catalogue_document(shown: Shown) -> dict[str, Any] | None:
    match shown.catalogue:
        case None:
            return {"present": False} if shown.asked else None
        case str() as why:
            return {"unknown": why}
        case RecordFault() as fault:
            return {"fault": {"code": fault.code, "message": fault.message}}
        case found:
            return {
                "present": True,
                "fields": {each.field: {"there": each.there, "now": each.here} for each in found.fields},
                "missing_blocks": found.missing_blocks,
                "missing_attachments": found.missing_attachments,
                "remarks": list(found.remarks),
            }


def as_text(shown: Shown, now: datetime) -> str:
    """Write it for people."""
    letter, original = shown.case.letter, shown.original
    facts = {
        "letter": f"{letter.id} at {letter.at}",
        "record": f"{letter.source or '(unknown)'}, {_sent(letter.timestamp_ms)}",
        "key": letter.key,
        "pid": letter.pid or "cannot be told: purge this letter when a better event was sent",
        "instrument": letter.instrument,
        "failed": f"{age_of(now - letter.failed_at)} ago, {letter.failed_at.isoformat(timespec='seconds')}",
        "done before": _done_before(letter),
        "replays": f"{letter.replays}, of letter {letter.replay_of}" if letter.replays else None,
        "state": "open" if shown.case.resolved is None else how_resolved(shown.case.resolved),
        "replay": _refusal(shown),
    }
    why = {"reason": letter.reason, "field": letter.field, "message": letter.message, "what to do": letter.hint}
    headers = [f"  {name}: {value.decode('utf-8', 'replace')[:_LONGEST_VALUE]}" for name, value in original.headers]
    return "\n".join(
        [
            *_lines(facts),
            "\nwhat is wrong",
            *_lines(why),
            *(["\nheaders", *map(harmless, headers)] if headers else []),
            "\nevent",
            event_text(original.value) if shown.value_is_missing is None else f"  {harmless(shown.value_is_missing)}",
            "\nwhat would be posted now",
            *_now(shown),
            "\nwhat SciCat has",
            *_catalogue(shown),
            "",
        ]
    )


def _sent(timestamp_ms: int) -> str:
    try:
        return f"sent at {write_time(from_epoch_ms(timestamp_ms))}" if timestamp_ms >= 0 else "without a timestamp"
    except ValueError:
        return f"timestamp {timestamp_ms}"


def _done_before(letter: DeadLetter) -> str | None:
    """Say what the delivery had come to; None if it was never begun."""
    if letter.attempts is None:
        return None
    made = {"blocks": letter.block_ids, "attachments": letter.attachment_ids}
    parts = [
        f"attempts: {letter.attempts}",
        "the dataset was made" if letter.dataset_created else "no dataset was made",
        *(f"{name}: {ids}" for name, ids in made.items() if ids),
        *([f"SciCat's last answer: {letter.status}"] if letter.status is not None else []),
    ]
    return "; ".join(parts)


def _refusal(shown: Shown) -> str | None:
    why = never(shown.case.letter) or why_not(shown.case)
    return None if why is None else f"refused: {why}"


def _now(shown: Shown) -> list[str]:
    match shown.now:
        case None:
            return [f"  cannot be told: {harmless(shown.why_unknown or '')}"]
        case Plan() as plan:
            heading = f"  dataset {harmless(plan.pid)}, {plan.number_of_files} files in {len(plan.blocks)} blocks"
            return [
                f"{heading}, {len(plan.attachments)} attachments",
                *(f"  warning: {harmless(warning)}" for warning in plan.warnings),
                *_lines({name: dump(value) for name, value in plan.dataset.payload.items()}),
            ]
        case RecordFault() as fault:
            again = fault.code == shown.case.letter.reason
            said = "still a dead letter" if again else "a dead letter, for another reason"
            why = {"reason": fault.code, "field": fault.field, "message": fault.message, "what to do": fault.hint}
            return [f"  {said}", *_lines(why)]
        case ignored:
            return [f"  ignored ({ignored.reason})"]


def _catalogue(shown: Shown) -> list[str]:
    match shown.catalogue:
        case None if shown.asked:
            return ["  no dataset of this pid"]
        case None:
            return ["  was not asked" if isinstance(shown.now, Plan) else "  was not asked: nothing would be posted"]
        case str() as why:
            return [f"  could not be asked: {harmless(why)}"]
        case RecordFault() as fault:
            return [f"  {fault.code}: {harmless(fault.message)}"]
        case found if found.nothing:
            return ["  the same, with all its files and attachments"]
        case found:
            return [
                *(
                    f"  {harmless(each.field)}: {_short(each.there)} there, {_short(each.here)} now"
                    for each in found.fields
                ),
                *(f"  missing there: {count} {what}" for what, count in _missing(found).items() if count),
                *(f"  {harmless(remark)}" for remark in found.remarks),
            ]


def _missing(found: AgainstCatalogue) -> dict[str, int]:
    return {"blocks of files": found.missing_blocks, "attachments": found.missing_attachments}


def _short(value: Any) -> str:
    text = "nothing" if value is None else harmless(dump(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _lines(facts: dict[str, str | None]) -> list[str]:
    width = max(map(len, facts), default=0)
    return [
        f"  {harmless(name):<{width}}  {_cut(harmless(text))}" for name, text in facts.items() if text not in (None, "")
    ]


def _cut(text: str) -> str:
    most = 4 * _LONGEST_VALUE
    return text if len(text) <= most else f"{text[: most - 1]}…"
