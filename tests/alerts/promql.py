"""What an expression is made of, as far as the tests need to know."""

from __future__ import annotations

import re

STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
SELECTORS = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
SELECTED = re.compile(r"([A-Za-z_:][\w:]*)\{([^}]*)\}")
NAMES = re.compile(r"\b(?<![\d.])[A-Za-z_:][\w:]*\b(?!\s*\()")
WORDS = frozenset({"and", "or", "unless", "offset", "bool", "by", "on", "without", "ignoring", "Inf", "inf", "NaN"})
VARIABLES = {
    "$__rate_interval": "5m",
    "$__interval": "1m",
    "$__range": "1h",
    "$namespace": "daq",
    "$job": "daq/scicat-ingest",
    "$topic": "odin",
}
"""Grafana's, with values as it would put in."""


def metric_names(expr: str) -> set[str]:
    """Give the names of the series that an expression reads."""
    for what in (STRINGS, SELECTORS, GROUPINGS):
        expr = what.sub(" ", expr)
    return set(NAMES.findall(expr)) - WORDS


def labels_asked(expr: str) -> set[tuple[str, str]]:
    """Give (series, label) for each label that a selector looks at."""
    selected = SELECTED.findall(STRINGS.sub('""', expr))
    return {(name, label) for name, selector in selected for label in re.findall(r"(\w+)\s*(?:=|!)", selector)}


def with_values(expr: str) -> str:
    """Put values in the place of Grafana's variables. Others stay, and no parser takes them."""
    for name, value in VARIABLES.items():
        expr = re.sub(re.escape(name) + r"\b", value, expr)
    return expr
