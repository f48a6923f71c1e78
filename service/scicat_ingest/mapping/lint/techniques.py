"""Techniques, compared with PaNET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.panet import Technique, find
from scicat_ingest.mapping.lint.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scicat_ingest.settings import LintPolicy

_LONGEST = 500
"""Characters; no IRI or label of PaNET has a third of them."""
_UNKNOWN = "the bundled PaNET list has no such technique"
_OTHER_PID = "PaNET has another IRI for this technique"
_OTHER_NAME = "this is not PaNET's name for the technique"


def lint_techniques(
    techniques: Sequence[Mapping[str, Any]], field: str, policy: LintPolicy
) -> tuple[list[dict[str, Any]], list[str]]:
    """Give the techniques, and a warning for each that is not as in PaNET.

    Mended are a label, an acronym or a shortened IRI in the place of the pid, and a name that is another technique's;
    where pid and name contradict each other the pid counts, if PaNET has it. A technique of which PaNET has neither is
    left out. Every technique must have texts for `pid` and `name`. Raises InvalidMetadata where the policy is `reject`.
    """
    findings = Findings(field)
    kept = []
    for index, given in enumerate(techniques):
        steps, technique = ((), index), dict(given)
        pid, name = technique["pid"], technique["name"]
        known = _find(pid) or _find(name)
        if known is None:
            if not findings.judge(policy, _UNKNOWN, (steps, "pid"), done="it was left out", got=pid):
                kept.append(technique)
            continue
        if known.pid != pid and findings.judge(
            policy, _OTHER_PID, (steps, "pid"), done="replaced by", got=pid, new=known.pid
        ):
            technique["pid"] = known.pid
        if not _is_name_of(name, known) and findings.judge(
            policy, _OTHER_NAME, (steps, "name"), done="replaced by", got=name, new=known.name
        ):
            technique["name"] = known.name
        kept.append(technique)
    return kept, findings.warnings()


def _find(text: str) -> Technique | None:
    return find(text) if len(text) <= _LONGEST else None


def _is_name_of(text: str, known: Technique) -> bool:
    """Tell whether `text` is one of its labels; some labels are those of two techniques."""
    if text == known.name:
        return True
    found = None if "panet" in text.lower() else _find(text)
    return found is not None and (found.pid == known.pid or found.name == known.name)
