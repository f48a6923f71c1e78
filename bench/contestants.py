"""What people would use instead, each as a process of its own: it reads the topic until it is ended.

    python -m bench.contestants loop --transport httpx-aiohttp ...
    python -m bench.contestants pyscicat ...

`loop` is the shortest client that keeps many requests in flight: no retries, no idempotency, no outcomes, no dead
letters; offsets are committed by a timer, whatever has become of the records. `pyscicat` is SciCat's own Python client,
one request after another.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import httpx
from aiokafka import AIOKafkaConsumer
from bench.reference import PREFIX, documents
from httpx_aiohttp import AiohttpTransport
from pyscicat.client import ScicatClient
from pyscicat.model import (
    Attachment,
    CreateDatasetOrigDatablockDto,
    DataFile,
    RawDataset,
)


def open_client(transport: str, url: str, concurrency: int) -> httpx.AsyncClient:
    """Give an HTTP client as its documentation shows it, with room for all requests."""
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    headers = {"authorization": "Bearer sink"}
    if transport == "httpx":
        return httpx.AsyncClient(base_url=url, limits=limits, headers=headers)
    return httpx.AsyncClient(base_url=url, transport=AiohttpTransport(limits=limits), headers=headers)


async def loop(consumer: AIOKafkaConsumer, arguments: argparse.Namespace) -> None:
    """Post the documents of each event one after another, of many events at once."""
    places = asyncio.Semaphore(arguments.concurrency)
    async with (
        open_client(arguments.transport, arguments.url, arguments.concurrency) as client,
        asyncio.TaskGroup() as tasks,
    ):

        async def ingest(value: bytes) -> None:
            try:
                for route, document in documents(json.loads(value)):
                    answer = await client.post(f"/api/v4/{route}", json=document)
                    answer.raise_for_status()
            finally:
                places.release()

        async for message in consumer:
            await places.acquire()
            tasks.create_task(ingest(message.value))


async def pyscicat(consumer: AIOKafkaConsumer, arguments: argparse.Namespace) -> None:
    """Post one document after another."""
    client = ScicatClient(base_url=f"{arguments.url}/api/v3", token="sink")  # noqa: S106 (the sink takes any)
    async for message in consumer:
        event = json.loads(message.value)
        (_, dataset), (_, block), (_, attachment) = documents(event)
        client.datasets_create(
            RawDataset(**{**dataset, "principalInvestigator": dataset["principalInvestigators"][0], "type": "raw"})
        )
        client.datasets_origdatablock_create(
            f"{PREFIX}/{event['acquisitionId']}",
            CreateDatasetOrigDatablockDto(
                size=block["size"], dataFileList=[DataFile(**file) for file in block["dataFileList"]]
            ),
        )
        client.datasets_attachment_create(
            Attachment(
                datasetId=f"{PREFIX}/{event['acquisitionId']}",
                caption=attachment["caption"],
                thumbnail=attachment["thumbnail"],
                ownerGroup=attachment["ownerGroup"],
            )
        )


async def run(arguments: argparse.Namespace) -> None:
    """Connect to Kafka, and work."""
    consumer = AIOKafkaConsumer(
        arguments.topic,
        bootstrap_servers=arguments.kafka,
        group_id=arguments.group,
        auto_offset_reset="earliest",
        enable_auto_commit=True,
    )
    await consumer.start()
    await (loop if arguments.what == "loop" else pyscicat)(consumer, arguments)


def main() -> None:
    """Run one of them from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["loop", "pyscicat"])
    parser.add_argument("--transport", choices=["httpx", "httpx-aiohttp"], default="httpx-aiohttp")
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--url", required=True, help="of the sink")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--group", required=True, help="the consumer group")
    parser.add_argument("--concurrency", type=int, default=64, help="events in flight (default 64)")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
