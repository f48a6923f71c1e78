"""Values keep their types; text is made only where text stands around; what is not there is missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.translate.mapping_texts import result_of, value_of

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.expressions import CannotEvaluate, Missing, compile_expression, compile_value
from scicat_ingest.translate.sandbox import OMIT
from scicat_ingest.translate.yaml_lines import Placed

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_an_expression_alone_keeps_the_type(value: Any) -> None:
    """Whatever JSON has comes out as the same JSON."""
    for text in ("{{ event.x }}", "{{event['x']}}", " {{- event.x -}} ", "{{ event | json_query('x') }}"):
        found = value_of(text, {"x": value})
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["2024", "1e5", "None", "true", "null", "[1]", "0x10", " a ", "", "1_000"])
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    """A proposal 2024 is no number."""
    assert value_of("{{ event.x }}", {"x": text}) == text
    assert value_of("{{ event.x }}{{ '' }}", {"x": text}) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ -1 }}", -1),
        ("{{- 1 -}}", 1),
        ("{{ 2 - 1 }}", 1),
        ("{{ - event.n }}", -5),
        ("{{+ 1 }}", 1),
        ("{{ {'a': 1}.a }}", 1),
        ("{{ '}}' }}", "}}"),
        ("{{ 'a' }}{{ 'b' }}", "ab"),
        ("{{ event.n }} K", "5 K"),
        ("{{ event.n }}{# five #}", "5"),
        ("{{ [1, 2] }}", [1, 2]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ 1 if event.n > 3 else 2 }}", 1),
        ("{{ event.n > 3 and 'x' }}", "x"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{ event.n }", "{ event.n }"),
        ("plain", "plain"),
    ],
)
def test_what_stands_in_the_file_gives_a_value(text: str, value: Any) -> None:
    """One expression gives its value, everything else is text."""
    assert value_of(text, {"n": 5}) == value


@pytest.mark.parametrize("value", [None, True, 5, 1.5])
def test_what_is_no_text_in_the_file_stays_what_it_is(value: Any) -> None:
    """Numbers and booleans need no quotes."""
    assert value_of(value) is value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.0, "1.0"),
        ([1, "a"], '[1, "a"]'),
        ({"a": None}, '{"a": null}'),
        ("ø", "ø"),
        (1000, "1000"),
    ],
)
def test_within_text_values_stand_as_json_writes_them(value: Any, text: str) -> None:
    """Not as Python does."""
    assert value_of("<{{ event.x }}>", {"x": value}) == f"<{text}>"
    assert value_of("{{ '<' ~ event.x ~ '>' }}", {"x": value}) == f"<{text}>"


@pytest.mark.parametrize(
    "text",
    [
        "{{ event.x }}",
        "{{ event.a.b.c }}",
        "{{ event.null.b }}",
        "{{ event.list[3] }}",
        "{{ event['x'] }}",
        "{{ event.x | lower }}",
        "{{ event.x | basename }}",
        "{{ event.x | json_query('a') }}",
        "{{ event.x | to_list }}",
        "{{ event.list | map(attribute='x') | list }}",
        "{{ [] | first }}",
        "{{ nexus['/entry/title'] }}",
        "{{ nexus.get('/entry/title') }}",
        "{{ headers.x }}",
        "{{ event.items }}",
        "{{ event['items'] }}",
        "{{ event.keys }}",
        "{{ {'a': event.x} }}",
        "{{ event.x == 1 }}",
        "{{ event.x + 1 }}",
        "a {{ event.x }}",
        "a {{ event.null }}",
        "a {{ omit }}",
        "{{ 'p' ~ event.null }}",
        "{{ 'p' ~ event.x }}",
    ],
)
def test_what_is_not_there_is_missing(text: str) -> None:
    """So is null within text: an id `pNone` would be worse than none."""
    with pytest.raises(Missing):
        value_of(text, {"list": [{}], "null": None})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ event.x | default('a') }}", "a"),
        ("{{ event.a.b | default('a') }}", "a"),
        ("{{ event.null | default('a', true) }}", "a"),
        ("{{ event.get('x') }}", None),
        ("{{ event.get('x') or 'a' }}", "a"),
        ("{{ event | json_query('a.b.c') }}", None),
        ("{{ event | json_query('null.b') or 'a' }}", "a"),
        ("{{ event.x is defined }}", False),
        ("{{ 'x' in event }}", False),
        ("{{ omit if event.x is not defined else 1 }}", OMIT),
        ("{{ event.values }}", 3),
        ("{{ event.values.y }}", None),
    ],
)
def test_what_may_be_missing_can_be_asked_for(text: str, value: Any) -> None:
    """By default, get, json_query, is defined."""
    if text.endswith("values.y }}"):
        with pytest.raises(Missing):
            value_of(text, {"null": None, "values": 3})
        return
    found = value_of(text, {"null": None, "values": 3})
    assert found is value or found == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("event.a + 1", "TypeError"),
        ("event.a | rfc3339", "rfc3339"),
        ("1 / 0", "division by zero"),
        ("event.a[", "unexpected"),
        ("event.a | abs", "TypeError"),
        ("event.list | sort", "TypeError"),
        ("[omit]", "omit cannot stand within"),
        ("range", "it is not there"),
    ],
)
def test_what_cannot_be_done_says_why(expression: str, message: str) -> None:
    """No other exception comes out."""
    with pytest.raises((CannotEvaluate, InvalidMapping, Missing), match=message):
        result_of(expression, {"a": "text", "list": [1, "a"]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ evnt.title }}", "there is nothing called 'evnt'; is 'event' meant?"),
        ("{{ titel }}", "there is nothing called 'titel' (there is: event, headers"),
        ("{{ event.x | basenam }}", "No filter named 'basenam'"),
        ("{{ event.x is nosuch }}", "No test named 'nosuch'"),
        ("{{ event.x", "unexpected end of template"),
        ("{{ event. }}", "expected name or number"),
        ("{{ }}", "Expected an expression"),
        ("a {{ evnt }}", "there is nothing called 'evnt'"),
        ("a {% if %}", "Expected an expression"),
        ("{% if event.x %}a{% endif %}", "only {{ … }} is taken"),
    ],
)
def test_mistakes_are_found_when_the_file_is_read(text: str, message: str) -> None:
    """With file and line, before any event comes."""
    with pytest.raises(InvalidMapping) as caught:
        compile_value(Placed(text, 7), "ours.yaml")
    assert caught.value.message.startswith("ours.yaml:7: ")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("event.a.b", ("event.a.b",)),
        ("event['a'].b or vars.c", ("event['a'].b", "vars.c")),
        ("nexus['/entry/title'] | default('x')", ("nexus['/entry/title']",)),
        ("event.get('a', 'b')", ("event.get('a')",)),
        ("omit if event.a else range(3)", ("event.a",)),
        ("'x'", ()),
        ("event.a ~ event.a", ("event.a",)),
    ],
)
def test_an_expression_says_what_it_reads(expression: str, reads: tuple[str, ...]) -> None:
    """For `map --explain`, and for messages."""
    assert compile_expression(expression, "ours.yaml:1").reads == reads


def test_what_was_read_can_be_shown() -> None:
    """What is missing is not."""
    compiled = compile_expression("event.a | rfc3339 or event.b", "ours.yaml:1")
    assert compiled.values_read({"event": {"a": "soon"}}) == [("event.a", "soon")]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("event.titel", "there is no 'titel'; is 'title' meant?"),
        ("event.x", "there is no 'x'"),
        ("event.title.x.y", "a text has no 'x'"),
        ("event.null.x", "null has no 'x'"),
        ("event.list[3]", "an array has no 3"),
        ("event.list | first", "No first item, sequence was empty."),
        ("nexus['/entry']", "no file is read for this event"),
        ("'a' ~ event.null", "a part of the text is null"),
    ],
)
def test_what_is_missing_is_named(expression: str, message: str) -> None:
    """In words that need no Python, with the name that was probably meant."""
    with pytest.raises(Missing) as caught:
        result_of(expression, {"title": "a", "null": None, "list": []})
    assert str(caught.value) == message
