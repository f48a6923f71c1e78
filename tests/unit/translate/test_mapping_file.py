"""A mapping file makes an acquisition of an event, or says which line could not give which field."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.translate.mapping_texts import FIRST, context, failed, fields, mapping, refused

from scicat_ingest.faults import MappingFailed, NotThereYet
from scicat_ingest.translate.context import Context
from scicat_ingest.translate.mapping_file import compile_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping


class Values:
    """A NeXus file of a dict."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, path: str) -> Any:
        if path == "/broken":
            raise NotThereYet("the file is damaged")
        if path not in self._values:
            raise KeyError(f"{path} is not in the file: / holds {', '.join(self._values)}")
        return self._values[path]

    def __contains__(self, path: str) -> bool:
        return path in self._values

    def get(self, path: str, default: Any = None) -> Any:
        return self._values.get(path, default)

    def units(self, path: str) -> str | None:
        units: str | None = self.get(f"{path}@units")
        return units

    def attrs(self, path: str) -> dict[str, Any]:
        return {"path": path}

    def glob(self, pattern: str) -> dict[str, Any]:
        return {path: value for path, value in self._values.items() if path.startswith(pattern.rstrip("*"))}


def test_fields_are_made_in_the_types_of_the_event() -> None:
    """Objects, arrays, literals and expressions, however deep."""
    text = """
name: a
vars: {site: ESS}
acquisition:
  acquisitionId: "{{ event.id }}"
  revision: "{{ event.n }}"
  title: "Run {{ event.n }} at {{ vars.site }}"
  keywords: ["{{ event.id }}", tomography, "{{ event.tags | first }}"]
  noFiles: true
  metadata:
    deep: {er: [{value: "{{ event.t }}", unit: K}, "{{ event.tags }}"]}
    literal: 5
"""
    assert fields(text, {"id": "x", "n": 3, "t": 1.5, "tags": ["a"]}) == {
        "acquisitionId": "x",
        "revision": 3,
        "title": "Run 3 at ESS",
        "keywords": ["x", "tomography", "a"],
        "noFiles": True,
        "metadata": {"deep": {"er": [{"value": 1.5, "unit": "K"}, ["a"]]}, "literal": 5},
    }


def test_null_and_omit_leave_a_field_out() -> None:
    """Also in arrays; an object of nothing but them is left out itself, an empty one is not."""
    text = """
name: a
acquisition:
  acquisitionId: x
  title: "{{ event.null }}"
  comment: "{{ omit }}"
  description: null
  keywords: ["{{ omit }}", a, "{{ event.null }}"]
  sample: {name: "{{ event.null }}", id: "{{ omit }}"}
  scan: {}
  techniques: []
"""
    assert fields(text, {"null": None}) == {"acquisitionId": "x", "keywords": ["a"], "scan": {}, "techniques": []}


def test_all_of_the_record_can_be_seen() -> None:
    """Headers, where it came from, and what the settings say of its topic."""
    text = """
name: a
acquisition:
  acquisitionId: "{{ headers.ce_type }}"
  pid: "{{ source.pid_prefix }}/{{ record.partition }}/{{ record.offset }}"
"""
    made = mapping(text).acquisition(context({}, partition=3, offset=17), None).fields
    assert made == {"acquisitionId": "run.closed", "pid": "20.500.12345/3/17"}


@pytest.mark.parametrize(
    ("default", "given"),
    [
        ("title: untitled", "untitled"),
        ('title: "{{ event.id }}"', "x"),
        ('title: "Run {{ event.id | upper }}"', "Run X"),
        ('title: "{{ omit }}"', None),
        ("title: null", None),
    ],
)
def test_on_missing_stands_for_what_is_not_there(default: str, given: str | None) -> None:
    """A value, an expression, or nothing; what is there stays."""
    text = f'{FIRST}  title: "{{{{ event.title }}}}"\non_missing:\n  {default}\n'
    made = mapping(text).acquisition(context({"id": "x"}), None)
    assert made.fields == {"acquisitionId": "x"} | ({} if given is None else {"title": given})
    assert made.defaulted == {"title"}
    there = mapping(text).acquisition(context({"id": "x", "title": "there"}), None)
    assert (there.fields["title"], there.defaulted) == ("there", frozenset())


def test_the_nearest_default_counts() -> None:
    """That of a part before that of the whole it is in; the whole falls only where no part excuses it."""
    text = f"""{FIRST}  sample: {{id: "{{{{ event.a }}}}", name: "{{{{ event.b }}}}"}}
on_missing:
  sample: {{id: whole}}
  sample.name: part
"""
    assert fields(text, {"id": "x", "a": 1, "b": 2})["sample"] == {"id": 1, "name": 2}
    assert fields(text, {"id": "x", "a": 1})["sample"] == {"id": 1, "name": "part"}
    assert fields(text, {"id": "x", "b": 2})["sample"] == {"id": "whole"}


