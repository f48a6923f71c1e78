"""A certificate authority of one's own, and a certificate for the brokers. Made with trustme: no openssl program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable
from scicat_ingest.testing.kafka.ports import HOST

if TYPE_CHECKING:
    from pathlib import Path


def write_certificates(cafile: Path, keystore: Path) -> None:
    """Write the authority's certificate for clients, and the brokers' key with its chain, readable by their owner only.

    The certificate is good for `localhost` and the loopback address. What is there already stays.
    Raises EmbeddedKafkaUnavailable if trustme is not installed.
    """
    if cafile.exists() and keystore.exists():
        return
    try:
        import trustme  # noqa: PLC0415 - needed for secure brokers only
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - trustme brings it
    except ImportError:
        raise EmbeddedKafkaUnavailable(
            "a secure embedded Kafka needs the package trustme for its certificates", hint="pip install trustme"
        ) from None
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", HOST)
    # trustme gives the traditional OpenSSL form; Kafka's PEM keystores take PKCS #8 only (KIP-651).
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), password=None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    keystore.touch(mode=0o600)
    keystore.write_bytes(key + b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(str(cafile))
