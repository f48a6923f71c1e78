"""What can go wrong before an embedded Kafka runs."""

from __future__ import annotations

from scicat_ingest.faults import ConfigurationFault


class EmbeddedKafkaUnavailable(ConfigurationFault):
    """This machine cannot run the embedded Kafka: Java, the jars, a port or the broker itself failed."""

    code = "embedded_kafka_unavailable"
    default_hint = "give a broker with kafka.bootstrap_servers instead"


class PortTaken(EmbeddedKafkaUnavailable):
    """A port that the broker needs is used by someone else."""

    code = "port_taken"
    default_hint = "choose another first port, or 0 for free ones"
