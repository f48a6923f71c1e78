"""What the `stand-in` command runs and says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.testing.stand_in.server import StandIn

if TYPE_CHECKING:
    import asyncio

    from scicat_ingest.testing.stand_in.config import StandInConfig


async def serve_forever(config: StandInConfig, started: asyncio.Future[StandIn] | None = None) -> None:
    """Run a stand-in until the task is cancelled, or until poisoned metadata stops it if that was chosen.

    `started` is given the stand-in once it listens, for `describe`. Raises OSError if the port is taken.
    """
    stand_in = StandIn(config)
    try:
        await stand_in.start()
        if started is not None:
            started.set_result(stand_in)
        await stand_in.crashed.wait()
    finally:
        await stand_in.close()


def describe(stand_in: StandIn) -> str:
    """Return what a user wants to know first: address, accounts with passwords and groups, where the data is."""
    config = stand_in.config
    width = max((len(account.username) for account in config.accounts), default=0)
    secret = max((len(account.password) for account in config.accounts), default=0)
    accounts = [
        f"  {account.username:<{width}}  {account.password:<{secret}}  {', '.join(account.groups)}"
        for account in config.accounts
    ]
    kept = f"in {config.database}" if config.database else "in memory; it is gone when this ends"
    return "\n".join(
        [
            f"SciCat stand-in at {stand_in.url} (API below {stand_in.url}/api/v3 and /api/v4)",
            f"Data is kept {kept}.",
            "Accounts (name, password, groups):",
            *accounts,
        ]
    )
