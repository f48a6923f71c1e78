"""What expressions cannot do: get out, read what an event says as a program, take all memory or time."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.translate.mapping_texts import fields, result_of, value_of

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.expressions import CannotEvaluate, Missing, compile_expression, compile_value
from scicat_ingest.translate.sandbox import SANDBOX
from scicat_ingest.translate.yaml_lines import Placed

PROGRAMS = ("{{ 7 * 7 }}", "{% raw %}", "{{ event }}", "{# x", "${7*7}", "{{ ''.__class__.__mro__ }}", "%s%n", "{0.x}")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "text",
    [
        "{{ event.x }}",
        "{{ event.x | string }}",
        "{{ event.list | first }}",
        "{{ event | json_query('x') }}",
        "{{ event.x | replace('a', 'a') }}",
        "{{ event.x ~ '' }}",
        "{{ event.missing | default(event.x) }}",
    ],
)
def test_values_of_events_are_never_compiled(program: str, text: str) -> None:
    """What looks like a template in an event stays the text that it is."""
    assert value_of(text, {"x": program, "list": [program]}) == program


@pytest.mark.parametrize("program", PROGRAMS)
def test_values_of_events_stay_text_within_text(program: str) -> None:
    """Nor is the result compiled again."""
    assert value_of("a {{ event.x }} b", {"x": program}) == f"a {program} b"


@given(st.text())
def test_any_text_of_an_event_comes_out_as_it_is(text: str) -> None:
    """Whatever it is."""
    assert value_of("{{ event.x }}", {"x": text}) == text
    assert value_of("-{{ event.x }}-", {"x": text}) == f"-{text}-"


@pytest.mark.parametrize(
    "expression",
    [
        "event.__class__",
        "event['__class__']",
        "event.x.__class__.__mro__",
        "event.x['__class__']",
        "''.__class__",
        "event.n.__class__",
        "event.n.real",
        "event.list.__class__",
        "event.list.append",
        "event.list.sort",
        "event.get.__self__",
        "event.get.__globals__",
        "event.update",
        "event.pop",
        "event.clear",
        "event.setdefault",
        "(event.list | map(attribute='__class__') | list)[0]",
        "event | json_query('__class__') or event.missing",
        "omit.__class__",
        "range.__init__",
        "dict.fromkeys",
        "vars.__class__",
    ],
)
def test_attributes_of_python_are_out_of_reach(expression: str) -> None:
    """An object's names are its keys."""
    with pytest.raises((Missing, CannotEvaluate)):
        result_of(expression, {"x": "text", "n": 1, "list": ["a"]})


