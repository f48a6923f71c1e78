"""Observers: each is told everything."""

from __future__ import annotations

import inspect
from unittest.mock import Mock, call

import pytest

from scicat_ingest.engine.observer import Observer, Observers

NAMES = [name for name, _ in inspect.getmembers(Observer, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_passed_on_to_everyone(name: str) -> None:
    """In their order, with the same arguments."""
    told = Mock()
    first, second = Mock(spec=Observer), Mock(spec=Observer)
    told.attach_mock(first, "first")
    told.attach_mock(second, "second")
    arguments = [object() for _ in list(inspect.signature(getattr(Observer, name)).parameters)[1:]]
    getattr(Observers(first, second), name)(*arguments)
    assert told.mock_calls == [getattr(call.first, name)(*arguments), getattr(call.second, name)(*arguments)]
