"""The sequence numbers of aiokafka's idempotent producer, which it does not mend itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.producer.transaction_manager import NO_PRODUCER_EPOCH, NO_PRODUCER_ID, PidAndEpoch

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer


def begin_new_sequence(producer: AIOKafkaProducer) -> None:
    """Let the producer ask for a new producer id before it sends its next new batch.

    aiokafka 0.14 counts the sequence numbers of a batch when it takes it to be sent (`MessageAccumulator._pop_batch`),
    and does not count back when the broker refuses it. Everything that is sent to this partition afterwards is refused
    with OutOfOrderSequenceNumber, for ever; as it is after UnknownProducerId or InvalidProducerEpoch. The Java client
    begins a new producer id or epoch then, and so do we. Batches that are under way keep the id that they have.
    """
    transactions = producer._txn_manager  # noqa: SLF001
    if transactions is not None and transactions.has_pid():
        # Only the id: `set_pid_and_epoch` resolves `_pid_waiter`, which is for transactions and is resolved already.
        transactions._pid_and_epoch = PidAndEpoch(NO_PRODUCER_ID, NO_PRODUCER_EPOCH)  # noqa: SLF001
        transactions._pid_waiter = producer.client._loop.create_future()  # noqa: SLF001
        transactions._sequence_numbers.clear()  # noqa: SLF001
