"""The catalogue is what is scraped, no more and no less; and the small parts."""

from __future__ import annotations

import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.simulation.play import Catalogue, Play
from tests.tools.programs import program

from scicat_ingest.consume.record import Record
from scicat_ingest.engine.standing import copy_of
from scicat_ingest.observe.heart import BEAT_SECONDS, Heart
from scicat_ingest.observe.metrics.catalogue import CATALOGUE
from scicat_ingest.observe.metrics.metric import PREFIX
from scicat_ingest.observe.metrics.trace import exemplar_of
from scicat_ingest.observe.pauses import Pauses
from scicat_ingest.observe.status_report import redacted
from scicat_ingest.settings import Settings
from scicat_ingest.settings.example import EXAMPLE_MAPPING


@pytest.fixture(scope="module")
def scraped() -> str:
    """Give a scrape of a service that has seen some of everything."""
    play = Play(Catalogue())
    texts = []

    async def plot(play: Play) -> None:
        play.send("run-1")
        play.kafka.append("scicat.acquisitions", 0, b"{", timestamp_ms=0)
        await play.until_done()
        play.ops[0].kafka_asked(None)
        texts.append(play.ops[0].resources()["/metrics"].get({}).body.decode())

    play.run(plot)
    return texts[0]


def test_every_metric_of_the_catalogue_is_scraped_and_no_other(scraped: str) -> None:
    """With its kind, its meaning and its labels."""
    found = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(scraped)
        if family.name.startswith(PREFIX)
    }
    assert set(found) == {metric.name for metric in CATALOGUE}
    for metric in CATALOGUE:
        family = found[metric.name]
        assert (family.type, family.documentation) == (metric.kind, metric.meaning)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), metric.name


def test_names_are_as_prometheus_wants_them() -> None:
    """Counters end in _total, and what has a unit says it in its name."""
    endings = {"s": "seconds", "bytes": "bytes"}
    for metric in CATALOGUE:
        assert metric.short.endswith("_total") == (metric.kind == "counter")
        assert endings.get(metric.unit, "") in metric.short
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert not {"pid", "offset", "instrument"} & set(metric.labels)
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.tools
def test_promtool_has_no_complaint(scraped: str) -> None:
    """Neither about the format nor about names and help texts."""
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=scraped, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_late_beat_is_remembered_for_a_while() -> None:
    """Longer than a scrape interval of 15 s would be pointless."""
    clock = iter([0.0, 0.0, 0.5, 3.5, 3.5, 3.5, 3.6, 3.6, 19.0, 19.0])
    heart = Heart(lambda: next(clock))
    for _ in range(3):
        heart.beat()
    assert heart.lag_seconds == 3.0 - BEAT_SECONDS
    assert heart.silent_seconds == pytest.approx(0.1)


def test_a_pause_counts_from_when_it_is_seen_to_when_it_is_over() -> None:
    """Several reasons at once count each."""
    pauses = Pauses()
    pauses.look((), 0.0, 100.0)
    pauses.look(("circuit",), 10.0, 110.0)
    pauses.look(("circuit", "halt"), 15.0, 115.0)
    assert pauses.since == {"circuit": 110.0, "halt": 115.0}
    pauses.look(("halt",), 20.0, 120.0)
    assert pauses.seconds == {"circuit": 5.0, "halt": 5.0, "held_limit": 0.0, "source_held": 0.0, "kafka": 0.0}
    assert pauses.since == {"halt": 115.0}


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"),
        (b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
        (b"x" * 10_000, None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_only_a_real_trace_becomes_an_exemplar(header: bytes, trace: str | None) -> None:
    """Headers come from anybody, and an exemplar may have 128 characters."""
    record = Record("t", 0, 0, 0, None, None, (("other", b""), ("traceparent", header)))
    assert exemplar_of(record) == (None if trace is None else {"trace_id": trace})


def test_no_secret_is_in_the_configuration_that_is_shown() -> None:
    """Neither where it belongs nor within an address."""
    given = {
        "scicat": {"url": "https://me:hunter2@scicat.example.org", "username": "me", "password": "hunter2"},
        "kafka": {"sasl_username": "me", "sasl_password": "hunter2"},
        "registry": {"url": "https://me:hunter2@registry.example.org"},
    }
    shown = redacted(Settings.model_validate({"mapping": EXAMPLE_MAPPING, **given}))
    assert "hunter2" not in str(shown)
    assert shown["scicat"]["url"] == "https://***@scicat.example.org/"
    assert shown["limits"]["held_records"] == 2000


def test_what_is_copied_while_it_changes_is_copied_again() -> None:
    """Another thread changes it in the middle of a copy."""
    tries = []

    def values() -> list[int]:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return [1, 2]

    assert copy_of(values) == [1, 2]
