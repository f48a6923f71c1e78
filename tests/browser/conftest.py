"""A server of samples and a real Chromium."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from scicat_ingest.observe.status.page import CONTENT_SECURITY_POLICY, page_files
from scicat_ingest.testing.sample_status import sample_statuses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = Path(__file__).parents[2] / ".tools" / "bin" / "chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Served:
    """What the server says, and how often it was asked."""

    status: dict[str, Any] | None = None
    """None: it fails."""
    asked: int = 0
    url: str = ""
    asked_for: list[str] = field(default_factory=list)


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked_for.append(self.path)
            if self.path == "/api/status":
                served.asked += 1
                if served.status is None:
                    self._answer(503, "text/plain", b"away")
                else:
                    self._answer(200, "application/json", json.dumps(served.status).encode())
            elif self.path in page_files():
                self._answer(200, *page_files()[self.path])
            else:
                self._answer(404, "text/plain", b"")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.send_header("content-security-policy", CONTENT_SECURITY_POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")  # no longer: until it is closed, no other test of this process can run an event loop
def chromium() -> Iterator[Browser]:
    path = CHROMIUM
    assert path.exists(), "chromium is missing: run `make tools`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(Served(sample_statuses()["normal"])) as one:
        yield one


def open_page(
    chromium: Browser, served: Served, name: str, size: tuple[int, int] = (1440, 900), scheme: Any = "light"
) -> Page:
    """Open the page with a sample, and wait until it is shown; every complaint of the browser fails the test."""
    served.status = sample_statuses()[name]
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(served.url)
    page.locator("#updated", has_text="updated ").filter(has_not_text="not updated").wait_for()
    assert complaints == []
    return page