@pytest.mark.parametrize(
    "expression",
    [
        "'x'.format(event)",
        "'{:>99999999}'.format('x')",
        "'{0.__class__}'.format(event)",
        "'{0}'.format_map(event)",
        "'%s' % event.x",
        "'%999999999d' % 1",
        "'x'.ljust(10 ** 9)",
        "'x'.zfill(10 ** 9)",
        "'x'.center(10 ** 9)",
        "'\t'.expandtabs(10 ** 9)",
        "'x'.encode()",
        "'x'.join(event.list)",
        "'x'.replace('', event.x)",
        "'x'.translate(event)",
    ],
)
def test_methods_that_format_or_make_much_are_out_of_reach(expression: str) -> None:
    """There are filters, which are bounded."""
    with pytest.raises(CannotEvaluate):
        result_of(expression, {"x": "text", "list": ["a"]})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("range(10 ** 9) | list", "Range too big"),
        ("'x' * 10 ** 9", "longer than 1000000"),
        ("10 ** 9 * 'x'", "longer than 1000000"),
        ("[1] * 10 ** 9", "longer than 1000000"),
        ("event.big * event.n", "longer than 1000000"),
        ("9 ** 9 ** 9", "the power is too large"),
        ("2 ** 65", "the power is too large"),
        ("1.5 | round(event.n)", "at most 15 decimals"),
        ("1.5 | round(2, 'ceil')", "TypeError"),
        ("event.n ** event.n", "the power is too large"),
        ("2.0 ** -999999", "the power is too large"),
        ("event.big | replace('x', event.big)", "longer than 1000000"),
        ("event.big | replace('', event.big)", "longer than 1000000"),
        ("event.list | join(event.big)", "longer than 1000000"),
        ("event | json_query('join(big, list)')", "more than 1000000"),
        ("event.list | select('in', event.numbers) | list", "more than 2000 items"),
        ("event.list | rejectattr('x', 'in', event.numbers) | list", "more than 2000 items"),
        ("event.big | regex_replace('x', event.big)", "may not come from the event"),
        ("event.big | regex_replace('x', 'yy')", "longer than 10000"),
        ("1e308 * 10", "which JSON does not know"),
    ],
)
def test_what_would_make_much_of_little_is_refused(expression: str, message: str) -> None:
    """Neither a mistake in a mapping file nor a hostile event takes all memory."""
    event = {"big": "x" * 100_000, "n": 10**9, "list": ["x"] * 1000, "numbers": list(range(3000))}
    tracemalloc.start()
    with pytest.raises((CannotEvaluate, InvalidMapping), match=message):
        result_of(expression, event)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "name",
    [
        "attr", "batch", "center", "e", "escape", "filesizeformat", "forceescape", "format", "indent", "pprint",
        "random", "safe", "slice", "striptags", "tojson", "urlize", "wordwrap", "xmlattr",
    ],
)  # fmt: skip
def test_jinjas_other_filters_are_not_there(name: str) -> None:
    """Neither chance nor HTML, nor what fills lines and lists up."""
    with pytest.raises(InvalidMapping, match="No filter named"):
        compile_expression(f"event.x | {name}", "ours.yaml:1")
    with pytest.raises(InvalidMapping, match="No filter named"):
        compile_expression(f"event.x | map('{name}')", "ours.yaml:1")


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in event.x %}{{ a }}{% endfor %}",
        "{% set x = event.q %}{{ event | json_query(x) }}",
        "{% if event.x %}a{% endif %}",
        "{% macro m() %}{% endmacro %}",
        "{% filter upper %}a{% endfilter %}",
        "{% with a = 1 %}{{ a }}{% endwith %}",
        "{% block a %}b{% endblock %}",
        "{% do event.x %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
    ],
)
def test_statements_are_refused(text: str) -> None:
    """Expressions have no loops: two within each other over an event's arrays would take for ever."""
    with pytest.raises(InvalidMapping, match=r"^ours.yaml:3: "):
        compile_value(Placed(text, 3), "ours.yaml")


@pytest.mark.parametrize(
    "expression",
    [
        "event.list | json_query(event.query)",
        "event.list | json_query('[?x == `' ~ event.query ~ '`]')",
        "event.x | regex_search(event.query)",
        "event.x | regex_replace(headers.a, 'b')",
        "event.list | map('json_query', event.query) | list",
        "event.list | map('regex_search', record.key) | list",
        "event.x | regex_search(pattern=event.query)",
        "event.x | regex_search(nexus['/entry/pattern'])",
        "event.list | json_query(*event.query)",
        "event.list | json_query(**event.query)",
        "event.list | map('json_query', *event.query) | list",
    ],
)
def test_a_program_does_not_come_from_an_event(expression: str) -> None:
    """Patterns and queries stand in the mapping file: those of a stranger could take for ever."""
    with pytest.raises(InvalidMapping, match="may not come from the event"):
        compile_expression(expression, "ours.yaml:1")


@pytest.mark.parametrize("name", ["event.name", "vars.name", "'json' ~ '_query'"])
def test_the_name_of_a_filter_is_written_out(name: str) -> None:
    """An event does not choose it."""
    with pytest.raises(InvalidMapping, match="must be written out"):
        compile_expression(f"event.list | map({name}, event.query) | list", "ours.yaml:1")


def test_a_program_may_come_from_vars() -> None:
    """They are the mapping file's own."""
    assert value_of("{{ event.x | regex_search(vars.pattern, 1) }}", {"x": "p1/a"}, pattern="^([^/]+)/") == "p1"
    query = "{{ event | json_query('list[?x == `' ~ vars.n ~ '`].y | [0]') }}"
    assert value_of(query, {"list": [{"x": 1, "y": 2}]}, n=1) == 2


