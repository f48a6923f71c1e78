"""Numbers of variable length, as Avro and Confluent's framing write them."""

from __future__ import annotations

from scicat_ingest.faults import CorruptRecord

_LONGEST = 10
"""Bytes of a 64-bit number, 7 bits each."""


def read_zigzag(data: bytes, at: int) -> tuple[int, int]:
    """Give the signed number that begins at byte `at`, and where it ends. Raises CorruptRecord."""
    value = shift = 0
    for place in range(at, min(at + _LONGEST, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), place + 1
        shift += 7
    raise CorruptRecord(f"expected a number at byte {at} of {len(data)}")
