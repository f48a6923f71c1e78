"""Writes docs/pictures/ (the status page) from samples: `python docs/screenshots.py`, with chromium."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import CHROMIUM, FLAGS, Served, open_page, serving

from scicat_ingest.testing.sample_status import sample_statuses

PICTURES = Path(__file__).parent / "pictures"
SHOTS = (
    ("working", "normal", (1200, 800), "light"),
    ("outage", "outage", (1200, 800), "dark"),
    ("halted-phone", "halted", (360, 740), "light"),
)


def main() -> None:
    """Take them."""
    PICTURES.mkdir(exist_ok=True)
    with serving(Served(sample_statuses()["normal"])) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, sample, size, scheme in SHOTS:
            page = open_page(browser, served, sample, size, scheme)
            page.screenshot(path=PICTURES / f"status-{name}.png")
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
