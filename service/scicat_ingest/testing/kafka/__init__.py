"""A real Apache Kafka for tests and the demo, with nothing installed but Python packages.

::

    with EmbeddedKafka() as kafka:
        consumer = AIOKafkaConsumer("topic", bootstrap_servers=kafka.bootstrap_servers)

`python -m scicat_ingest.testing.kafka --help` runs one from the command line.
"""

from scicat_ingest.testing.kafka.broker import Broker, GivenBroker
from scicat_ingest.testing.kafka.cluster import EmbeddedKafka
from scicat_ingest.testing.kafka.faults import EmbeddedKafkaUnavailable, PortTaken

__all__ = ["Broker", "EmbeddedKafka", "EmbeddedKafkaUnavailable", "GivenBroker", "PortTaken"]
