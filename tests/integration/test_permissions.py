"""A Kafka with access control: what we may not do is said at start, or halts us, and is never the records' fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from tests.integration.fleet import READING, events, fleet, until_said
from tests.integration.harness import Process, make_site, read_outcomes, send

from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.testing.kafka import EmbeddedKafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.testing.stand_in import StandInThread

pytestmark = pytest.mark.anyio

TOPIC, GROUP, CLUSTER = 2, 3, 4
READ, WRITE, DESCRIBE, IDEMPOTENT_WRITE = 3, 4, 8, 12
ALLOW, LITERAL = 3, 3


@pytest.fixture(scope="module")
def guarded_kafka() -> Iterator[EmbeddedKafka]:
    """Give a broker where only the plain listener, ours, may do everything."""
    rules = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with EmbeddedKafka(secure=True, properties=rules) as started:
        yield started


@pytest.fixture
def guarded_site(
    guarded_kafka: EmbeddedKafka, stand_in: StandInThread, topic_names: Callable[[str], str]
) -> tuple[Site, Site]:
    """Give the site as the service sees it, and as an administrator does."""
    secure = {
        "security_protocol": "SASL_SSL",
        "sasl_username": guarded_kafka.username,
        "sasl_password": guarded_kafka.password,
        "ca_file": str(guarded_kafka.cafile),
    }
    ours = make_site(guarded_kafka.sasl_bootstrap_servers, stand_in, topic_names, kafka=secure)
    theirs = make_site(guarded_kafka.bootstrap_servers, stand_in, topic_names)
    return ours, theirs


async def grant(kafka: EmbeddedKafka, *rights: tuple[int, str, int]) -> None:
    """Allow the service's user operations on resources."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        user = f"User:{kafka.username}"
        for kind, name, operation in rights:
            request = CreateAclsRequest(kind, name, LITERAL, user, "*", operation, ALLOW)
            answer = await admin._send_request(request)  # the admin client has no call for it
            assert [code for code, _ in answer.creation_responses] == [0]
    finally:
        await admin.close()


async def test_topics_that_we_may_not_see_end_the_start_with_78(
    guarded_site: tuple[Site, Site], tmp_path: Path
) -> None:
    """Kafka does not tell them from missing ones, and so the message names both remedies."""
    ours, theirs = guarded_site
    await prepare_topics(theirs.settings, create=True)
    process = Process(ours, tmp_path)
    assert process.exit_code() == 78
    last = process.said.strip().splitlines()[-1]
    assert last.startswith("scicat-ingest: missing_topic: ")
    assert ours.topic in last
    assert "Describe" in last


async def test_a_topic_that_we_may_not_read_ends_the_start_with_78(
    guarded_kafka: EmbeddedKafka, guarded_site: tuple[Site, Site], tmp_path: Path
) -> None:
    """The message names what is missing: first the producer's right, then the topic's."""
    ours, theirs = guarded_site
    kafka = ours.settings.kafka
    await prepare_topics(theirs.settings, create=True)
    topics = (ours.topic, kafka.ingested_topic, kafka.dead_letter_topic)
    await grant(guarded_kafka, (GROUP, kafka.group_id, READ), *[(TOPIC, topic, DESCRIBE) for topic in topics])
    for missing in ("ClusterAuthorizationFailed", ours.topic):
        process = Process(ours, tmp_path)
        assert process.exit_code() == 78
        last = process.said.strip().splitlines()[-1]
        assert last.startswith("scicat-ingest: kafka_forbidden: ")
        assert missing in last
        await grant(guarded_kafka, (CLUSTER, "kafka-cluster", IDEMPOTENT_WRITE))


async def test_an_outcome_topic_that_we_may_not_write_to_halts_us(
    guarded_kafka: EmbeddedKafka, guarded_site: tuple[Site, Site], tmp_path: Path
) -> None:
    """The records are delivered and wait for their answers; nothing is committed; the next start answers them."""
    ours, theirs = guarded_site
    kafka = ours.settings.kafka
    await prepare_topics(theirs.settings, create=True)
    await grant(
        guarded_kafka,
        (GROUP, kafka.group_id, READ),
        (TOPIC, ours.topic, READ),
        (TOPIC, kafka.ingested_topic, DESCRIBE),
        (TOPIC, kafka.dead_letter_topic, WRITE),
        (CLUSTER, "kafka-cluster", IDEMPOTENT_WRITE),
    )
    with fleet(ours, tmp_path) as processes:
        service = processes.start("service")
        await until_said(service, READING)
        sent = await send(theirs, events(5))
        await until_said(service, "halted, nothing is read: kafka_forbidden")
        assert kafka.ingested_topic in service.said
        service.kill()
        await grant(guarded_kafka, (TOPIC, kafka.ingested_topic, WRITE))
        processes.start("service")
        outcomes = await read_outcomes(theirs, lambda found: len(found) >= len(sent))
        processes.retire_all()
    assert {outcome.topic for outcome in outcomes} == {kafka.ingested_topic}
