"""RFC 3339, in and out."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.catalogue.times import from_epoch_ms, parse_time, write_time


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-04-22T10:54:53.642+02:00", "2026-04-22T08:54:53.642Z"),
        ("2026-04-22T10:54:53Z", "2026-04-22T10:54:53.000Z"),
        ("2026-04-22t10:54:53.1z", "2026-04-22T10:54:53.100Z"),
        ("2026-04-22 10:54:53-00:00", "2026-04-22T10:54:53.000Z"),
        ("2026-04-22T10:54:53.123456789Z", "2026-04-22T10:54:53.123Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000Z"),
        ("2024-02-29T23:59:59.999-12:00", "2024-03-01T11:59:59.999Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(text: str, written: str) -> None:
    """As SciCat itself writes it."""
    assert write_time(parse_time(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-04-22",
        "2026-04-22T10:54Z",
        "20260422T105453Z",
        "2026-04-22T10:54:53+2",
        "2026-04-22T10:54:53 Z",
        "2026-04-22T10:54:53Z\n",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-04-22T25:00:00Z",
        "2026-04-22T10:54:60Z",
        "2026-04-22T10:54:53+24:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-04-22T10:54:53Z",
        "2026-W17-3T10:54:53Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With a ValueError and never another error."""
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


def test_a_naive_time_is_read_in_the_zone_or_refused() -> None:
    """Never stamped Z; summer and winter differ."""
    zone = ZoneInfo("Europe/Berlin")
    assert write_time(parse_time("2026-07-01T12:00:00", zone)) == "2026-07-01T10:00:00.000Z"
    assert write_time(parse_time("2026-01-01T12:00:00", zone)) == "2026-01-01T11:00:00.000Z"
    assert write_time(parse_time("2026-07-01T12:00:00Z", zone)) == "2026-07-01T12:00:00.000Z"
    for text in ("0001-01-01T00:00:00", "9999-12-31T23:59:59"):
        with pytest.raises(ValueError, match="outside the years 1 to 9999"):
            parse_time(text, timezone(timedelta(hours=1 if text < "1" else -1)))
    with pytest.raises(ValueError, match="has no offset"):
        parse_time("2026-07-01T12:00:00")


def test_kafkas_timestamps_are_exact() -> None:
    """Milliseconds; a 64-bit number that is no time is refused."""
    assert write_time(from_epoch_ms(1_776_848_093_642)) == "2026-04-22T08:54:53.642Z"
    assert write_time(from_epoch_ms(253_402_300_799_999)) == "9999-12-31T23:59:59.999Z"
    for wrong in (253_402_300_800_000, 2**63 - 1, -(2**63)):
        with pytest.raises(ValueError, match="outside the years 1 to 9999"):
            from_epoch_ms(wrong)


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS)  # noqa: DTZ001 (hypothesis)


@given(MOMENTS)
def test_writing_and_reading_is_a_round_trip(moment: datetime) -> None:
    """To the millisecond, in any zone."""
    again = parse_time(write_time(moment))
    assert again.tzinfo is UTC
    assert timedelta() <= moment - again < timedelta(milliseconds=1)
    assert write_time(again) == write_time(moment)
    assert parse_time(moment.isoformat()) == moment


@given(st.text())
def test_no_text_brings_another_error(text: str) -> None:
    """Than the ValueError that becomes a fault."""
    with suppress(ValueError):
        assert parse_time(text, UTC).tzinfo is UTC
