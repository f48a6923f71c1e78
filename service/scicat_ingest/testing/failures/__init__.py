"""Failures on purpose: a script of rules says which requests to SciCat fail, and how.

The stand-in applies a script to itself; `scicat_ingest.testing.failures.proxy` applies one in front of any backend.
"""

from scicat_ingest.testing.failures.actions import (
    Action,
    Crash,
    Cut,
    Delay,
    HalfJson,
    Outage,
    Refuse,
    SlowDrip,
    Status,
    TooMany,
    Unavailable,
)
from scicat_ingest.testing.failures.run import Arrived, Decision, FailureReport, RuleReport, ScriptRun
from scicat_ingest.testing.failures.script import FailureScript, InvalidScript, Rule, parse_script, read_script

__all__ = [
    "Action",
    "Arrived",
    "Crash",
    "Cut",
    "Decision",
    "Delay",
    "FailureReport",
    "FailureScript",
    "HalfJson",
    "InvalidScript",
    "Outage",
    "Refuse",
    "Rule",
    "RuleReport",
    "ScriptRun",
    "SlowDrip",
    "Status",
    "TooMany",
    "Unavailable",
    "parse_script",
    "read_script",
]
