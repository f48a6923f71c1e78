"""Processes on a leash, with shell commands in the place of Java."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scicat_ingest.testing.kafka.process import LeashedProcess

if TYPE_CHECKING:
    from pathlib import Path

STARTER = """
import sys
from pathlib import Path
from scicat_ingest.testing.kafka.process import LeashedProcess
process = LeashedProcess(["/bin/sh", "-c", 'exec sleep 600 >"$0"', sys.argv[1]], Path(sys.argv[2]))
print("started", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Make a named pipe. A leashed process that holds it open for writing is dead when it reads as ended."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("end", ["killed", "normal"])
def test_a_leashed_process_dies_with_the_one_that_started_it(tmp_path: Path, pipe: Path, end: str) -> None:
    """Neither SIGKILL nor an ordinary exit of the starter leaves the process behind; it would sleep for minutes."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(pipe), str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        with pipe.open("rb") as opened:  # opens when the leashed process has opened its end
            if end == "killed":
                starter.kill()
            else:
                starter.communicate("go\n", timeout=30)
            assert opened.read() == b""  # end of file: the process is gone
        starter.wait(30)


def test_kill_ends_the_process_itself(tmp_path: Path, pipe: Path) -> None:
    """The process id is that of the command, not of a shell around it."""
    process = LeashedProcess(["/bin/sh", "-c", 'exec sleep 600 >"$0"', str(pipe)], tmp_path / "log")
    with pipe.open("rb") as opened:
        assert process.exit_code is None
        process.kill()
        assert opened.read() == b""
    assert process.exit_code == -signal.SIGKILL
    process.kill()
    process.ask_to_end()
    process.wait(0)


def test_an_orderly_end_keeps_the_exit_code(tmp_path: Path) -> None:
    """A process that ends on SIGTERM, or by itself, is not killed; its output is in the log."""
    process = LeashedProcess(["/bin/sh", "-c", "echo first; echo second >&2; exit 3"], tmp_path / "log")
    process.wait(30)
    assert process.exit_code == 3
    assert process.log_tail() == "first\nsecond\n"
    assert process.log_tail(7) == "second\n"


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path, pipe: Path) -> None:
    """`wait` bounds how long an end can take."""
    process = LeashedProcess(["/bin/sh", "-c", 'trap "" TERM; exec sleep 600 >"$0"', str(pipe)], tmp_path / "log")
    with pipe.open("rb") as opened:
        process.ask_to_end()
        process.wait(0.1)
        assert opened.read() == b""
    assert process.exit_code == -signal.SIGKILL


def test_options_for_other_java_programs_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent in JAVA_TOOL_OPTIONS would be loaded into every broker."""
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-javaagent:/tmp/agent.jar")
    monkeypatch.setenv("KEPT", "yes")
    process = LeashedProcess(["/bin/sh", "-c", 'echo "${JAVA_TOOL_OPTIONS-none} $KEPT"'], tmp_path / "log")
    process.wait(30)
    assert process.log_tail() == "none yes\n"
