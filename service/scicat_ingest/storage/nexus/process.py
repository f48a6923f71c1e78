"""Processes that may hang or crash, so that the service does not: libhdf5 does both with some files."""

from __future__ import annotations

import os
import signal
from resource import RLIMIT_AS, RLIMIT_CORE, getrlimit, setrlimit
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from anyio import BrokenWorkerProcess, CapacityLimiter, fail_after, to_process
from anyio.to_process import current_default_process_limiter

from scicat_ingest.faults import FileUnreadable, NotThereYet

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

_GIB = 1024**3
_TRIES = 2
_GRACE = 5
"""Seconds after its time that a process ends itself, should nobody be there any more to kill it."""
_QUIET = {
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "OPENBLAS_NUM_THREADS": "1",  # each thread takes 40 MB of address space and would compete with the service
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
}


async def in_reader_process(
    function: Callable[..., Result],
    *args: object,
    timeout_seconds: float,
    max_memory_bytes: int = 2 * _GIB,
    limiter: CapacityLimiter | None = None,
) -> Result:
    """Call `function(*args)` in another process and give what it returns, or raise what it raises.

    `function` is named by its module; arguments and result can be pickled. Processes are started when needed, reused,
    and end with the event loop; `limiter` bounds how many there are at once, and waiting for it is not counted as time.
    Raises NotThereYet when the time is over (storage may be slow): the process is killed; or when none can be started.
    Raises FileUnreadable when the process crashed, twice, or needs more than `max_memory_bytes` of address space.
    Cancelling kills the process.
    """
    async with limiter or current_default_process_limiter():
        try:
            with fail_after(timeout_seconds):
                return await _call_twice(function, args, timeout_seconds, max_memory_bytes)
        except TimeoutError:
            raise NotThereYet(f"reading took more than {timeout_seconds:g} s and was given up") from None


async def _call_twice(
    function: Callable[..., Result], args: tuple[object, ...], timeout_seconds: float, max_memory_bytes: int
) -> Result:
    """Call again after one crash: the machine may have killed the process. A second one is the file's fault."""
    for _ in range(_TRIES):
        await _have_process()
        try:
            return await to_process.run_sync(
                _work, function, args, timeout_seconds, max_memory_bytes, cancellable=True, limiter=CapacityLimiter(1)
            )
        except BrokenWorkerProcess:
            continue
    hint = "see whether h5dump, or any viewer, can read it; a crash may also mean that the machine has no memory left"
    raise FileUnreadable("the process that reads it crashed, twice", hint=hint)


async def _have_process() -> None:
    """Have an idle process that lives: one that does not even start is not the file's fault."""
    try:
        await to_process.run_sync(os.getpid, cancellable=True, limiter=CapacityLimiter(1))
    except (BrokenWorkerProcess, OSError) as error:
        raise NotThereYet(f"no process can be started to read it: {error.__cause__ or error}") from None


def _work(function: Callable[..., Result], args: tuple[object, ...], seconds: float, max_memory_bytes: int) -> Result:
    """Run in the worker: quiet, in bounded memory, and not for ever."""
    _settle(max_memory_bytes)
    signal.alarm(int(seconds) + _GRACE)  # its action is to end the process, also within a library's endless loop
    try:
        return function(*args)
    except (MemoryError, RecursionError):
        message = f"reading it takes more than {max_memory_bytes >> 20} MiB"
        raise FileUnreadable(message, hint="raise nexus.max_memory_bytes") from None
    finally:
        signal.alarm(0)


def _settle(max_memory_bytes: int) -> None:
    os.environ.update(_QUIET)
    setrlimit(RLIMIT_CORE, (0, getrlimit(RLIMIT_CORE)[1]))
    most = getrlimit(RLIMIT_AS)[1]
    setrlimit(RLIMIT_AS, (max_memory_bytes if most < 0 else min(max_memory_bytes, most), most))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)  # what libraries say when they die; the fault says it better
    os.close(silence)
