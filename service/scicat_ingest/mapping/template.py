"""Templates over the event's fields: `p{proposal.id}`, `/site/{instrument.name|instrument.id}`.

They are configuration, never data: the values that fill them are not looked at again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.decode.event_part import EventPart
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACE = re.compile(r"\{([^{}]*)\}")


def anything(_: str) -> bool:
    """Let every value fill a template."""
    return True


def fill_template(
    template: str, event: AcquisitionCompleted, *, may_fill: Callable[[str], bool] = anything
) -> str | None:
    """Fill in the event's values; of alternatives (`|`) the first that is there.

    Gives None when a value is missing, blank, or not one that `may_fill` lets pass.
    """
    filled, last = "", 0
    for place in _PLACE.finditer(template):
        candidates = (_look_up(event, path.strip()) for path in place[1].split("|"))
        value = next((text for text in candidates if text is not None), None)
        if value is None or not may_fill(value):
            return None
        filled += template[last : place.start()] + value
        last = place.end()
    return filled + template[last:]


def check_template(template: str, setting: str) -> None:
    """Raise InvalidSettings if a template names a field that no event has, or has a stray brace."""
    if re.search(r"[{}]", _PLACE.sub("", template)):
        raise InvalidSettings(f"{setting}: the template {template!r} has a brace without its partner")
    for place in _PLACE.finditer(template):
        for path in place[1].split("|"):
            _check_path(path.strip(), template, setting)


def _look_up(event: AcquisitionCompleted, path: str) -> str | None:
    here: Any = event
    for name in path.split("."):
        here = here.get(name) if isinstance(here, dict) else getattr(here, name, None)
    if isinstance(here, int) and not isinstance(here, bool):
        return str(here)
    return here if isinstance(here, str) and here.strip() else None


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
