"""Which texts SciCat's validators take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.catalogue.text_rules import is_email, is_source_folder_host


@pytest.mark.parametrize(
    "text", ["ada@example.org", "a.b+c@sub.example.org", "a@example.org;b@example.org", "a@example.org; b@example.org"]
)
def test_e_mail_addresses_are_taken(text: str) -> None:
    """One, or several."""
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "ada", "ada@", "@example.org", "ada@localhost", "ada@example", "a@example.org;", ";", "a@b.org,c@d.org"],
)
def test_what_is_no_address_is_not(text: str) -> None:
    """Every part must be one, of a domain with a top level."""
    assert not is_email(text)


def test_very_many_addresses_are_not_even_parsed() -> None:
    """Each costs a parse; a megabyte of them would take a minute."""
    assert not is_email(";".join(["ada@example.org"] * 1_000_000))


@pytest.mark.parametrize(
    "text",
    [
        "ftp.example.org",
        "https://files.example.org:8443/data?x=1",
        "http://10.0.0.1/x",
        "xn--bcher-kva.example.org",
        "[::1]:8080",
    ],
)
def test_hosts_with_a_top_level_domain_are_taken(text: str) -> None:
    """With or without protocol, port and path; addresses too."""
    assert is_source_folder_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host1",
        "localhost",
        "https://h/x",
        "ssh://files.example.org",
        "-a.example.org",
        "a b.org",
        "x.1",
        "a..org",
        "a.org.",
        "files.example.org:99999",
        "files.example.org:0",
        "<b>.example.org",
        "https://",
        "//[",
        "a.org\n",
        "x" * 3000,
    ],
)
def test_other_hosts_are_not(text: str) -> None:
    """SciCat answers 400 to them."""
    assert not is_source_folder_host(text)


@given(st.text() | st.text(st.sampled_from("a.@:/;[]%\\-1 ")))
def test_no_text_brings_an_error(text: str) -> None:
    """They only tell."""
    assert is_email(text) in (True, False)
    assert is_source_folder_host(text) in (True, False)
