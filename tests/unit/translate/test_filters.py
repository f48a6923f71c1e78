"""Filters for the field, and those of Jinja's that are kept."""

from __future__ import annotations

import contextlib
import inspect
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.translate.mapping_texts import result_of

from scicat_ingest.catalogue.times import parse_time
from scicat_ingest.translate.expressions import CannotEvaluate
from scicat_ingest.translate.filters import FILTERS

PANET = "http://purl.org/pan-science/PaNET/PaNET"
SAXS = "small angle x-ray scattering"
FIRST, LAST = datetime(1981, 1, 1), datetime(2098, 1, 1)  # noqa: DTZ001 (hypothesis wants them so)
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Copenhagen", "America/St_Johns", "Asia/Kathmandu")]
ARGUMENTS = {
    "json_query": "('[].a')",
    "regex_replace": "('a', 'b')",
    "regex_search": "('a')",
    "relative_to": "('/a')",
    "replace": "('a', 'b')",
}
ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text() | st.integers())
    | st.dictionaries(st.text(), st.none())
)  # fmt: skip
DESCRIPTORS = [
    {"configuration": {"det": {"data": {"t": 0.5, "mode": "LOW"}, "data_keys": {"t": {"units": "s"}}}}},
    {"configuration": {"det": {"data": {"gain": 2}, "data_keys": None}, "empty": {"data": None}}},
    {},
]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{'a': [{'b': 1}, {'b': 2}]} | json_query('a[].b')", [1, 2]),
        ("none | json_query('a')", None),
        ("'/data/p1/a.nxs' | basename", "a.nxs"),
        (r"'C:\\data\\a.nxs' | basename", "a.nxs"),
        ("'/data/p1/' | basename", "p1"),
        ("'/data/p1/a.nxs' | dirname", "/data/p1"),
        ("'a.nxs' | dirname", ""),
        ("['/data/a/1.h5', '/data/b/2.h5'] | common_folder", "/data"),
        ("['/data/a/1.h5', '/data/ab/2.h5'] | common_folder", "/data"),
        ("['/data/a/1.h5', '/data/a/b/2.h5'] | common_folder", "/data/a"),
        ("['/data/a/1.h5'] | common_folder", "/data/a"),
        ("['/a.h5', '/b.h5'] | common_folder", "/"),
        ("['/a/1', '/b/2'] | common_folder", "/"),
        ("['a/1', 'b/2'] | common_folder", ""),
        ("['s3://raw/p1/a', 's3://raw/p2/b'] | common_folder", "s3://raw"),
        ("[] | common_folder", None),
        ("'/data/p1/a/b.h5' | relative_to('/data/p1')", "a/b.h5"),
        ("'/data/p1/a/b.h5' | relative_to('/data/p1/')", "a/b.h5"),
        ("'/data/p10/b.h5' | relative_to('/data/p1')", "/data/p10/b.h5"),
        ("'b.h5' | relative_to('/data/p1')", "b.h5"),
        ("'cam [1]/a*?.tif' | only", "/cam [[]1]/a[*][?].tif"),
        ("'/a.tif' | only", "/a.tif"),
        ("'run 42 of p1001' | regex_search('p\\\\d+')", "p1001"),
        ("'run 42' | regex_search('run (\\\\d+)', 1)", "42"),
        ("'run 42' | regex_search('(?P<n>\\\\d+)', 'n')", "42"),
        ("'run' | regex_search('\\\\d+')", None),
        ("'a-b' | regex_replace('(.)-(.)', '\\\\2-\\\\1')", "b-a"),
        ("'a.b.c' | replace('.', '/')", "a/b/c"),
        ("['a', 1, none] | join('-')", "a-1"),
        ("[{'n': 'a'}, {'n': 'b'}] | join(', ', attribute='n')", "a, b"),
        ("[[1, 2], [3], 4] | flatten", [1, 2, 3, 4]),
        ("[1, 2.5, none] | sum", 3.5),
        ("[{'size': 1}, {'size': 2}] | sum(attribute='size')", 3),
        ("'42' | int", 42),
        ("' -7 ' | int", -7),
        ("4.9 | int", 4),
        ("'x' | int(0)", 0),
        ("'1e3' | float", 1000.0),
        ("'x' | float(default=none)", None),
        ("5.0249 | round(2)", 5.02),
        ("5 | round", 5.0),
        ("1250 | round(-2)", 1200.0),
        ("'Fe₃O₄ at 5 K' | slug", "fe3o4-at-5-k"),
        ("'Ærø!' | slug", "r"),
        ("42 | zero_pad(6)", "000042"),
        ("'-7' | zero_pad(3)", "-07"),
        ("1234567 | zero_pad(6)", "1234567"),
        ("none | zero_pad(6)", None),
        ("'short' | as_id", "short"),
        ("5.02 | quantity('K')", {"value": 5.02, "unit": "K"}),
        ("5 | quantity(none)", {"value": 5}),
        ("5 | quantity('')", {"value": 5}),
        ("'SAXS' | panet", {"pid": f"{PANET}01188", "name": SAXS}),
        ("'no such technique' | panet", None),
        ("['SAXS', 'nonsense'] | map('panet') | select | map(attribute='name') | list", [SAXS]),
        ("'a%20b+c' | urldecode", "a b+c"),
        ("'a%20b+c' | urldecode(plus=true)", "a b c"),
        ("'a' | to_list", ["a"]),
        ("['a'] | to_list", ["a"]),
        ("none | to_list", []),
        ("'https://orcid.org/0000-0002-1825-009x' | orcid", "0000-0002-1825-009X"),
        ("'0000-0002-1825' | orcid", None),
        ("'10000-0002-1825-00971' | orcid", None),
        ("[{'key': 'a', 'value': 1}] | items2dict", {"a": 1}),
        ("[{'n': 'a', 'v': 1}, {'n': 2}] | items2dict('n', 'v')", {"a": 1, "2": None}),
        ("'{\"a\": [1]}' | from_json", {"a": [1]}),
        ("{'a': none} | to_json", '{"a": null}'),
        ("none | to_json", "null"),
        ("'ODIN' | lower", "odin"),
        ("1 | string", "1"),
        ("true | string", "true"),
        ("'a' | string", "a"),
        ("[3, 1, 2] | sort | first", 1),
        ("[{'a': 1}, {}] | selectattr('a', 'defined') | list | length", 1),
        ("{'b': 1, 'a': 2} | dictsort", [["a", 2], ["b", 1]]),
        ("'a/b' | urlencode", "a/b"),
        ("[1, 1, 2] | unique | list", [1, 2]),
    ],
)  # fmt: skip
def test_a_filter_gives(expression: str, value: Any) -> None:
    """As the page says."""
    found = result_of(expression)
    assert (found, type(found)) == (value, type(value))


