"""Bodies as JSON, and where the work on them is done."""

from __future__ import annotations

import json
import math
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
def test_a_body_is_read_back_as_it_was(body: dict[str, Any]) -> None:
    """By us and by others."""
    written = serialise(body)
    assert json.loads(written) == body
    assert parse(written) == body


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_have_is_null(number: float) -> None:
    """At any place, as in JavaScript: SciCat would refuse the whole body."""
    assert serialise({"x": number, "y": [{"z": number}]}) == b'{"x":null,"y":[{"z":null}]}'


def test_an_answer_is_read_however_deep_it_is() -> None:
    """An event may have 200 levels, and its dataset some more."""
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    assert json.dumps(parse(deep), separators=(",", ":")).encode() == deep


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
