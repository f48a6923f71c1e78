"""`scicat-ingest stand-in` with failures, a control and a proxy: its options, and that they reach where they should."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from scicat_ingest.cli import main
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from pathlib import Path

HEALTH = "/api/v3/health"
SCRIPT = {"rules": [{"route": "GET /api/v3/health", "action": "too_many"}]}


class Visitor:
    """Stands for the signal that ends the command: asks what runs for its health and its counts, and lets it end."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said = ""
        self.health = 0
        self.counts: dict[str, int] = {}

    async def __call__(self) -> None:
        self.said = self._capsys.readouterr().out
        addresses = re.findall(r"http://[\d.:]+", self.said)
        async with httpx.AsyncClient() as client:
            self.health = (await client.get(addresses[0] + HEALTH)).status_code
            control = re.search(r"(\S+/_counts)", self.said)
            if control:
                self.counts = (await client.get(control[1])).json()["requests"]


@pytest.fixture
def visitor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """Visit the command instead of waiting for a signal."""
    made = Visitor(capsys)
    monkeypatch.setattr("scicat_ingest.cli.stand_in.until_signal", made)
    return made


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Write a script and give its path."""
    path = tmp_path / "failures.json"
    path.write_text(json.dumps(SCRIPT))
    return str(path)


def test_the_stand_in_runs_without_failures(visitor: Visitor) -> None:
    """No script and no control unless asked for."""
    assert main(["stand-in", "--port", "0"]) == 0
    assert visitor.health == 200
    assert "_failures" not in visitor.said


def test_the_stand_in_follows_a_script_and_has_a_control(visitor: Visitor, script: str) -> None:
    """The file holds from the first request on; the control's address is printed."""
    assert main(["stand-in", "--port", "0", "--failures", script, "--control-port", "0"]) == 0
    assert visitor.health == 429
    assert visitor.counts == {"GET /api/v3/health": 1}


@pytest.mark.parametrize("failing", [True, False])
def test_a_proxy_follows_a_script_in_front_of_a_backend(visitor: Visitor, script: str, *, failing: bool) -> None:
    """Only what does not fail arrives at the backend."""
    with StandInThread() as backend:
        more = ["--failures", script] if failing else []
        assert main(["stand-in", "--port", "0", "--proxy", backend.url, "--control-port", "0", *more]) == 0
        assert visitor.said.startswith("Proxy at http://127.0.0.1:")
        assert visitor.health == (429 if failing else 200)
        assert sum(backend.requests.values()) == (0 if failing else 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"rules": [{"action": "explode"}]}', "rule 1, action: there is no action 'explode'"),
        ("{", "Invalid JSON"),
        (None, "No such file or directory"),
    ],
)
def test_a_wrong_script_is_named_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    """Exit code 2: the command was wrong, nothing was started."""
    path = tmp_path / "failures.json"
    if content is not None:
        path.write_text(content)
    assert main(["stand-in", "--port", "0", "--failures", str(path)]) == 2
    complained = capsys.readouterr().err
    assert f"{path} is no failure script: " in complained
    assert said in complained


@pytest.mark.parametrize("address", ["127.0.0.1:3000", "ftp://x", "scicat"])
def test_a_proxy_needs_an_address_with_its_scheme(capsys: pytest.CaptureFixture[str], address: str) -> None:
    """The message shows one."""
    with pytest.raises(SystemExit):
        main(["stand-in", "--proxy", address])
    assert "expected an address such as http://127.0.0.1:3000" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--port", "--control-port"])
@pytest.mark.parametrize("more", [[], ["--proxy", "http://127.0.0.1:1"]], ids=["stand-in", "proxy"])
def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str], option: str, more: list[str]) -> None:
    """Exit code 1, whichever of the two ports it is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["stand-in", "--port", "0", option, port, *more]) == 1
    complained = capsys.readouterr().err
    assert "cannot listen" in complained
    assert port in complained
