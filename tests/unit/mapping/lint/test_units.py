"""Which units are known, and that hostile ones cost nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.mapping.lint.units import is_known_unit


@pytest.mark.parametrize(
    "unit",
    [
        *("", "1", "K", "mm", "mm/s", "K/min", "GeV", "keV", "%", "counts", "mbar", "rpm", "pixel", "W/(m K)", "1/s"),
        *("Å", "\u212b", "A\u030a", "Å^-1", "1/Å", "angstrom", "µm", "\u03bcm", "um", "°", "deg", "°C", "degC", "mrad"),
        *("m s^-1", "m**2", "m²", "m·s⁻¹", "V per m", "m^(1/2)", "m^-1.5", "J/kg/K", " K "),
        *("mm2", "A/cm2", "cm3", "lbm", "mmhg"),  # mathjs alone
    ],
)
def test_what_facilities_write_is_known(unit: str) -> None:
    """Among them those that have broken ingestion elsewhere, in every spelling."""
    assert is_known_unit(unit)


@pytest.mark.parametrize(
    "unit",
    [
        *("furlongz", "a.u.", "arb. unit", "none", "n/a", "s-1", "10^-6", "1 m", "2", "Celsius", "mm;DROP"),
        *("m/", "/m", "m//s", "m^", "m^x", "^2", "(", "()", "(m", "m)", "m^^2", "m^2^2", "1.5 m", "{}", "m\0"),
    ],
)
def test_what_nobody_can_convert_is_not_known(unit: str) -> None:
    """Misspelt units, words, and what is no product of units."""
    assert not is_known_unit(unit)


@pytest.mark.parametrize(
    "unit",
    [
        *("9**9**9", "m**9**9**9", "m^999999999", "9" * 100, "m^" + "9" * 90, "x" * 10_000, "m" * 16_000_000),
        *("(" * 50 + "m" + ")" * 51, "(" * 10_000, "__import__('os')", "m.__class__", "lambda: m", "m if m else s"),
    ],
)
def test_a_hostile_unit_is_only_unknown(unit: str) -> None:
    """No power of numbers, no recursion, no code."""
    assert not is_known_unit(unit)


@given(st.text(st.sampled_from("mKs1²9^*/·()- .%°Åµ\u212b_per\n\0"), max_size=110))
def test_every_text_gets_an_answer(unit: str) -> None:
    """Whatever its characters are."""
    assert is_known_unit(unit) in {True, False}


@given(st.lists(st.sampled_from(["m", "K", "kg^2", "s^-1", "(A/m)", "Å"]), min_size=1, max_size=8))
def test_products_and_quotients_of_units_are_units(parts: list[str]) -> None:
    """However they are joined."""
    assert is_known_unit(" ".join(parts))
    assert is_known_unit("/".join(parts))
    assert is_known_unit("*".join(f"({part})" for part in parts))