def test_a_query_that_doubles_what_it_finds_is_bounded() -> None:
    """Thirty pipes would make 2^30 values of one."""
    query = " | ".join(["[@, @]"] * 30)
    with pytest.raises(CannotEvaluate, match="larger than 32 MiB"):
        result_of(f"event | json_query('{query}')", {"x": 1})


@pytest.mark.parametrize(
    "query", ["[", "a[?", "nosuch(@)", "abs('x')", "@." * 100, "(" * 2000, "sort_by(@, &x)", "to_number(@) | abs(@)"]
)
def test_a_bad_query_is_a_fault_of_its_file(query: str) -> None:
    """It is found when the file is read, or says at the event what is wrong."""
    with pytest.raises((InvalidMapping, CannotEvaluate), match="json_query"):
        result_of(f'event | json_query("{query}")', {"x": 1})


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<1>x)", "a{99999999999999999999}"])
def test_a_bad_pattern_is_found_when_the_file_is_read(pattern: str) -> None:
    """Not at the first event."""
    with pytest.raises(InvalidMapping, match="is no regular expression"):
        compile_expression(f"event.x | regex_search('{pattern}')", "ours.yaml:1")


def test_only_the_beginning_of_a_long_text_is_searched() -> None:
    """A pattern that takes quadratic time takes a second, not a day."""
    assert result_of("event.x | regex_search('b')", {"x": "a" * 10_000 + "b"}) is None
    assert result_of("event.x | regex_search('b')", {"x": "a" * 9_999 + "b"}) == "b"


def test_a_deep_or_large_result_is_refused() -> None:
    """Not passed on to what cannot take it."""
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(CannotEvaluate, match="deeper than 100"):
        result_of("event.x", {"x": deep})
    with pytest.raises(CannotEvaluate, match="larger than 32 MiB"):
        result_of("[event.x, event.x, event.x, event.x]", {"x": "x" * 10_000_000})


@pytest.mark.parametrize(
    "expression", ["(" * 500 + "1" + ")" * 500, "not " * 5000 + "1", "[" * 3000, "1" + "+1" * 5000]
)
def test_an_expression_beyond_the_parser_is_refused(expression: str) -> None:
    """It is no crash."""
    with pytest.raises((InvalidMapping, CannotEvaluate)):
        result_of(expression)


@pytest.mark.parametrize("name", ["lipsum", "cycler", "joiner", "namespace", "self", "loop", "config", "__builtins__"])
def test_no_other_names_are_known(name: str) -> None:
    """What is not listed is a misspelling."""
    with pytest.raises(InvalidMapping, match="there is nothing called"):
        compile_expression(f"{name}.x", "ours.yaml:1")


def test_nothing_is_changed_by_an_expression() -> None:
    """The event is the same after it was mapped."""
    event = {"list": [3, 1, 2], "object": {"a": 1}, "id": "x"}
    before = json.dumps(event)
    text = "name: a\nacquisition: {acquisitionId: x, metadata: {a: '{{ event.list | sort }}', b: '{{ event.object }}'}}"
    made = fields(text, event)
    made["metadata"]["b"]["a"] = 2
    assert made["metadata"]["a"] == [1, 2, 3]
    assert json.dumps(event) == before


@given(st.text(alphabet="{}%#-+()[]'|.~ aevnt019*/<=", max_size=30))
def test_no_text_of_a_mapping_file_breaks_the_compiler(text: str) -> None:
    """It compiles, or is refused with file and line; then it gives a value or says why not."""
    try:
        compile_value(Placed(text, 1), "ours.yaml").give({"event": {}, "omit": None})
    except InvalidMapping as fault:
        assert fault.message.startswith("ours.yaml:1: ")  # noqa: PT017 (any end is good but another exception)
    except (Missing, CannotEvaluate):
        pass


def test_the_sandbox_keeps_its_own_names() -> None:
    """A change of Jinja that adds filters or globals changes nothing here."""
    assert set(SANDBOX.globals) == {"range", "dict"}
    assert len(SANDBOX.filters) == 58
