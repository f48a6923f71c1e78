"""Values of files in the expressions of mapping files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.storage.nexus.hdf5_files import values_of, write_example

from scicat_ingest.translate.expressions import Missing, compile_expression

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("nexus['/entry/title']", "Fe3O4 at 5 K"),
        ("nexus['/entry/titel'] | default('untitled')", "untitled"),
        ("nexus.get('/entry/titel', 'untitled')", "untitled"),
        ("nexus.glob('/entry/user_*/name').values() | list", ["Ada", "Grace"]),
        ("nexus.units('/entry/sample/temperature')", "K"),
        ("'/entry/sample' in nexus", True),
        ("nexus.attrs('/entry').NX_class", "NXentry"),
    ],
)
def test_expressions_see_the_values(tmp_path: Path, source: str, value: Any) -> None:
    """Each way to ask works in the sandbox."""
    with values_of(write_example(tmp_path / "a.nxs")) as nexus:
        assert compile_expression(source, "a.yaml:1").give({"nexus": nexus}) == value


def test_a_path_that_is_missing_says_what_there_is(tmp_path: Path) -> None:
    """Whoever writes the mapping file sees the misspelling."""
    with (
        values_of(write_example(tmp_path / "a.nxs")) as nexus,
        pytest.raises(Missing, match="/entry holds image, sample"),
    ):
        compile_expression("nexus['/entry/titel']", "a.yaml:1").give({"nexus": nexus})
