"""A stand-in for clients that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from scicat_ingest.testing.stand_in.server import StandIn

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from types import TracebackType

    from scicat_ingest.testing.failures.run import FailureReport
    from scicat_ingest.testing.failures.script import FailureScript
    from scicat_ingest.testing.stand_in.accounts import Account
    from scicat_ingest.testing.stand_in.config import StandInConfig
    from scicat_ingest.testing.stand_in.store import Store

Result = TypeVar("Result")

CALL_SECONDS = 10.0
"""How long the loop may take to do what another thread asks for."""


class StandInThread:
    """A StandIn with an event loop and a thread of its own, for as long as a `with` statement lasts."""

    def __init__(self, config: StandInConfig | None = None, **choices: Any) -> None:
        self._stand_in = StandIn(config, **choices)
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="scicat-stand-in", daemon=True)

    @property
    def url(self) -> str:
        """The address without a path."""
        return self._stand_in.url

    @property
    def config(self) -> StandInConfig:
        """The choices that were made."""
        return self._stand_in.config

    @property
    def store(self) -> Store:
        """What is stored."""
        return self._stand_in.store

    @property
    def requests(self) -> Counter[str]:
        """Requests by route."""
        return self._stand_in.requests

    @property
    def answers(self) -> Counter[tuple[str, int]]:
        """Answers by route and status."""
        return self._stand_in.answers

    @property
    def control_url(self) -> str | None:
        """The address of the control; None if no port was chosen for it."""
        return self._stand_in.control_url

    @property
    def failures(self) -> FailureReport:
        """The script of failures, and what it has done since it was set."""
        return self._on_loop(lambda: self._stand_in.failures)

    def set_failures(self, script: FailureScript | None) -> None:
        """Follow a script; it holds when this returns. None ends all failures but a crash."""
        self._on_loop(lambda: self._stand_in.set_failures(script))

    def crash(self, restart_after: float | None = None) -> None:
        """Hang up on everybody and stop listening; listen again after so many seconds, if given."""
        self._on_loop(lambda: self._stand_in.crash(restart_after))

    def start_again(self) -> None:
        """Listen again after a crash. Raises OSError if the port is taken."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._stand_in.start(), self._loop).result(CALL_SECONDS)

    def account(self, username: str) -> Account:
        """Return the account of that name. Raises KeyError if there is none."""
        return self._stand_in.account(username)

    def start(self) -> Self:
        """Start, and return when it listens. Raises OSError if the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Stop it, and return when it has stopped."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _on_loop(self, act: Callable[[], Result]) -> Result:
        """Do something on the loop's thread and wait for it; here, before the start and after the stop."""
        if self._loop is None or not self._thread.is_alive():
            return act()

        async def done() -> Result:
            return act()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(CALL_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._stand_in.start()
        except OSError as failure:
            self._failure = failure
            await self._stand_in.close()
            self._ready.set()
            return
        self._ready.set()
        await self._stop.wait()
        await self._stand_in.close()
