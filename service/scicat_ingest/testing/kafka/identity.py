"""What stays the same while a data folder lives: the cluster's id, its number of nodes, and its credentials."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "cluster.json"


@dataclass(frozen=True, slots=True)
class Identity:
    """Written into the brokers' storage when it is formatted, so it cannot be changed afterwards."""

    cluster_id: str
    nodes: int
    username: str
    password: str


def new_identity(nodes: int) -> Identity:
    """Make one at random, with a password that nobody else on the machine can guess."""
    while True:
        # Kafka's own form of a UUID: URL-safe base64 without padding. StorageTool takes a leading dash for an option.
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not cluster_id.startswith("-"):
            return Identity(cluster_id, nodes, "scicat-ingest", secrets.token_hex(16))


def open_identity(folder: Path, nodes: int) -> Identity:
    """Read the identity in `folder`, or write a new one, readable by its owner only.

    Raises EmbeddedKafkaUnavailable if the folder belongs to a cluster of another size or its file cannot be read.
    """
    file = folder / FILE_NAME
    if not file.exists():
        identity = new_identity(nodes)
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(identity)), encoding="utf-8")
        return identity
    try:
        identity = Identity(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise EmbeddedKafkaUnavailable(f"{file} is damaged", hint="remove the data folder") from None
    if identity.nodes != nodes:
        raise EmbeddedKafkaUnavailable(
            f"{folder} holds the data of {identity.nodes} node(s), not {nodes}", hint="give another data folder"
        )
    return identity
