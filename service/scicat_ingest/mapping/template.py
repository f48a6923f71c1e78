"""Templates over the event's fields: `p{proposal.id}`, `/site/{instrument.name|instrument.id}`.

They are configuration, never data: the values that fill them are not looked at again. Names that begin with `lookup.`
are the catalogue's (see `lookups.py`), and no event can give them a value.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.decode.event_part import EventPart
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_PLACE = re.compile(r"\{([^{}]*)\}")
LOOKED_UP = "lookup."
_NOTHING: Mapping[str, str] = {}


def anything(_: str) -> bool:
    """Let every value fill a template."""
    return True


def fill_template(
    template: str,
    event: AcquisitionCompleted,
    *,
    may_fill: Callable[[str], bool] = anything,
    looked_up: Mapping[str, str] = _NOTHING,
) -> str | None:
    """Fill in the event's values, or those that were looked up; of alternatives (`|`) the first that is there.

    Gives None when a value is missing, blank, or not one that `may_fill` lets pass.
    """
    filled = ""
    places, rest = _parsed(template)
    for before, paths in places:
        value = next((text for path in paths if (text := _value(event, looked_up, path)) is not None), None)
        if value is None or not may_fill(value):
            return None
        filled += before + value
    return filled + rest


@lru_cache(256)  # settings have a few
def _parsed(template: str) -> tuple[tuple[tuple[str, list[str]], ...], str]:
    """Give the text before each place with the place's alternatives, and the text behind the last one."""
    *pairs, rest = _PLACE.split(template)
    places = ([path.strip() for path in place.split("|")] for place in pairs[1::2])
    return tuple(zip(pairs[::2], places, strict=True)), rest


def check_template(template: str, setting: str, looked_up: Collection[str] = ()) -> None:
    """Raise InvalidSettings if a template names what neither an event has nor is looked up, or has a stray brace."""
    places, rest = _parsed(template)
    if re.search(r"[{}]", "".join(before for before, _ in places) + rest):
        raise InvalidSettings(f"{setting}: the template {template!r} has a brace without its partner")
    for _, paths in places:
        for path in paths:
            if path.startswith(LOOKED_UP):
                _check_looked_up(path, template, setting, looked_up)
            else:
                _check_path(path, template, setting)


def _value(event: AcquisitionCompleted, looked_up: Mapping[str, str], path: str) -> str | None:
    if path.startswith(LOOKED_UP):
        return looked_up.get(path)
    here: Any = event
    for name in path.split("."):
        here = here.get(name) if isinstance(here, dict) else getattr(here, name, None)
    if isinstance(here, int) and not isinstance(here, bool):
        return str(here)
    return here if isinstance(here, str) and here.strip() else None


def _check_looked_up(path: str, template: str, setting: str, looked_up: Collection[str]) -> None:
    if path not in looked_up:
        known = ", ".join(sorted(looked_up)) or "nothing"
        raise InvalidSettings(
            f"{setting}: {template!r} names {path!r}, which is not looked up here (there is: {known})",
            hint="settings in `lookups` turn look-ups on; see docs/lookups.md",
        )


def _check_path(path: str, template: str, setting: str) -> None:
    model: type[EventPart] | None = AcquisitionCompleted
    for name in path.split("."):
        if model is None:
            return  # inside metadata, extensions …: anything may be there
        if name not in model.model_fields:
            known = ", ".join(sorted(model.model_fields))
            raise InvalidSettings(f"{setting}: {template!r} names {path!r}, which no event has (there is: {known})")
        arguments = getattr(model.model_fields[name].annotation, "__args__", ())
        model = next((part for part in arguments if isinstance(part, type) and issubclass(part, EventPart)), None)
