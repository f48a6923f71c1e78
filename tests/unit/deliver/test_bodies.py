"""JSON in small steps is the same JSON."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.bodies import HEAVY_BYTES, parse, run_by_weight, serialise

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_a_body_is_written_as_json_dumps_would(body: dict[str, Any]) -> None:
    """Byte for byte, and it is read back as it was."""
    written = serialise(body)
    assert written == json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    assert parse(written) == body


@pytest.mark.parametrize("length", [499, 500, 501, 999, 1000, 1001])
def test_a_long_list_is_whole(length: int) -> None:
    """At the edges of its slices too, and however deep it is."""
    items = [{"path": f"f{number}", "size": number} for number in range(length)]
    body = {"dataFileList": items, "scientificMetadata": {"x": {"value": items}, "y": items}}
    assert serialise(body) == json.dumps(body, separators=(",", ":")).encode()


@pytest.mark.parametrize("body", [{"x": float("nan")}, {"x": [float("inf")] * 600}])
def test_a_number_that_json_does_not_have_is_refused(body: dict[str, Any]) -> None:
    """At any place."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        serialise(body)


def test_work_goes_to_a_thread_above_the_threshold_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its result comes back."""
    hops = []

    async def noted(work: Any, *arguments: Any) -> Any:
        hops.append(arguments)
        await anyio.lowlevel.checkpoint()
        return work(*arguments)

    monkeypatch.setattr("anyio.to_thread.run_sync", noted)
    assert anyio.run(run_by_weight, HEAVY_BYTES, max, 1, 2) == 2
    assert hops == []
    assert anyio.run(run_by_weight, HEAVY_BYTES + 1, max, 3, 4) == 4
    assert hops == [(3, 4)]
