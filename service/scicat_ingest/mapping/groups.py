"""Who may see the dataset; never more people than the source was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import ForbiddenBySource, InvalidField
from scicat_ingest.mapping.lookups import ACCESS_GROUPS, NOTHING_LOOKED_UP
from scicat_ingest.mapping.template import fill_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.lookups import LookedUp
    from scicat_ingest.mapping.rules import MappingRules


@dataclass(frozen=True, slots=True)
class DatasetGroups:
    """The groups of a dataset, of its blocks and of its attachments."""

    owner: str
    access: tuple[str, ...]
    instrument: str | None
    warnings: tuple[str, ...]


def choose_groups(
    event: AcquisitionCompleted, rules: MappingRules, looked_up: LookedUp = NOTHING_LOOKED_UP
) -> DatasetGroups:
    """Fill the group templates; take what the event asks for where they gave it, or the source may set it.

    Without a proposal the dataset goes to the restricted fallback group; so it does, for this group alone, if something
    that the event names was looked up in vain. Raises ForbiddenBySource, and InvalidField for what is no group.
    """
    groups = _as_asked_for(event, rules, looked_up)
    return _restricted(groups, rules, looked_up) if looked_up.missing else groups


def _restricted(groups: DatasetGroups, rules: MappingRules, looked_up: LookedUp) -> DatasetGroups:
    fallback = rules.mapping.fallback_owner_group
    warnings = [
        f"{wanted.field}: {wanted} is not in SciCat, so only {fallback!r} may see the dataset"
        for wanted in looked_up.missing
    ]
    return DatasetGroups(fallback, _read_back(rules), None, (*warnings, *groups.warnings))


def _as_asked_for(event: AcquisitionCompleted, rules: MappingRules, looked_up: LookedUp) -> DatasetGroups:
    warnings: list[str] = []
    from_template = _filled(rules.mapping.owner_group, event, looked_up)
    if from_template is None:
        from_template = rules.mapping.fallback_owner_group
        warnings = [f"ownerGroup: the event does not fill the template, so it is {from_template!r}"]
    owner = _choose_one("ownerGroup", from_template, event, rules) or from_template
    if owner != from_template:
        warnings = []
    return DatasetGroups(
        owner=owner,
        access=_choose_access(from_template, event, rules, looked_up),
        instrument=_choose_one(
            "instrumentGroup", _filled(rules.mapping.instrument_group, event, looked_up), event, rules
        ),
        warnings=(*warnings, *_contradictions(event)),
    )


def _filled(template: str | None, event: AcquisitionCompleted, looked_up: LookedUp) -> str | None:
    return None if template is None else fill_template(template, event, looked_up=looked_up.names)


def _access_from_templates(event: AcquisitionCompleted, rules: MappingRules, looked_up: LookedUp) -> Iterator[str]:
    for template in rules.mapping.access_groups:
        if template == ACCESS_GROUPS:
            yield from looked_up.proposal.access_groups
        elif (group := _filled(template, event, looked_up)) is not None:
            yield group


def _read_back(rules: MappingRules) -> tuple[str, ...]:
    return () if rules.read_back_group is None else (rules.read_back_group,)


_EVENT_NAMES = {"ownerGroup": "owner", "accessGroups": "access", "instrumentGroup": "instrument"}


def _wishes(name: str, event: AcquisitionCompleted) -> list[tuple[str, Any]]:
    """Give what the event asks for, each with its field: SciCat's own name, which wins, then that in `groups`."""
    if not event.dataset and event.groups is None:
        return []
    wishes = [
        (f"dataset.{name}", (event.dataset or {}).get(name)),
        (f"groups.{_EVENT_NAMES[name]}", getattr(event.groups, _EVENT_NAMES[name], None)),
    ]
    return [(field, wanted) for field, wanted in wishes if wanted is not None]


def _contradictions(event: AcquisitionCompleted) -> list[str]:
    found: list[str] = []
    if not event.dataset or event.groups is None:
        return found
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


def _choose_access(
    owner: str, event: AcquisitionCompleted, rules: MappingRules, looked_up: LookedUp
) -> tuple[str, ...]:
    from_templates = list(_access_from_templates(event, rules, looked_up))
    read_back = _read_back(rules)
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