def test_the_configuration_of_a_bluesky_run_is_by_device() -> None:
    """Each value with its unit; of a device in several descriptors all."""
    expected = {"det": {"t": {"value": 0.5, "unit": "s"}, "mode": {"value": "LOW"}, "gain": {"value": 2}}, "empty": {}}
    assert result_of("event.d | bluesky_configuration", {"d": DESCRIPTORS}) == expected


@pytest.mark.parametrize(
    ("given", "time"),
    [
        (1_776_848_093.642, "2026-04-22T08:54:53.642Z"),
        (1_776_848_093_642, "2026-04-22T08:54:53.642Z"),
        (1_776_848_093_642_000, "2026-04-22T08:54:53.642Z"),
        (1_776_848_093_642_000_000, "2026-04-22T08:54:53.642Z"),
        ("1776848093", "2026-04-22T08:54:53.000Z"),
        ("1776848093.5", "2026-04-22T08:54:53.500Z"),
        ("2026-04-22T10:54:53.642+02:00", "2026-04-22T08:54:53.642Z"),
        ("2026-04-22T10:54:53.642", "2026-04-22T08:54:53.642Z"),
        (" 2026-04-22 10:54:53 ", "2026-04-22T08:54:53.000Z"),
        ("2026-04-22_10:54", "2026-04-22T08:54:00.000Z"),
        ("2026/04/22 10:54:53,5", "2026-04-22T08:54:53.500Z"),
        ("2026.04.22 10:54:53 +0100", "2026-04-22T09:54:53.000Z"),
        ("2026-04-22 10:54:53 UTC", "2026-04-22T10:54:53.000Z"),
        ("2026-04-22 10:54:53 UTC+02", "2026-04-22T08:54:53.000Z"),
        ("2026-04-22T10:54:53Z", "2026-04-22T10:54:53.000Z"),
        ("2026-12-22T10:54:53", "2026-12-22T09:54:53.000Z"),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_however_it_is_written(given: Any, time: str | None) -> None:
    """A text without offset in the zone, winter and summer; numbers as seconds to nanoseconds since 1970."""
    assert result_of("event.t | rfc3339('Europe/Copenhagen')", {"t": given}) == time


@pytest.mark.parametrize(
    "given",
    [
        20260422, 20260422105453, 0, -1, 1e300, 10**400, "20260422", "0", True, [], {}, "soon", "2026-04-22",
        "22.04.2026 10:54", "2026-13-01T00:00:00", "2026-04-22 10:54:53 CEST", "2026-04/22 10:54",
        "\uff19\uff1999-04-22T10:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(given: Any) -> None:
    """A date as a number would be a day in 1970."""
    with pytest.raises(CannotEvaluate, match="rfc3339"):
        result_of("event.t | rfc3339('Europe/Copenhagen')", {"t": given})


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "/etc/passwd", "../../etc/passwd", "Europe", "x" * 1000, "\0"])
def test_a_zone_that_there_is_not_is_refused(zone: str) -> None:
    """Also what would be a path."""
    with pytest.raises(CannotEvaluate, match="rfc3339"):
        result_of("'2026-04-22T10:54:53' | rfc3339(event.zone)", {"zone": zone})


@given(st.datetimes(FIRST, LAST, timezones=st.sampled_from(ZONES)))
def test_any_rfc3339_time_is_the_same_moment_again(moment: Any) -> None:
    """To the millisecond."""
    text = moment.isoformat(timespec="milliseconds")
    assert result_of("event.t | rfc3339", {"t": text}) == result_of(
        "event.t | rfc3339", {"t": parse_time(text).timestamp()}
    )


@given(st.text(min_size=1, max_size=600))
def test_an_id_is_short_and_its_own(text: str) -> None:
    """Long ones differ where the texts do."""
    made = result_of("event.x | as_id", {"x": text})
    assert len(made) <= 200
    assert (made == text) == (len(text) <= 200)
    assert made != result_of("event.x | as_id", {"x": f"{text}!"})


TEXTS = st.lists(st.text(alphabet="ab[]*?. ", min_size=1, max_size=5), min_size=1, max_size=4)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_paths_are_found_again_below_their_common_folder(names: list[list[str]]) -> None:
    """Folder and relative path together are the path."""
    paths = ["/" + "/".join(parts) for parts in names]
    folder = result_of("event.p | common_folder", {"p": paths})
    for path in paths:
        relative = result_of("event.p | relative_to(event.f)", {"p": path, "f": folder})
        if not path.endswith("/"):
            assert f"{folder.rstrip('/')}/{relative}" == path


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"json_query", "to_list", "to_json"}))
def test_null_stays_null(name: str) -> None:
    """What an event says to be null becomes a field that is left out."""
    assert result_of(f"none | {name}{ARGUMENTS.get(name, '')}") is None


