"""One Java process that never outlives us, not even when we are killed with SIGKILL.

A pipe is its leash. The shell that is to become Java first starts a watcher that reads from the pipe, whose writing end
only we have. However we end, the kernel closes that end, the watcher reads end-of-file and kills the broker. Once Java
has ended, we write a line instead, which tells the watcher that there is nothing left to kill.

Linux's PR_SET_PDEATHSIG looks simpler, but its parent is a *thread*: a broker started from a worker thread would be
killed when that thread, not the process, ends (prctl(2)). macOS does not have it. The leash's limit: a child that we
fork without exec (multiprocessing's `fork`) holds the writing end too, and the broker lives until that child has ended.
"""

from __future__ import annotations

import os
import subprocess
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LEASH = 'exec 3<&0 </dev/null; { read -r line <&3 || kill -9 $$; } & exec "$@" 3<&-'
"""`exec` keeps the process id, so `$$` is Java's, and so is what Popen knows."""

JAVA_VARIABLES = frozenset({"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"})
"""Options meant for other Java programs of the user, which could break or slow this one."""


def java_environment() -> dict[str, str]:
    """Our environment without what would change how Java runs."""
    return {name: value for name, value in os.environ.items() if name not in JAVA_VARIABLES}


class LeashedProcess:
    """A running `command`, in a session of its own: Ctrl-C in the terminal reaches us, not it.

    Its output is appended to `log_file`.
    """

    def __init__(self, command: Sequence[str], log_file: Path) -> None:
        self.log_file = log_file
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                ["/bin/sh", "-c", LEASH, "leash", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=java_environment(),
            )

    @property
    def pid(self) -> int:
        """The id of the Java process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative if a signal ended it."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Send SIGTERM and return: Kafka then closes its files and leaves the cluster."""
        self._process.terminate()

    def wait(self, grace: float) -> None:
        """Wait for the end, and kill the process if it has not come within `grace` seconds."""
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def kill(self) -> None:
        """End it at once (SIGKILL), with no chance to write anything."""
        self._process.kill()
        self._reap()

    def log_tail(self, characters: int = 3000) -> str:
        """Return the last `characters` of what it wrote."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")[-characters:]

    def _reap(self) -> None:
        self._process.wait()
        leash: IO[bytes] | None = self._process.stdin
        if leash is not None and not leash.closed:
            try:
                leash.write(b"ended\n")
                leash.close()
            except BrokenPipeError:  # somebody killed the watcher
                pass
