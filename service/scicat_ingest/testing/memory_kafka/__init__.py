"""Kafka in memory: the same behaviour as `KafkaStream` and `Publisher` on Apache Kafka, on any clock, deterministic.

::

    async with MemoryKafka(latency=lambda operation: 0.01) as kafka:
        kafka.create_topic("events", partitions=3)
        kafka.append("events", 0, b"{}")
        stream = kafka.member("replica-1", ["events"], "group")
        publisher = stream.publisher()
        await stream.start(assignments)

One contract suite (tests/contract/kafka) holds both to the same promises. All waiting is `anyio.sleep` and events;
there is no randomness and no thread.
"""

from scicat_ingest.testing.memory_kafka.conditions import Answer, Operation, Timings
from scicat_ingest.testing.memory_kafka.kafka import MemoryKafka
from scicat_ingest.testing.memory_kafka.log import PartitionLog
from scicat_ingest.testing.memory_kafka.publisher import MemoryPublisher, Published
from scicat_ingest.testing.memory_kafka.stream import MemoryStream

__all__ = [
    "Answer",
    "MemoryKafka",
    "MemoryPublisher",
    "MemoryStream",
    "Operation",
    "PartitionLog",
    "Published",
    "Timings",
]
