"""Scientific metadata, before SciCat gets them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.mapping.lint.clean import clean_names
from scicat_ingest.mapping.lint.findings import Findings
from scicat_ingest.mapping.lint.keys import SIBLING, flawed_names, misread_siblings, safe_name, without_collisions
from scicat_ingest.mapping.lint.size import json_bytes
from scicat_ingest.mapping.lint.units import MOST_UNITS, is_known_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scicat_ingest.mapping.lint.findings import Steps
    from scicat_ingest.settings import LintSettings

_Object = dict[str, Any]
_LARGEST_DOUBLE_BITS = 1023


def lint_metadata(
    metadata: _Object, field: str, settings: LintSettings, schema: Mapping[str, Any] | None
) -> tuple[_Object, list[str]]:
    """Give metadata that SciCat takes and reads as they are meant, and a warning for every finding.

    The metadata are JSON of at most some 200 levels. Nothing of them is changed in place; without findings they are
    given back as they are. Linting the result again changes nothing more. Paths in the warnings are those of the
    event. Time and memory are linear in the metadata. Raises InvalidMetadata, with the path, where a policy is
    `reject`.
    """
    findings = Findings(field)
    mended, names = metadata, clean_names(metadata, settings)
    if names is None:
        walk = _Walk(settings, findings)
        mended = walk.object(metadata, (), 1, read=False)
        names = walk.names
    if settings.size != "off":
        _judge_size(mended, names, settings, findings)
    if schema is not None:
        from scicat_ingest.mapping.lint.schema import lint_schema  # noqa: PLC0415 (few need it: 20 MB, up to a second)

        lint_schema(mended, schema, settings.metadata_schema, findings)
    return mended, findings.warnings()


def _judge_size(metadata: _Object, names: int, settings: LintSettings, findings: Findings) -> None:
    if names > settings.max_keys:
        findings.judge(settings.size, f"more than {settings.max_keys} names keep SciCat busy", (), got=names)
    length = json_bytes(metadata)
    if length > settings.max_metadata_bytes:
        what = f"more than {settings.max_metadata_bytes} bytes of JSON come near to what SciCat takes"
        findings.judge(settings.size, what, (), got=length)


class _Walk:
    """One pass through all objects and arrays.

    Each method gives the very object or array that it was given, or a changed copy. `level` is 1 for the metadata.
    `read` tells whether SciCat looks for a quantity in an object: below the top, and not in arrays.
    """

    def __init__(self, settings: LintSettings, findings: Findings) -> None:
        self._settings = settings
        self._judge = findings.judge
        self.names = 0
        """How many there are in all objects."""
        self._units: dict[str, bool] = {}

    def object(self, given: _Object, steps: Steps, level: int, *, read: bool) -> _Object:
        """Mend names, then the quantity that the object may be, then what is in it."""
        top = not steps
        kept = self._without_poison(given, steps, top=top)
        was: dict[str, str] = {}
        if self._settings.keys != "off":
            kept, was = self._with_safe_names(kept, steps, read=read)
        if "unit" in kept and "value" in kept:
            kept = self._with_known_unit(kept, (steps, was.get("unit", "unit")))
        self.names += len(kept)
        changes = {}
        for name, item in kept.items():
            if not self._is_plain(item):
                new = self._mend(item, (steps, was.get(name, name)), level, read=read or top)
                if new is not item:
                    changes[name] = new
        if changes:
            kept = {**kept, **changes}
            if top:
                kept = {name: item for name, item in kept.items() if item is not None}
        return kept

    def array(self, given: list[Any], steps: Steps, level: int) -> list[Any]:
        """Mend what is in it."""
        kept = given
        for index, item in enumerate(given):
            if not self._is_plain(item):
                new = self._mend(item, (steps, index), level, read=False)
                if new is not item:
                    kept = list(given) if kept is given else kept
                    kept[index] = new
        return kept

    def _is_plain(self, item: Any) -> bool:
        """Tell at once of most values that nothing is wrong with them."""
        kind = type(item)
        if kind is str:
            return len(item) <= self._settings.max_text
        if kind is int:
            return bool(-MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER)
        if kind is float:
            return math.isfinite(item)
        return kind is bool or item is None

    def _mend(self, item: Any, steps: Steps, level: int, *, read: bool) -> Any:
        if isinstance(item, (dict, list)):
            if level == self._settings.max_depth and self._judge(
                self._settings.nesting,
                f"objects and arrays are nested deeper than {level} levels",
                steps,
                done="what is deeper was written as JSON text",
            ):
                return self._text(json.dumps(item, ensure_ascii=False), steps)
            if isinstance(item, dict):
                return self.object(item, steps, level + 1, read=read)
            return self.array(item, steps, level + 1)
        return self._text(item, steps) if isinstance(item, str) else self._number(item, steps)

    def _text(self, text: str, steps: Steps) -> str:
        most = self._settings.max_text
        if len(text) > most and self._judge(
            self._settings.long_texts, f"the text has more than {most} characters", steps, done="it was cut off"
        ):
            return f"{text[: most - 1]}…"
        return text

    def _number(self, number: float, steps: Steps) -> float | str | None:
        if isinstance(number, float) or number.bit_length() > _LARGEST_DOUBLE_BITS:
            done = "null stands in its place" if steps[0] else "it was left out"
            what = "JSON has no such number"
            return None if self._judge(self._settings.non_finite, what, steps, done=done) else number
        if self._judge(
            self._settings.large_integers, "SciCat rounds an integer of this size", steps, done="it was made a text"
        ):
            return str(number)
        return number

    def _without_poison(self, given: _Object, steps: Steps, *, top: bool) -> _Object:
        """Leave out an empty name at any depth, and null at the top; both were seen to end the backend."""
        kept = given
        if "" in kept:
            what, done = "an empty name ends some SciCat servers", "the entry was left out"
            self._judge(self._settings.empty_keys, what, steps, done=done)
            kept = {name: item for name, item in kept.items() if name}
        if top and None in kept.values():
            what, done = "null at the top ends some SciCat servers", "it was left out"
            for name in [name for name, item in kept.items() if item is None]:
                self._judge(self._settings.nulls, what, (steps, name), done=done)
            kept = {name: item for name, item in kept.items() if item is not None}
        return kept

    def _with_safe_names(self, given: _Object, steps: Steps, *, read: bool) -> tuple[_Object, dict[str, str]]:
        """Give the object, and of each renamed entry its name in the event.

        Siblings of value and unit come second: taking a blank off can make one of them.
        """
        kept, was = self._renamed(given, flawed_names(given), safe_name, {}, steps)
        if not read:
            return kept, was
        return self._renamed(kept, dict.fromkeys(misread_siblings(kept), SIBLING), "_{}".format, was, steps)

    def _renamed(
        self, given: _Object, why: Mapping[str, str], safe: Callable[[str], str], was: dict[str, str], steps: Steps
    ) -> tuple[_Object, dict[str, str]]:
        policy = self._settings.keys
        new = without_collisions({name: safe(name) for name in why}, given) if policy == "strip" else {}
        for name, reason in why.items():
            self._judge(policy, reason, (steps, was.get(name, name)), done="it was renamed to", new=new.get(name))
        if not new:
            return given, was
        kept = {new.get(name, name): item for name, item in given.items()}
        return kept, was | {name: was.get(old, old) for old, name in new.items()}

    def _with_known_unit(self, quantity: _Object, steps: Steps) -> _Object:
        unit, policy = quantity["unit"], self._settings.units
        if policy == "off" or unit is None:
            return quantity
        if not isinstance(unit, str):
            mend = self._judge(policy, "a unit must be a text", steps, done="it was left out", got=unit)
        elif not self._knows(unit):
            mend = self._judge(policy, "this unit is not known", steps, done="it was left out", got=unit)
        else:
            return quantity
        return {name: item for name, item in quantity.items() if name != "unit"} if mend else quantity

    def _knows(self, unit: str) -> bool:
        known = self._units.get(unit)
        if known is None:
            known = len(self._units) < MOST_UNITS and is_known_unit(unit)
            if len(self._units) < MOST_UNITS:
                self._units[unit] = known
        return known
