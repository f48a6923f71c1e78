"""How `reprocess` writes what came of records, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.cli.dlq_text import dump, harmless

if TYPE_CHECKING:
    from scicat_ingest.reprocess.tally import Item, Tally

_LONGEST_VALUE = 200
_MOST_OLD_PIDS = 1000
_SIGNS = {"would_create": "+", "created": "+", "fault": "!", "left_alone": "=", "would_change": "~"}
_WORDS = {
    "same": "the same already",
    "would_create": "would be created",
    "would_change": "would change",
    "left_alone": "differ only in what somebody else has set, and are left alone",
    "created": "created",
    "already_present": "there already",
    "completed": "completed",
    "updated": "updated",
    "fault": "faults",
    "ignored": "ignored",
}


def as_text(item: Item) -> str:
    """Write one record, with the differences of its dataset."""
    sign = _SIGNS.get(item.result, "~")
    lines = [f"{sign} {harmless(item.pid or '(no pid)')}  {item.result.replace('_', ' ')}  ({item.at})"]
    if item.reason is not None:
        lines.append(f"    {item.reason}: {harmless(item.message or '')}")
    if item.old_pid is not None:
        lines.append(f"    was ingested as {harmless(item.old_pid)}, which stays as it is")
    if item.against is not None:
        for each in item.against.fields:
            how = "" if each.would_change else "  (left alone)"
            lines.append(f"    {harmless(each.field)}: {_short(each.there)} -> {_short(each.here)}{how}")
        if item.against.missing_blocks:
            lines.append(f"    {item.against.missing_blocks} origdatablocks are missing")
        if item.against.missing_attachments:
            lines.append(f"    {item.against.missing_attachments} attachments are missing")
        lines += [f"    {harmless(remark)}" for remark in item.against.remarks]
    return "\n".join(lines)


def summary(tally: Tally, parts_of_runs: int, *, writes: bool) -> str:
    """Say what came of all."""
    lines = [f"{tally.records} records {'worked on' if writes else 'compared'}"]
    lines += [f"  {tally.results[name]:7} {words}" for name, words in _WORDS.items() if tally.results[name]]
    if parts_of_runs:
        lines.append(f"  {parts_of_runs:7} parts of runs: told with their run's last record, if it is in the range")
    if tally.fields and not writes:
        lines.append("fields that would change:")
        lines += [f"  {number:7} {harmless(name)}" for name, number in tally.fields.most_common()]
    if tally.moved:
        lines.append("old pids, whose datasets stay as they are (remove or merge them by hand):")
        lines += [f"  {harmless(old)}  now {harmless(new)}" for old, new in list(tally.moved.items())[:_MOST_OLD_PIDS]]
        if len(tally.moved) > _MOST_OLD_PIDS:
            lines.append(f"  and {len(tally.moved) - _MOST_OLD_PIDS} more: --json lists all")
    return "\n".join(lines)


def _short(value: Any) -> str:
    text = "nothing" if value is None else harmless(dump(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