def test_a_default_may_be_an_object_with_expressions() -> None:
    """What stands in it is evaluated as anywhere else."""
    text = f"""{FIRST}  metadata: {{t: {{value: "{{{{ event.t }}}}"}}, list: ["{{{{ event.t }}}}"]}}
on_missing:
  metadata.t: {{value: "{{{{ event.id }}}}", unit: [K, "{{{{ omit }}}}"]}}
  metadata.list[0]: zero
"""
    assert fields(text, {"id": "x"})["metadata"] == {"t": {"value": "x", "unit": ["K"]}, "list": ["zero"]}


def test_a_default_that_is_missing_itself_is_a_fault() -> None:
    """Defaults have none of their own."""
    fault = failed(f'{FIRST}  title: "{{{{ event.a }}}}"\non_missing: {{title: "{{{{ event.b }}}}"}}', {"id": "x"})
    assert fault.field == "on_missing.title"
    assert "ours.yaml:5" in fault.message


def test_what_cannot_be_done_is_no_missing_value() -> None:
    """A default would hide the mistake."""
    fault = failed(f'{FIRST}  title: "{{{{ event.a + 1 }}}}"\non_missing: {{title: x}}', {"id": "x", "a": "text"})
    assert fault.field == "title"


def test_a_fault_says_line_field_and_what_the_event_has() -> None:
    """All that is needed to mend the file."""
    text = f'{FIRST}  sample:\n    name: "{{{{ event.sample.nmae }}}}"\n'
    fault = failed(text, {"id": "x", "sample": {"name": "Fe"}, "run": 1})
    assert fault.field == "sample.name"
    assert fault.message == "ours.yaml:5: 'event.sample.nmae': there is no 'nmae'; is 'name' meant?"
    assert fault.hint == "the event has: id, sample, run; on_missing gives a default, or {{ omit }}"


def test_a_fault_shows_the_events_value() -> None:
    """Shortened, in one line."""
    text = f'{FIRST}  endedAt: "{{{{ event.end | rfc3339 }}}}"\n'
    fault = failed(text, {"id": "x", "end": "soon\n" * 100})
    assert fault.field == "endedAt"
    assert fault.message.startswith("ours.yaml:4: 'event.end | rfc3339': rfc3339: 'soon\\nsoon")
    assert 'event.end is "soon\\nsoon' in fault.message
    assert len(fault.message) < 1000
    assert "\n" not in fault.message


def test_a_part_of_an_array_is_named_by_its_place() -> None:
    """As the fields of faults are everywhere."""
    assert failed(f'{FIRST}  keywords: [a, "{{{{ event.b }}}}"]', {"id": 1}).field == "keywords[1]"
    assert failed(f'{FIRST}  files: [{{path: a, size: "{{{{ event.b }}}}"}}]', {"id": 1}).field == "files[0].size"


@pytest.mark.parametrize(
    ("match", "event", "matches"),
    [
        ("event.kind == 'run'", {"kind": "run"}, True),
        ("event.kind == 'run'", {"kind": "x"}, False),
        ("event.kind == 'run'", {}, False),
        ("event.a.b.c", {}, False),
        ("event.n > 3", {"n": "text"}, False),
        ("event.n is defined", {"n": None}, True),
        ('"{{ event.n }}"', {"n": 1}, True),
        ('"{{ event.n }}"', {"n": 0}, False),
        ("headers.ce_type == 'run.closed' and record.format == 'json'", {}, True),
        ("event.path | regex_search('^/data')", {"path": "/data/x"}, True),
        ("omit", {}, False),
    ],
)
def test_a_file_matches_where_its_condition_holds(match: str, event: dict[str, Any], matches: bool) -> None:  # noqa: FBT001
    """What cannot be evaluated does not match: the next file is tried."""
    assert mapping(f"{FIRST}match: {match}").matches(context(event, format="json")) is matches


def test_a_file_without_condition_matches_all() -> None:
    """So it is for a topic of its own."""
    assert mapping(FIRST).matches(context({}))


NEXUS = """
name: a
sources: {nexus: "{{ event.file }}"}
acquisition:
  acquisitionId: "{{ event.id }}"
  title: "{{ nexus['/title'] }}"
  proposal: {id: "{{ nexus.get('/proposal') }}"}
"""


def test_values_of_a_file_are_as_those_of_the_event() -> None:
    """A path that is missing says what there is instead; on_missing applies."""
    made = mapping(NEXUS).acquisition(context({"id": "x"}), Values({"/title": "T", "/proposal": "p1"}))
    assert made.fields == {"acquisitionId": "x", "title": "T", "proposal": {"id": "p1"}}
    with pytest.raises(MappingFailed, match="/title is not in the file: / holds /proposal"):
        mapping(NEXUS).acquisition(context({"id": "x"}), Values({"/proposal": "p1"}))
    made = mapping(f"{NEXUS}on_missing: {{title: none}}").acquisition(context({"id": "x"}), Values({}))
    assert made.fields == {"acquisitionId": "x", "title": "none"}


