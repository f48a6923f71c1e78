"""What docs/stand-in.md shows is what there is."""

from __future__ import annotations

from pathlib import Path

from scicat_ingest.testing.failures import FailureScript, Rule, read_script
from scicat_ingest.testing.failures.actions import CARRIED_OUT

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "stand-in.md").read_text(encoding="utf-8")


def test_the_script_on_the_page_is_the_file_and_can_be_read() -> None:
    """A reader may take either."""
    example = DOCS / "examples" / "failures.json"
    assert f"```json\n{example.read_text(encoding='utf-8')}```" in PAGE
    assert len(read_script(example).rules) == 6


def test_every_action_and_field_stands_on_the_page() -> None:
    """Also whether an action carries the request out."""
    actions: set[str] = set()
    for part in FailureScript.model_json_schema()["$defs"].values():
        name = part["properties"].get("do", {})
        actions.update(name.get("enum", [name["const"]] if "const" in name else []))
    assert actions > CARRIED_OUT
    for action in actions:
        rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{action}` ")]
        assert len(rows) == 1, action
        assert rows[0].endswith("| yes |" if action in CARRIED_OUT else "| no |"), action
    for field in set(Rule.model_fields) - {"action", "note"}:
        assert f"`{field}`" in PAGE
