"""What can be chosen about a stand-in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.stand_in.accounts import DEFAULT_ACCOUNTS, Account, Powers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scicat_ingest.testing.failures.script import FailureScript

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInConfig:
    """Choices; each default is what the measured backend has.

    - `host`, `port`: where to listen. Port 0 takes a free one and keeps it over a stop and a start.
    - `database`: an SQLite file, created if missing and found again after a restart; None keeps everything in memory.
    - `token_life`: seconds until a token is dead (JWT_EXPIRES_IN). There is no way to renew one.
    - `pid_prefix`: put before the pids that the server makes (PID_PREFIX).
    - `pid_regex`: what a pid given by the client must match (DATASET_CREATION_VALIDATION_REGEX); None checks nothing.
    - `max_body_bytes`: longer request bodies are answered with 500 (MAX_FILE_UPLOAD_SIZE), counted after decompression.
    - `keep_alive`: seconds that an idle connection stays open.
    - `accounts`, `powers`: who may log in, and which groups give which right.
    - `instruments`, `proposals`, `samples`: documents that are there from the start, in SciCat's own field names.
      Needed are `name` and `uniqueName`; `proposalId`; `sampleId`. Without an ownerGroup only admins see
      the latter two.
    - `poison_metadata`: a null or an empty key at the top of scientificMetadata breaks later writes, as on master after
      2026-02-10. False behaves as release v4.27.0.
    - `crash_on_poison`: creating such a dataset stops the server after the answer, as it does the real one. The
      document stays.
    - `clock`: seconds since 1970, for tokens, time stamps and the Date header, and for the times in `failures`.
    - `failures`: which requests fail on purpose, and how; only on the socket.
    - `control_port`: where failures can be told and counts read over HTTP; 0 takes a free port, None has no control.
    """

    host: str = "127.0.0.1"
    port: int = 0
    database: Path | None = None
    token_life: int = 3600
    pid_prefix: str = "20.500.12269"
    pid_regex: str | None = None
    max_body_bytes: int = 16 * MIB
    keep_alive: float = 5.0
    accounts: tuple[Account, ...] = DEFAULT_ACCOUNTS
    powers: Powers = field(default_factory=Powers)
    instruments: tuple[Mapping[str, Any], ...] = ()
    proposals: tuple[Mapping[str, Any], ...] = ()
    samples: tuple[Mapping[str, Any], ...] = ()
    poison_metadata: bool = True
    crash_on_poison: bool = False
    clock: Callable[[], float] = time.time
    failures: FailureScript | None = None
    control_port: int | None = None

    def account(self, username: str) -> Account:
        """Return the account of that name. Raises KeyError if there is none."""
        for known in self.accounts:
            if known.username == username:
                return known
        raise KeyError(username)
