"""What reader processes are called with in tests."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import NoReturn

from scicat_ingest.faults import PathOutsideSource


def tell_process() -> int:
    return os.getpid()


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def crash_once(marker: str) -> str:
    if Path(marker).exists():
        return "read"
    Path(marker).touch()
    crash()
    return "never"


def hang() -> None:
    """Hang outside of Python, where no exception gets."""
    ctypes.CDLL(None).pause()


def fill_memory() -> int:
    return len(bytearray(8 * 1024**3))


def nest() -> None:
    nest()


def fail() -> NoReturn:
    raise PathOutsideSource("it is elsewhere", field="files[1]", hint="move it")


def chatter() -> str:
    os.write(2, b"HDF5-DIAG: Error detected")
    return str(Path("/proc/self/fd/2").readlink())
