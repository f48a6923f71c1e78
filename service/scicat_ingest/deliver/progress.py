"""What one delivery has come to, and what it may do next without looking (pure).

SciCat has no locks. What keeps two services from posting the same block: whoever finds a dataset without all its parts
leaves it alone until it has been untouched for the settle time. So a writer may go on without looking as long as its
own last write is younger than that, minus the longest time that a POST may take: its lease. A writer that was away for
longer (a stopped process, a slow rate) looks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.plan.steps import PostAttachment, PostDataset, PostOrigDatablock

if TYPE_CHECKING:
    from scicat_ingest.deliver.reconcile import Found
    from scicat_ingest.settings import ScicatSettings

SETTLE_JITTER = 0.5
"""Share of the settle time by which a wait for it may be longer, so that two services do not begin together."""
LEAST_LEASE = 0.25
"""Share of the settle time that a lease has at least."""

Step = PostOrigDatablock | PostAttachment


@dataclass(slots=True)
class _Doubt:
    step: Step | PostDataset | None
    """What may still be carried out; None: anything."""
    since: float


@dataclass(slots=True)
class Progress:
    """Times are in seconds of a clock that never goes back."""

    settle_seconds: float
    lease_seconds: float
    attempts: int = 0
    """Begun so far, without those that only found somebody at work."""
    failures: int = 0
    """In a row, without getting on in between."""
    wrote_unseen: bool = False
    """A write of ours may have arrived since we last looked whether SciCat is up."""
    age: float = 0.0
    """Seconds of failing, while SciCat was up, since it last got on."""
    look_first: bool = False
    """The dataset may be there: read before writing."""
    created: bool = False
    """We created the dataset in this delivery."""
    updated: bool = False
    drew_lots: bool = False
    """We have waited for a random time, so that we hardly begin a repair in the same moment as somebody else."""
    block_ids: list[str] = field(default_factory=list)
    attachment_ids: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    drift: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """What only a curator can put right, as of the last look."""
    _lease_until: float = float("-inf")
    _writing: Step | PostDataset | None = None
    _doubt: _Doubt | None = None
    _least_missing: float = float("inf")

    @classmethod
    def begin(cls, settings: ScicatSettings) -> Progress:
        """Give the progress of a delivery that has not begun."""
        settle = settings.settle_seconds
        lease = max(settle - settings.write_timeout_seconds - settings.connect_timeout_seconds, LEAST_LEASE * settle)
        return cls(settle, lease)

    def has_lease(self, now: float) -> bool:
        """Tell whether nobody else can be writing to the dataset."""
        return now <= self._lease_until

    def writes(self, step: Step | PostDataset) -> None:
        """Note that a request goes out."""
        self._writing = step

    def wrote(self, sent_at: float) -> None:
        """Note that it is done, and that this is known."""
        self._writing = None
        self._lease_until = sent_at + self.lease_seconds
        self._got_on()

    def refused(self) -> None:
        """Note that it was not done, and that this is known."""
        self._writing = None

    def broke_off(self, now: float) -> None:
        """Note that the attempt ended with a request of which nobody knows what became."""
        if self._writing is not None:
            self._doubt = _Doubt(self._writing, now)
            self._writing = None

    def interrupted(self, now: float) -> None:
        """Note that the attempt was cut short, by a halt or a cancellation: it may be long until the next one."""
        self.broke_off(now)
        self._lease_until = float("-inf")

    def saw(self, found: Found) -> bool:
        """Take in what was read; tell whether the delivery got on since the last time."""
        self.drift, self.doubts = found.drift, found.doubts
        missing = found.remaining.parts
        if self._doubt is not None and _is_there(self._doubt.step, found):
            self._doubt = None
        moved = missing < self._least_missing
        self._least_missing = min(missing, self._least_missing)
        if moved:
            self._got_on()
        return moved

    def _got_on(self) -> None:
        self.failures = 0
        self.age = 0.0

    def wait_before_writing(self, found: Found, now: float, chance: float) -> float:
        """Give the seconds for which the missing parts may still be on their way, by us or by somebody else."""
        if not found.remaining.parts:
            return 0.0
        own = self._doubt.since + self.settle_seconds - now if self._doubt is not None else 0.0
        others = 0.0
        if not self.has_lease(now):
            left = self.settle_seconds - found.stored.seconds_since_touched()
            others = left + chance * SETTLE_JITTER * self.settle_seconds if left > 0 else 0.0
        wait = max(own, others, 0.0)
        if others > 0:
            self.drew_lots = True
        if wait == 0:
            self._doubt = None
        return wait


def _is_there(step: Step | PostDataset | None, found: Found) -> bool:
    match step:
        case PostOrigDatablock():
            return found.stored.files.has(step)
        case PostDataset():
            return True
        case PostAttachment():
            return step.aid in found.stored.attachment_ids or step.key in found.stored.attachment_keys
        case _:
            return False
