"""Which units are known: to pint, or to the mathjs of SciCat's backend."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pint import UnitRegistry

MOST_UNITS = 1000
"""Different units in one event that are looked up; no real event has a tenth of them, and each costs time."""
_LONGEST = 100
_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_NUMBER = r"[+-]?\d{1,3}(?:\.\d{1,6})?"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<operator>\*(?!\*) | [/·⋅] | per(?!\w))
  | (?P<power>(?:\^|\*\*)\s*(?:{_NUMBER}|\(\s*{_NUMBER}(?:/\d{{1,3}})?\s*\)) | [⁺⁻]?[{_DIGITS}]{{1,3}})
  | (?P<open>\() | (?P<close>\))
  | (?P<one>1(?![\w.]))
  | (?P<name>(?:[^\W\d_{_DIGITS}] | [°%‰])[^\W{_DIGITS}]*)
    )\s*""",
    re.VERBOSE,
)
_MATHJS_ONLY = frozenset({
    "VAR", "beerbarrel", "beerbarrels", "cmh2o", "cuft", "cuin", "cuyd", "drop", "fluiddram", "fluiddrams",
    "fluidounce", "fluidounces", "gtt", "gtts", "lbm", "lt", "mmh2o", "mmhg", "obl", "oilbarrel", "oilbarrels",
    "poundforce", "poundmass", "poundmasses", "sqch", "sqfeet", "sqft", "sqin", "sqmi", "sqmil", "sqmile", "sqmiles",
    "sqrd", "sqyard", "sqyd", "stick", "sticks",
})  # fmt: skip
"""Units of mathjs (src/type/unit/Unit.js) that pint 0.25 does not have."""
_MATHJS_POWERS = re.compile("(?:da|[hkMGTPEZYdcmunpfazy])?m[23]")


def is_known_unit(text: str) -> bool:
    """Tell whether `text` is a unit: names with powers, products, quotients and parentheses; `1` and nothing count.

    Only single names are looked up, in tables: nothing in the text is ever evaluated, and a longer one than 100
    characters is not even looked at.
    """
    return len(text) <= _LONGEST and _is_expression(unicodedata.normalize("NFC", text))  # as SciCat does, for Å and K


@lru_cache(maxsize=4096)
def _is_expression(text: str) -> bool:
    position, depth = 0, 0
    before = "operator"
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return not text.strip()
        kind = token.lastgroup or ""
        if kind not in _MAY_FOLLOW[before]:
            return False
        if kind == "name" and not _is_name(token["name"]):
            return False
        depth += (kind == "open") - (kind == "close")
        if depth < 0:
            return False
        position, before = token.end(), kind
    return not text or (before not in {"operator", "open"} and depth == 0)


_OPERAND = frozenset({"name", "one", "open"})
_MAY_FOLLOW = {
    "operator": _OPERAND,
    "open": _OPERAND,
    "name": frozenset({"operator", "power", "close"}) | _OPERAND,
    "close": frozenset({"operator", "power", "close"}) | _OPERAND,
    "power": frozenset({"operator", "close"}) | _OPERAND,
    "one": frozenset({"operator", "close"}),
}
"""What may stand after what; two operands side by side are a product. The text begins as after an operator."""


def _is_name(name: str) -> bool:
    if name in _MATHJS_ONLY or _MATHJS_POWERS.fullmatch(name):
        return True
    return bool(_registry().parse_unit_name(name.replace("°", "degree")))  # as pint's own parser begins


@cache
def _registry() -> UnitRegistry[float]:
    """Give pint's default units. They take a second to load, so this is done for the first unit that comes."""
    from pint import UnitRegistry  # noqa: PLC0415

    return UnitRegistry()
