"""The generated pages say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    [
        "../helm/scicat-ingest/files/dashboards/engine.json",
        "../helm/scicat-ingest/files/dashboards/overview.json",
        "../helm/scicat-ingest/values.schema.json",
        "alerts.md",
        "asyncapi.yaml",
        "event.md",
        "mapping-filters.md",
        "metrics.md",
        "outcomes.md",
        "schemas/dead-letter-headers.v1.json",
        "schemas/event.v1.json",
        "schemas/ingested.v1.json",
        "schemas/resolution.v1.json",
        "schemas/status.v1.json",
        "settings.md",
    ],
)
def test_a_generated_page_is_current(name: str) -> None:
    """If this fails, run `make docs`."""
    assert (DOCS / name).read_text(encoding="utf-8") == generator().pages()[name]
