"""The files of the status page and the samples that it is tested with."""

from __future__ import annotations

import re

import pytest

from scicat_ingest.observe.status.model import StatusV1
from scicat_ingest.observe.status.page import CONTENT_SECURITY_POLICY, page_files
from scicat_ingest.testing.sample_status import sample_statuses


@pytest.mark.parametrize("name", sample_statuses())
def test_samples_are_what_the_model_says(name: str) -> None:
    """And nothing more: the page is tested with what the service can say."""
    sample = sample_statuses()[name]
    shown = StatusV1.model_validate(sample).model_dump(mode="json", by_alias=True)
    assert shown["severity"] == sample["severity"]
    assert set(sample) <= set(shown)


def test_the_page_asks_nobody_but_the_service() -> None:
    """No address of anybody else, no script or style within the document: the policy forbids it."""
    html, css, script = (
        body.decode() for _, body in (page_files()[path] for path in ("/", "/status.css", "/status.js"))
    )
    assert not re.search(r"https?://(?!www\.w3\.org)", html + css)
    assert not re.search(r"<script>|<style|\son\w+=|style=", html)
    assert "innerHTML" not in script
    assert "'unsafe" not in CONTENT_SECURITY_POLICY
    assert all(len(body) < 20_000 for _, body in page_files().values())


def test_the_script_reads_only_what_the_model_has() -> None:
    """A field that is renamed is missed here, not by an operator."""
    schema = StatusV1.model_json_schema(by_alias=True)
    fields = {name for part in (schema, *schema["$defs"].values()) for name in part.get("properties", {})}
    script = page_files()["/status.js"][1].decode()
    used = set(re.findall(r"\b(?:status|each|lag|held|throughput|scicat|kafka|condition|minute)\.([a-z]\w+)", script))
    assert used - fields <= {"toLowerCase", "length", "forEach", "map", "reduce", "filter", "message"}, used - fields
