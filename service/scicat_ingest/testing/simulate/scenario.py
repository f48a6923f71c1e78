"""What happens in one simulated run: everything is drawn from the seed before it begins (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import TypeVar

from scicat_ingest.engine.assignment import Bounds

TOPIC = "acquisitions"


class Kind(Enum):
    """How a record ends, and how hard its way is."""

    GOOD = auto()
    FLAKY = auto()
    """Some attempts fail first."""
    SLOW = auto()
    """Each attempt takes longer than a drain."""
    POISON = auto()
    """A dead letter, as soon as it is looked at."""
    REJECTED = auto()
    """A dead letter after some attempts."""
    SKIPPED = auto()
    """Nothing to do, and no outcome message."""


class Trouble(Enum):
    """What befalls a process, the brokers or the catalogue."""

    CRASH = auto()
    """Kill -9 at a certain time; it is started again."""
    CRASH_AT_STEP = auto()
    """Kill -9 between two certain steps of the event loop."""
    RESTART = auto()
    """SIGTERM; it is started again."""
    FREEZE = auto()
    """SIGSTOP, then SIGCONT."""
    CUT_OFF = auto()
    """It cannot reach Kafka, others can."""
    JOIN = auto()
    """One more process, for some time."""
    REBALANCE = auto()
    BROKERS_AWAY = auto()
    CATALOGUE_AWAY = auto()
    CREDENTIALS_WRONG = auto()
    TOPIC_FORBIDDEN = auto()
    """Outcomes may not be written."""


Choice = TypeVar("Choice", Kind, Trouble)


@dataclass(frozen=True, slots=True)
class SentRecord:
    """A record, and when it is sent, in seconds."""

    at: float
    partition: int
    lane: str
    kind: Kind
    failures: int
    """Attempts that fail before the one that ends it."""
    gap: int
    """Offsets that are skipped before it."""
    size: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that goes wrong, for so many seconds."""

    at: float
    seconds: float
    trouble: Trouble
    process: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run."""

    seed: int
    partitions: int
    processes: int
    records: tuple[SentRecord, ...]
    events: tuple[Event, ...]
    bounds: Bounds
    places: int
    """Attempts that may be under way at once, where the catalogue is only simulated."""
    pace: float
    """Seconds that a request to the catalogue takes, about."""
    lost_answers: float
    """Share of publishes, commits and requests to the catalogue that are done, but whose answer is lost."""
    whole: bool
    """Whether records are really decoded, mapped and delivered; else only their behaviour is simulated."""

    claims: bool
    """Whether our account may PATCH, and so make sure that nobody else repairs the same dataset. If it may not, two
    replicas could do so within the same second; then an acquisition's records are in one partition, as its key says."""

    @property
    def quiet_from(self) -> float:
        """When the last trouble is over."""
        return max((event.at + event.seconds for event in self.events), default=0.0)


_KINDS = {Kind.GOOD: 70, Kind.FLAKY: 12, Kind.SLOW: 3, Kind.POISON: 6, Kind.REJECTED: 4, Kind.SKIPPED: 5}
_TROUBLES = {
    Trouble.CRASH: 16,
    Trouble.CRASH_AT_STEP: 16,
    Trouble.RESTART: 10,
    Trouble.FREEZE: 10,
    Trouble.CUT_OFF: 8,
    Trouble.JOIN: 14,
    Trouble.REBALANCE: 14,
    Trouble.BROKERS_AWAY: 5,
    Trouble.CATALOGUE_AWAY: 5,
    Trouble.CREDENTIALS_WRONG: 1,
    Trouble.TOPIC_FORBIDDEN: 1,
}
_AS_A_WHOLE = {Kind.FLAKY: Kind.GOOD, Kind.SLOW: Kind.GOOD, Kind.REJECTED: Kind.POISON}
"""What fails and what is slow is the catalogue's matter then."""
WHOLE_EVERY = 20
"""These runs take five times as long."""
_LONG = 40.0
_SHORT = 5.0


def draw_scenario(seed: int) -> Scenario:
    """Draw a run."""
    chance = Random(seed)  # noqa: S311 (a repeatable choice, no secret)
    partitions = chance.choice((1, 1, 2, 3, 4))
    processes = chance.choice((1, 1, 2, 2, 3))
    horizon = chance.choice((5.0, 20.0, 60.0))
    lanes = chance.choice((2, 6, 30))
    largest = 900
    whole = seed % WHOLE_EVERY == 0
    claims = seed % (2 * WHOLE_EVERY) == 0
    keyed = whole and not claims
    return Scenario(
        seed=seed,
        partitions=partitions,
        processes=processes,
        records=tuple(
            _record(
                chance, horizon if chance.random() < 0.5 else 0.0, partitions, lanes, largest, whole=whole, keyed=keyed
            )
            for _ in range(chance.randint(6, 14 if whole else 30))
        ),
        events=tuple(_event(chance, horizon, processes) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 5)))),
        bounds=Bounds(
            records=chance.randint(4, 40),
            bytes=chance.choice((2 * largest, 10_000, 100_000)),
            partition_records=chance.choice((3, 6, 25)),
            ready=chance.choice((1, 6, 256)),
            least_ready=chance.choice((1, 64)),
            expected_record_bytes=largest + 200,
        ),
        places=chance.randint(1, 6),
        pace=chance.choice((0.01, 0.1, 1.0)),
        lost_answers=chance.choice((0.0, 0.0, 0.05, 0.3)),
        whole=whole,
        claims=claims,
    )


def _record(
    chance: Random, horizon: float, partitions: int, lanes: int, largest: int, *, whole: bool, keyed: bool
) -> SentRecord:
    kind = _weighted(chance, _KINDS)
    lane = f"pid-{chance.randrange(lanes)}"
    if whole:
        kind = _AS_A_WHOLE.get(kind, kind)
        lane = lane if kind is Kind.GOOD else f"key-{chance.random()}"
    return SentRecord(
        at=chance.uniform(0.0, horizon),
        partition=sum(lane.encode()) % partitions if keyed else chance.randrange(partitions),
        lane=lane,
        kind=kind,
        failures=chance.randint(1, 3) if kind in (Kind.FLAKY, Kind.REJECTED) else 0,
        gap=chance.choice((0, 0, 0, 1, 4)),
        size=chance.choice((10, 10, 10, largest)),
    )


def _event(chance: Random, horizon: float, processes: int) -> Event:
    trouble = _weighted(chance, _TROUBLES)
    return Event(
        at=chance.uniform(0.0, horizon),
        seconds=chance.uniform(0.0, _LONG if chance.random() < 0.4 else _SHORT),
        trouble=trouble,
        process=chance.randrange(processes),
        step=chance.randint(1, 1500),
    )


def _weighted(chance: Random, weights: dict[Choice, int]) -> Choice:
    return chance.choices(list(weights), list(weights.values()))[0]
