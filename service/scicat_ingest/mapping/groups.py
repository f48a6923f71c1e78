"""Who may see the dataset; never more people than the source was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import ForbiddenBySource, InvalidField
from scicat_ingest.mapping.template import fill_template

if TYPE_CHECKING:
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.rules import MappingRules


@dataclass(frozen=True, slots=True)
class DatasetGroups:
    """The groups of a dataset, of its blocks and of its attachments."""

    owner: str
    access: tuple[str, ...]
    instrument: str | None
    warnings: tuple[str, ...]


def choose_groups(event: AcquisitionCompleted, rules: MappingRules) -> DatasetGroups:
    """Fill the group templates; take what the event asks for where they gave it, or the source may set it.

    Without a proposal the dataset goes to the restricted fallback group. Raises ForbiddenBySource,
    and InvalidField for what is no group.
    """
    warnings: list[str] = []
    from_template = fill_template(rules.mapping.owner_group, event)
    if from_template is None:
        from_template = rules.mapping.fallback_owner_group
        warnings = [f"ownerGroup: the event does not fill the template, so it is {from_template!r}"]
    owner = _choose_one("ownerGroup", from_template, event, rules) or from_template
    if owner != from_template:
        warnings = []
    return DatasetGroups(
        owner=owner,
        access=_choose_access(from_template, event, rules),
        instrument=_choose_one("instrumentGroup", _filled(rules.mapping.instrument_group, event), event, rules),
        warnings=(*warnings, *_contradictions(event)),
    )


def _filled(template: str | None, event: AcquisitionCompleted) -> str | None:
    return None if template is None else fill_template(template, event)


_EVENT_NAMES = {"ownerGroup": "owner", "accessGroups": "access", "instrumentGroup": "instrument"}


def _wishes(name: str, event: AcquisitionCompleted) -> list[tuple[str, Any]]:
    """Give what the event asks for, each with its field: SciCat's own name, which wins, then that in `groups`."""
    wishes = [
        (f"dataset.{name}", (event.dataset or {}).get(name)),
        (f"groups.{_EVENT_NAMES[name]}", getattr(event.groups, _EVENT_NAMES[name], None)),
    ]
    return [(field, wanted) for field, wanted in wishes if wanted is not None]


def _contradictions(event: AcquisitionCompleted) -> list[str]:
    found = []
    for name in _EVENT_NAMES:
        match _wishes(name, event):
            case [(winner, wanted), (loser, other)] if wanted != other:
                found.append(f"{loser}: {winner} was given too and replaces it")
    return found


def _choose_one(name: str, from_template: str | None, event: AcquisitionCompleted, rules: MappingRules) -> str | None:
    wishes = _wishes(name, event)
    for field, wanted in wishes:  # also of one that loses: a breach is never dropped in silence
        if not isinstance(wanted, str) or not wanted.strip():
            raise InvalidField("expected the name of a group", field=field)
        if wanted != from_template and name not in rules.source.may_set:
            raise ForbiddenBySource(f"this source may not set {name} to {wanted!r}", field=field)
    return wishes[0][1] if wishes else from_template


def _choose_access(owner: str, event: AcquisitionCompleted, rules: MappingRules) -> tuple[str, ...]:
    filled = (fill_template(template, event) for template in rules.mapping.access_groups)
    from_templates = [group for group in filled if group is not None]
    read_back = [] if rules.read_back_group is None else [rules.read_back_group]
    wishes = _wishes("accessGroups", event)
    for field, wanted in wishes:
        if not isinstance(wanted, list) or not all(isinstance(group, str) and group.strip() for group in wanted):
            raise InvalidField("expected an array of names of groups", field=field)
        for index, group in enumerate(wanted):
            if group not in (owner, *from_templates, *read_back) and "accessGroups" not in rules.source.may_set:
                raise ForbiddenBySource(f"this source may not set accessGroups to {group!r}", field=f"{field}[{index}]")
    asked_for = wishes[0][1] if wishes else []
    replaced = wishes and wishes[0][0].startswith("dataset.")
    return tuple(dict.fromkeys([*([] if replaced else from_templates), *asked_for, *read_back]))
