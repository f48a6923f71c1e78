"""Who may see the dataset; never more people than the source was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import ForbiddenBySource, InvalidField
from scicat_ingest.mapping.template import fill_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scicat_ingest.decode.event import AcquisitionCompleted, Groups
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

    Without a proposal the dataset goes to the restricted fallback group. Raises ForbiddenBySource.
    """
    asked = event.groups
    warnings: tuple[str, ...] = ()
    from_template = fill_template(rules.mapping.owner_group, event)
    if from_template is None:
        from_template = rules.mapping.fallback_owner_group
        warnings = (f"ownerGroup: the event does not fill the template, so it is {from_template!r}",)
    owner = _choose_one("ownerGroup", from_template, event, asked, rules)
    if owner != from_template:
        warnings = ()
    return DatasetGroups(
        owner=owner or from_template,
        access=_choose_access(from_template, event, asked, rules),
        instrument=_choose_one("instrumentGroup", _filled(rules.mapping.instrument_group, event), event, asked, rules),
        warnings=warnings,
    )


def _filled(template: str | None, event: AcquisitionCompleted) -> str | None:
    return None if template is None else fill_template(template, event)


_EVENT_NAMES = {"ownerGroup": "owner", "instrumentGroup": "instrument", "accessGroups": "access"}


def _ask(name: str, event: AcquisitionCompleted, asked: Groups | None) -> tuple[str, Any]:
    """Give what the event asks for, and under which name: SciCat's own, or that in `groups`."""
    verbatim = (event.dataset or {}).get(name)
    if verbatim is not None:
        return f"dataset.{name}", verbatim
    return f"groups.{_EVENT_NAMES[name]}", getattr(asked, _EVENT_NAMES[name], None)


def _choose_one(
    name: str, from_template: str | None, event: AcquisitionCompleted, asked: Groups | None, rules: MappingRules
) -> str | None:
    field, wanted = _ask(name, event, asked)
    if wanted is None or wanted == from_template:
        return from_template
    if not isinstance(wanted, str) or not wanted.strip():
        raise InvalidField("expected the name of a group", field=field)
    if name not in rules.source.may_set:
        raise ForbiddenBySource(f"this source may not set {name} to {wanted!r}", field=field)
    return wanted


def _choose_access(
    owner: str, event: AcquisitionCompleted, asked: Groups | None, rules: MappingRules
) -> tuple[str, ...]:
    filled = (fill_template(template, event) for template in rules.mapping.access_groups)
    from_templates = [group for group in filled if group is not None]
    field, wanted = _ask("accessGroups", event, asked)
    if wanted is not None and not _are_groups(wanted):
        raise InvalidField("expected an array of names of groups", field=field)
    for index, group in enumerate(wanted or ()):
        if group not in (owner, *from_templates) and "accessGroups" not in rules.source.may_set:
            raise ForbiddenBySource(f"this source may not set accessGroups to {group!r}", field=f"{field}[{index}]")
    chosen = [*([] if field.startswith("dataset.") else from_templates), *(wanted or ())]
    if rules.read_back_group is not None:
        chosen.append(rules.read_back_group)
    return tuple(dict.fromkeys(chosen))


def _are_groups(wanted: Any) -> bool:
    groups: Sequence[Any] = wanted if isinstance(wanted, list) else [None]
    return all(isinstance(group, str) and group.strip() for group in groups)