def test_a_file_that_cannot_be_read_is_waited_for() -> None:
    """No default stands for it: the file may be good in a minute."""
    text = NEXUS.replace("/title", "/broken") + "on_missing: {title: x}"
    with pytest.raises(NotThereYet):
        mapping(text).acquisition(context({"id": "x"}), Values({}))


@pytest.mark.parametrize(("file", "path"), [("/a.nxs", "/a.nxs"), (None, None), ("", None)])
def test_the_event_names_the_file(file: str | None, path: str | None) -> None:
    """Null and nothing: there is no file to read."""
    assert mapping(NEXUS).source(context({"file": file}), "nexus") == path


def test_a_source_may_be_left_out() -> None:
    """Then what reads from it is missing."""
    text = NEXUS.replace("{{ event.file }}", "{{ omit }}") + "on_missing: {title: x, proposal: '{{ omit }}'}"
    file = mapping(text)
    assert file.source(context({}), "nexus") is None
    assert file.acquisition(context({"id": 1}), None).fields == {"acquisitionId": 1, "title": "x"}


@pytest.mark.parametrize("event", [{}, {"file": 5}, {"file": ["/a"]}])
def test_a_source_that_is_no_path_is_a_fault(event: dict[str, Any]) -> None:
    """With the line of the mapping file."""
    with pytest.raises(MappingFailed, match=r"ours\.yaml:3") as caught:
        mapping(NEXUS).source(context(event), "nexus")
    assert caught.value.field == "sources.nexus"


@pytest.mark.parametrize(
    ("lines", "known", "tells_pid"),
    [
        ("", {}, True),
        ('  instrument: {name: "{{ event.i }}"}', {"instrument": {"name": "ODIN"}}, True),
        ("  instrument: {name: \"{{ nexus['/i'] }}\"}", {}, False),
        ("  instrument: {name: \"{{ event.i or nexus['/i'] }}\"}", {}, False),
        ("  proposal: {id: \"{{ nexus['/p'] }}\"}", {}, True),
        ('  proposal: {id: "{{ event.p }}"}', {"proposal": {"id": "p1"}}, True),
        ("  pid: \"a/{{ nexus.get('/p') }}\"", {}, False),
        ('  pid: "a/{{ event.i }}"', {"pid": "a/ODIN"}, True),
        ("  title: \"{{ nexus['/t'] }}\"", {}, True),
    ],
)
def test_what_is_known_before_the_file_is_read(lines: str, known: dict[str, Any], tells_pid: bool) -> None:  # noqa: FBT001
    """The order of records needs the pid, the folders that may be read instrument and proposal."""
    text = f'{FIRST}{lines}\nsources: {{nexus: "{{{{ event.file }}}}"}}'
    found, tells = mapping(text).early(context({"id": "x", "i": "ODIN", "p": "p1"}))
    assert (found, tells) == ({"acquisitionId": "x"} | known, tells_pid)


def test_the_pid_is_not_known_early_where_the_id_is_in_the_file() -> None:
    """Nor is an id that the mapping leaves out."""
    for identifier in ("{{ nexus['/id'] }}", "{{ omit }}"):
        text = f'name: a\nsources: {{nexus: a}}\nacquisition: {{acquisitionId: "{identifier}"}}'
        assert mapping(text).early(context({})) == ({}, False)


def test_a_mapping_file_can_be_sent_to_another_process() -> None:
    """It is compiled there, once."""
    file = mapping(FIRST)
    assert pickle.loads(pickle.dumps(file)) is file  # noqa: S301 (our own)


def test_the_digest_tells_one_file_from_another() -> None:
    """Also by its schema; it stands in every outcome."""
    with_schema = f"{FIRST}metadata_schema: s.json"
    schemas = ("{}", '{"type": "object"}')
    files = [mapping(FIRST), mapping(FIRST + " "), *(compile_mapping(with_schema, "a.yaml", each) for each in schemas)]
    digests = {file.digest for file in files}
    assert len(digests) == len(files)
    assert all(len(digest) == 16 for digest in digests)


