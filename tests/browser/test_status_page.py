"""The status page in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.conftest import open_page

from scicat_ingest.testing.sample_status import HOSTILE, sample_statuses

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.browser.conftest import Served

pytestmark = pytest.mark.tools

SIZES = {"phone": (360, 740), "tablet": (820, 1180), "desk": (1440, 900)}

CONTRASTS = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((node) => node.checkVisibility() && [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
    .map((node) => {
      const [a, b] = [light(channels(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), node.tagName, node.textContent.slice(0, 40)];
    })
    .filter(([ratio]) => ratio < 4.5);
}"""
"""Every visible text whose contrast is less than WCAG AA asks for."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["normal", "outage", "halted"])
def test_it_fits_and_can_be_read(chromium: Browser, served: Served, name: str, size: str, scheme: Any) -> None:
    """Nothing scrolls sideways, contrast is enough, and what is wrong stands first."""
    page = open_page(chromium, served, name, SIZES[size], scheme)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CONTRASTS) == []
    for condition in page.locator("#conditions li").all()[:1]:
        box = condition.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < SIZES[size][1]
    assert page.locator("#conditions li").count() == len(sample_statuses()[name]["conditions"])
    page.context.close()


@pytest.mark.parametrize(
    ("name", "state", "title"),
    [("normal", "working", "scicat-ingest"), ("outage", "degraded", "degraded:"), ("halted", "halted", "halted:")],
)
def test_the_state_is_said_in_words_and_in_the_title(
    chromium: Browser, served: Served, name: str, state: str, title: str
) -> None:
    """Not by colour alone; a tab in the background tells it too."""
    page = open_page(chromium, served, name)
    assert page.locator("#state").inner_text().startswith(state)
    assert page.title().startswith(title)
    page.context.close()


def test_it_lives_without_being_reloaded_and_says_when_the_service_is_gone(chromium: Browser, served: Served) -> None:
    """From work to outage, to no answer, and back."""
    page = open_page(chromium, served, "normal")
    served.status = sample_statuses()["outage"]
    page.wait_for_selector("#conditions li")
    assert page.locator("#state").inner_text() == "degraded (running)"
    served.status = None
    page.wait_for_selector("#gone:not([hidden])")
    assert "does not answer" in page.locator("#gone").inner_text()
    assert "What is below is of 2026-04-22 09:30:00 UTC" in page.locator("#gone").inner_text()
    assert page.locator("#state").inner_text() == "no answer", "what it was is no longer known"
    assert page.title().startswith("no answer: ")
    assert page.evaluate("document.body.className") == "old"
    page.evaluate("scrollTo(0, 1000)")
    box = page.locator("#gone").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 50, "it stays in sight"
    served.status = sample_statuses()["normal"]
    page.wait_for_selector("#gone", state="hidden")
    assert page.locator("#conditions li").count() == 0
    assert page.locator("#state").inner_text() == "working (running)"
    assert page.evaluate("document.body.className") == ""
    page.context.close()


def test_what_somebody_looks_at_stays_there_while_the_page_lives(chromium: Browser, served: Served) -> None:
    """Focus on a link and selected text outlive updates, and new rows above them; no element is there twice."""
    page = open_page(chromium, served, "normal")
    rows = page.locator("#outcomes tbody tr")
    before = rows.count()
    rows.nth(3).locator("a").focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#configuration'))")
    page.evaluate("document.querySelector('#configuration').parentElement.open = true")
    chosen = page.evaluate("document.activeElement.textContent")
    later = sample_statuses()["normal"]
    new = {**later["lastOutcomes"][0], "record": "scicat.acquisitions/0/9999"}
    served.status = {**later, "now": "2026-04-22T09:31:00.000Z", "lastOutcomes": [new, *later["lastOutcomes"]]}
    page.locator("#outcomes", has_text="scicat.acquisitions/0/9999").wait_for()
    assert rows.count() == before + 1
    assert rows.nth(4).locator("time").inner_text() == "71 s ago"
    assert page.evaluate("document.activeElement.textContent") == chosen
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 5
    assert "bootstrap_servers" in page.evaluate("getSelection().toString()")
    served.status = later
    page.locator("#updated", has_text="09:30:00").wait_for()
    assert rows.count() == before
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_dead_letter_is_read_without_scrolling_sideways(chromium: Browser, served: Served, size: str) -> None:
    """On a phone too: what it is, of which instrument, why, and where its record is."""
    page = open_page(chromium, served, "normal", SIZES[size])
    row = page.locator("#outcomes tr.dead").first
    for text in ("dead lettered", "DREAM", "run-4198", "missing_field: contactEmail", "scicat.acquisitions/2/1185"):
        shown = row.get_by_text(text).first
        box = shown.bounding_box()
        assert box is not None, text
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SIZES[size][0], text
    page.context.close()


def test_a_run_is_found_by_what_people_know_of_it(chromium: Browser, served: Served) -> None:
    """Its acquisition, instrument, pid or reason; how many were found is said."""
    page = open_page(chromium, served, "normal")
    rows = page.locator("#outcomes tbody tr")
    everything = rows.count()
    for text, least in (
        ("LOKI", 1),
        ("missing_field", 1),
        ("run-4200", 1),
        ("20.500.12345/a0bac869", 1),
        ("nobody", 0),
    ):
        page.locator("#find").fill(text)
        assert least <= rows.count() < everything
        assert page.locator("#found").inner_text().startswith(f"{rows.count()} of the last")
    page.locator("#find").fill("")
    assert rows.count() == everything
    page.context.close()


def test_what_comes_from_events_is_only_ever_text(chromium: Browser, served: Served) -> None:
    """No element, no script, no address that runs anything; nobody else is asked for anything."""
    page = open_page(chromium, served, "hostile")
    assert page.locator("main img, main script").count() == 0
    assert HOSTILE in (page.locator("#outcomes").text_content() or "")
    assert page.locator("#outcomes a").count() == 0
    assert "owned" not in page.title()
    assert set(served.asked_for) <= {"/", "/status.css", "/status.js", "/api/status"}
    page.context.close()


def test_everything_is_reached_by_keyboard_and_named_for_screen_readers(chromium: Browser, served: Served) -> None:
    """The skip link first; every table has headers, a caption and a region with a name."""
    page = open_page(chromium, served, "normal")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip", "past a hundred links"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "dead-title"
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.get_by_role("table").get_by_role("row").get_by_role("cell").count() > 100, "cards are still a table"
    assert page.get_by_role("columnheader", name="dataset, reason").count() == 1
    unnamed = "[role=region]:not([aria-labelledby]), input:not([id]), section:not([aria-labelledby])"
    assert page.locator(unnamed).count() == 0
    assert page.get_by_role("search").or_(page.get_by_label("Where is my run?")).count() == 1
    assert "ingested" in (page.locator("#chart-text").text_content() or "")
    page.context.close()


def test_a_service_that_has_just_started_has_a_page_too(chromium: Browser, served: Served) -> None:
    """Nothing is known yet, and that is said."""
    page = open_page(chromium, served, "empty")
    assert "newest first: none" in (page.locator("#outcomes").text_content() or "")
    page.context.close()