@pytest.mark.parametrize("name", ["capitalize", "lower", "string", "title", "trim", "truncate", "upper", "urlencode"])
def test_null_stays_null_in_jinjas_filters_of_text(name: str) -> None:
    """There is no proposal `None`."""
    assert result_of(f"event.x | {name}", {"x": None}) is None


@pytest.mark.parametrize(
    "expression",
    [
        "1 | basename", "{} | dirname", "'a' | common_folder", "[1] | common_folder", "1 | relative_to('/a')",
        "'a' | relative_to(1)", "[] | only", "1 | regex_search('a')", "'a' | regex_search('a', 3)",
        "1 | replace('a', 'b')", "'a' | join('-')", "{} | flatten", "['1'] | sum", "[true] | sum", "'4.5' | int",
        "1.5 | zero_pad(3)", "1 | zero_pad(1000)", "true | zero_pad(3)",
        "'' | int", "'x' | int", "[] | int", "'\uff19' | int", "'x' | float", "[] | float", "'nan' | float",
        "1 | urldecode", "1 | panet", "1 | orcid", "[1] | items2dict", "[{'key': none}] | items2dict",
        "'{' | from_json", "'NaN' | from_json", "1 | from_json", "'" + "[" * 5000 + "' | from_json", "1 | as_id",
        "'x' | regex_replace('x', '\\\\9')", "[1] | bluesky_configuration",
        "{} | string", "[] | string",
    ],
)  # fmt: skip
def test_a_filter_refuses_what_it_cannot_take(expression: str) -> None:
    """No other exception comes out, and no value that is wrong."""
    with pytest.raises(CannotEvaluate):
        result_of(expression)


@pytest.mark.parametrize("name", sorted(FILTERS))
@given(value=ANYTHING)
@settings(max_examples=25)
def test_no_value_breaks_a_filter(name: str, value: Any) -> None:
    """It gives JSON, or says why not."""
    with contextlib.suppress(CannotEvaluate):
        result_of(f"event.x | {name}{ARGUMENTS.get(name, '')}", {"x": value})


def test_each_filter_says_what_it_does() -> None:
    """The page prints it."""
    assert all((inspect.getdoc(function) or "").endswith(".") for function in FILTERS.values())