def test_a_mapping_file_says_where_each_field_comes_from() -> None:
    """For `map --explain`."""
    text = f'{FIRST}  sample: {{name: "{{{{ event.s }}}}"}}\n  keywords: [a]\n'
    origins = [(each.field, each.line, each.source, each.reads) for each in mapping(text).origins()]
    assert origins == [
        ("acquisitionId", 3, "{{ event.id }}", ("event.id",)),
        ("sample.name", 4, "{{ event.s }}", ("event.s",)),
        ("keywords[0]", 5, "a", ()),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ours.yaml: the file is empty"),
        ("a", "ours.yaml:1: a mapping file: expected names with values"),
        ("name: a", "ours.yaml: 'acquisition' is missing"),
        ("acquisition: {acquisitionId: x}", "ours.yaml: 'name' is missing"),
        ("name: a\nacquisition: x", "ours.yaml:2: acquisition: expected names with values"),
        ("name: a\nacquisition: {title: x}", "ours.yaml:2: acquisition.acquisitionId is missing"),
        ("name: 5\nacquisition: {acquisitionId: x}", "ours.yaml:1: name: expected text, got 5"),
        ("name: ''\nacquisition: {acquisitionId: x}", "ours.yaml:1: name: expected text, got ''"),
        (f"{FIRST}macth: x", "ours.yaml:4: there is no key 'macth'; is 'match' meant?"),
        (f"{FIRST}  titel: x", "ours.yaml:4: acquisition.titel: the event has no such field; is 'title' meant?"),
        (
            f"{FIRST}  sample: {{nmae: x}}",
            "ours.yaml:4: acquisition.sample.nmae: the event has",
        ),
        (
            f"{FIRST}  files:\n  - {{path: a, sise: 1}}",
            "ours.yaml:5: acquisition.files.sise: the event has",
        ),
        (f"{FIRST}order: soon", "ours.yaml:4: order: expected a number, got 'soon'"),
        (f"{FIRST}order: true", "ours.yaml:4: order: expected a number, got True"),
        (f"{FIRST}match: true", "ours.yaml:4: match: expected text, got True"),
        (f"{FIRST}match: event.x ==", "ours.yaml:4: event.x ==: "),
        (f"{FIRST}description: [a]", "ours.yaml:4: description: expected text"),
        (f"{FIRST}vars: [a]", "ours.yaml:4: vars: expected names with values"),
        (f"{FIRST}vars: {{a: '{{{{ event.x }}}}'}}", "ours.yaml:4: vars.a: expected a plain value"),
        (
            f"{FIRST}  title: '{{{{ vars.sit }}}}'\nvars: {{site: a}}",
            "ours.yaml:4: there is no vars.sit; is 'site'",
        ),
        (f"{FIRST}match: vars.a", "ours.yaml:4: there is no vars.a"),
        (f"{FIRST}  title: x\non_missing: {{title: '{{{{ vars.a }}}}'}}", "ours.yaml:5: there is no vars.a"),
        (f"{FIRST}sources: {{nexuss: x}}", "ours.yaml:4: sources.nexuss: there is no such source; is 'nexus' meant?"),
        (
            f"{FIRST}  proposal: {{id: x}}\nsources: {{proposal: x}}",
            "ours.yaml:5: sources.proposal: acquisition.proposal",
        ),
        (f"{FIRST}sources: {{nexus: [x]}}", "ours.yaml:4: sources.nexus: expected text"),
        (f"{FIRST}on_missing: {{title: x}}", "ours.yaml:4: on_missing.title: `acquisition` has no such field"),
        (f"{FIRST}  sample: {{name: x}}\non_missing: {{sample.nam: x}}", "ours.yaml:5: on_missing.sample.nam: `acq"),
        (f"{FIRST}match: nexus['/a']", "ours.yaml:4: the file is not read yet here"),
        (f"{FIRST}sources: {{nexus: '{{{{ nexus.x }}}}'}}", "ours.yaml:4: the file is not read yet here"),
        (f"{FIRST}  title: \"{{{{ nexus['/a'] }}}}\"", "ours.yaml:4: sources.nexus is missing: which file is read?"),
        (f"{FIRST}  title: '{{{{ x }}}}'", "ours.yaml:4: x: there is nothing called 'x'"),
    ],
)
def test_mistakes_are_found_when_the_file_is_read(text: str, message: str) -> None:
    """With file and line, and the name that was probably meant."""
    assert refused(text).message.startswith(message)


@given(
    st.dictionaries(
        st.text(max_size=6), st.none() | st.integers() | st.text(max_size=6) | st.lists(st.text(max_size=3))
    )
)
def test_any_event_gives_an_acquisition_or_a_fault_of_the_mapping(event: dict[str, Any]) -> None:
    """No other exception comes out."""
    text = f'{FIRST}  title: "{{{{ event.t | lower }}}}"\n  files: "{{{{ event.f | map(\'basename\') | list }}}}"'
    try:
        fields(text, event)
    except MappingFailed as fault:
        assert fault.field in {"acquisitionId", "title", "files"}  # noqa: PT017 (either end is good)


def test_a_context_needs_no_source() -> None:
    """It is empty where nothing is known of the topic."""
    assert Context({}, {}, {}).source == {}
