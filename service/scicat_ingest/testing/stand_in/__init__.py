"""A stand-in for SciCat's backend: the routes that an ingestor uses, answering as a real one was measured to answer.

It is for tests and demonstrations. It knows no search index, no jobs, no published data, and none of the effects that
concurrent writers have on a dataset's totals. It checks payloads against tables of its own, not against this package's
models.
"""

from scicat_ingest.testing.stand_in.accounts import DEFAULT_ACCOUNTS, Account, Powers
from scicat_ingest.testing.stand_in.command import describe, serve_forever
from scicat_ingest.testing.stand_in.config import StandInConfig
from scicat_ingest.testing.stand_in.server import StandIn
from scicat_ingest.testing.stand_in.store import Store
from scicat_ingest.testing.stand_in.thread import StandInThread

__all__ = [
    "DEFAULT_ACCOUNTS",
    "Account",
    "Powers",
    "StandIn",
    "StandInConfig",
    "StandInThread",
    "Store",
    "describe",
    "serve_forever",
]
