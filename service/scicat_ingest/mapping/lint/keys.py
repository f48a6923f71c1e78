"""Names of metadata that SciCat misreads, and names that it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SYNTAX = ".[]<>$"
_ENCODED = re.compile(r"%(?=[0-9A-Fa-f]{2})")
_FLAWED = re.compile(rf"[{re.escape(_SYNTAX)}]|{_ENCODED.pattern}|\A\s|\s\Z")
_FLAWED_AMONG = re.compile(rf"[{re.escape(_SYNTAX)}]|{_ENCODED.pattern}|(?:\A|\0)\s|\s(?:\Z|\0)")
"""The same in many names at once, with a NUL between them. A name that has one itself only looks flawed."""
_UNDERSCORES = str.maketrans(_SYNTAX, "_" * len(_SYNTAX))
_JAVASCRIPT = frozenset({
    "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "constructor",
    "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
})  # fmt: skip
"""Every object of JavaScript has these; class-transformer, which the backend reads bodies with, leaves them out."""

SYNTAX = "a search of SciCat does not find a name with . [ ] < > $"
ENCODED = "SciCat takes a name with %… for an encoded one and gives it back as another"
BLANK = "a name begins or ends with a blank"
JAVASCRIPT = "SciCat loses an entry of this name, which JavaScript has for itself"
SIBLING = "SciCat takes a name with u or v in front, beside value or unit, for the unit or the value"


def flawed_names(names: Collection[str]) -> dict[str, str]:
    """Give the names that are misread wherever they stand, and why: one of the texts above."""
    if _JAVASCRIPT.isdisjoint(names) and not _FLAWED_AMONG.search("\0".join(names)):
        return {}
    search = _FLAWED.search
    return {name: _why(name) for name in names if search(name) or name in _JAVASCRIPT}


def _why(name: str) -> str:
    if name in _JAVASCRIPT:
        return JAVASCRIPT
    if any(character in name for character in _SYNTAX):
        return SYNTAX
    return ENCODED if _ENCODED.search(name) else BLANK


def misread_siblings(names: Collection[str]) -> list[str]:
    """Give the names that SciCat takes for another unit or value of a quantity.

    Of an object's names, the last with u in front counts as `unit`, the last with v as `value`, except those that end
    in SI (appendSIUnitToPhysicalQuantity in the backend's common/utils.ts).
    """
    if "value" not in names and "unit" not in names:
        return []
    return [name for name in names if name[0] in "uv" and name not in {"value", "unit"} and not name.endswith("SI")]


def safe_name(name: str) -> str:
    """Give a name in which nothing is misread: `a.b` is `a_b`, `toString` is `toString_`. Not for misread siblings."""
    safe = name.translate(_UNDERSCORES).strip() or "_"
    if "%" in safe:
        safe = _ENCODED.sub("_", safe)
    return f"{safe}_" if safe in _JAVASCRIPT else safe


def without_collisions(wanted: Mapping[str, str], present: Collection[str]) -> dict[str, str]:
    """Give each old name its new one; where that is taken, with `_2`, `_3`, … behind it, in the order of the names.

    Takes time linear in the names, however many want the same one.
    """
    taken, counts = set(present), dict[str, int]()
    given = {}
    for old, base in wanted.items():
        new = base
        while new in taken:
            counts[base] = counts.get(base, 1) + 1
            new = f"{base}_{counts[base]}"
        taken.add(new)
        given[old] = new
    return given
