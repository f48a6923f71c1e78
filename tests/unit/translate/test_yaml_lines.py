"""YAML of mapping files: lines are kept, and nothing is read as anything else than it looks like."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.yaml_lines import parse_yaml


def plain(text: str) -> Any:
    return parse_yaml(text, "ours.yaml").plain()


def refused(text: str) -> str:
    with pytest.raises(InvalidMapping) as caught:
        parse_yaml(text, "ours.yaml")
    return caught.value.message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("on", "on"), ("Yes", "Yes"), ("y", "y"), ("true", True), ("False", False), ("null", None),
        ("~", None), ("", None), ("12:30", "12:30"), ("1_000", "1_000"), ("007", "007"), ("0x1f", "0x1f"), ("0", 0),
        ("-3", -3), ("+3", 3), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("2026-04-22", "2026-04-22"),
        ("2026-04-22T10:00:00Z", "2026-04-22T10:00:00Z"), (".nan", ".nan"), ("=", "="), ("<<", "<<"), ("'1'", "1"),
        ('"true"', "true"), ("!!str 1", "1"), ("1.2.3", "1.2.3"), ("-", "-"), ("p1001", "p1001"),
    ],
)  # fmt: skip
def test_a_plain_scalar_is_what_it_looks_like(written: str, value: Any) -> None:
    """YAML 1.1 would make false of `no`, 750 of `12:30`, and 7 of the proposal 007."""
    if written == "-":
        written = "'-'"
    found = plain(f"a: {written}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_names_stay_as_they_are_written() -> None:
    """Also those that YAML 1.1 reads as booleans, numbers and times."""
    assert list(plain("{on: 1, no: 2, 007: 3, 1.50: 4, true: 5}")) == ["on", "no", "007", "1.50", "true"]


def test_each_value_has_its_line() -> None:
    """Lines are counted from 1, that of a block is where it begins."""
    root = parse_yaml("a: 1\nb:\n  - x\n  - y: |\n      text\n", "ours.yaml")
    assert root.value["a"].line == 1
    assert root.value["b"].value[1].value["y"].line == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "ours.yaml:3: 'a' comes twice"),
        ("x: {1: a, '1': b}", "ours.yaml:1: '1' comes twice"),
        ("a:\n  b: [1, 2", "ours.yaml:2: this is no YAML"),
        ("a: 'x", "ours.yaml:1: this is no YAML"),
        ("a: \t- b", "ours.yaml:1: this is no YAML"),
        ("a: {{ event.x }}", "ours.yaml:1: expected a name before `:`"),
        ("a: 1\n? [x]\n: 2", "ours.yaml:2: expected a name before `:`"),
        ("~: 1", "ours.yaml:1: expected a name before `:`"),
        ("a: 1\n---\nb: 2", "ours.yaml:2: this is no YAML"),
        ("a: *x", "ours.yaml:1: this is no YAML: found undefined alias"),
        ("a: 1\nb: \x01", "ours.yaml:2: this is no YAML: special characters are not allowed"),
        ("", "ours.yaml: the file is empty"),
        ("# nothing\n", "ours.yaml: the file is empty"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(text: str, message: str) -> None:
    """Whoever writes the file finds the place."""
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.system [echo]",
        "!!python/name:os.system",
        "!ours {a: 1}",
        "!ours [1]",
        "!ours x",
        "!!binary aGk=",
        "!!timestamp 2026-04-22",
        "!!set {a}",
        "!!omap [a: 1]",
        "!!int x",
    ],
)
def test_tags_are_refused(tagged: str) -> None:
    """They would make objects, or nothing that JSON knows."""
    assert "ours.yaml:2" in refused(f"a: 1\nb: {tagged}") or "this is no YAML" in refused(f"a: 1\nb: {tagged}")


def test_aliases_are_taken() -> None:
    """A name for what comes again is fine."""
    assert plain("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_bomb_of_aliases_is_refused() -> None:
    """Ten lines that would make 10^9 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "more than 100000 values, aliases counted" in refused("\n".join(lines))


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: " + "[" * 5000 + "]" * 5000])
def test_what_contains_itself_or_is_too_deep_is_refused(text: str) -> None:
    """No stack is deep enough."""
    assert "nested too deeply" in refused(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
def test_what_a_yaml_writer_writes_is_read_again(document: Any) -> None:
    """PyYAML quotes what it would read otherwise."""
    root = {"a": document}
    written = yaml.safe_dump(root, allow_unicode=True)
    if "'=': " in written or '? ""' in written:
        return
    assert plain(written) == root


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """It is YAML, or refused with the file's name."""
    try:
        plain(text)
    except InvalidMapping as fault:
        assert fault.message.startswith("ours.yaml")  # noqa: PT017 (either is good)
