"""What AWS does between a queue, a stream or a clock and a function, on this machine."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.config import Config

from infra import topology
from infra.local.aws import client
from infra.local.pool import Pool
from switchboard.aws.settings import env_key

logger = logging.getLogger("pumps")

_POLL_SECONDS = 1
_PAUSE = 0.1


class Pumps:
    """Feeds workers and schedules until it is stopped. Some workers have a pool of `own`, by their name."""

    def __init__(self, pool: Pool, own: Mapping[str, Pool], environ: dict[str, str]) -> None:
        self._pool, self._own, self._environ = pool, own, environ
        self._tasks: list[asyncio.Task[None]] = []
        self._quiet = asyncio.Event()

    def _client(self, service: str) -> Any:
        return client(
            self._environ,
            service,
            Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    def _pool_of(self, worker: topology.Worker) -> Pool:
        return self._own.get(worker.name, self._pool)

    def start(self) -> None:
        """Start every pump of the topology."""
        pumps = [self._queue(worker) for worker in topology.WORKERS if worker.queue]
        pumps += [self._stream(worker) for worker in topology.WORKERS if worker.stream]
        pumps += [self._schedule(schedule) for schedule in topology.SCHEDULES]
        self._tasks = [asyncio.create_task(pump) for pump in pumps]
        for task in self._tasks:
            task.add_done_callback(_report)

    async def drain(self, seconds: float = 5) -> None:
        """Wait until the streams hold nothing new: the engine does not keep them over a stop."""
        for _ in range(2):  # a look that began before this call may have missed the last change
            self._quiet.clear()
            try:
                await asyncio.wait_for(self._quiet.wait(), seconds)
            except TimeoutError:
                logger.warning("stopped with changes that were not handed on: switchboard events replay brings them")
                return

    async def stop(self) -> None:
        """Stop them. What a worker holds goes on to its end; what it did not finish, its queue brings again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _queue(self, worker: topology.Worker) -> None:
        assert worker.queue is not None
        sqs, url = self._client("sqs"), self._environ[env_key("QUEUE", worker.queue)]
        running: set[asyncio.Task[None]] = set()
        while True:
            # A standard queue's batches run side by side, a FIFO queue's one after another.
            limit = 1 if topology.queue(worker.queue).fifo else min(2, self._pool_of(worker).size)
            while len(running) >= limit:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            messages = await self._guarded(worker, lambda: self._receive(sqs, url, worker.batch))
            if messages:
                running.add(asyncio.create_task(self._work(worker, sqs, url, messages)))

    async def _receive(self, sqs: Any, url: str, batch: int) -> list[dict[str, Any]]:
        answer = await asyncio.to_thread(
            sqs.receive_message,
            QueueUrl=url,
            MaxNumberOfMessages=min(batch, 10),
            WaitTimeSeconds=_POLL_SECONDS,
            AttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    async def _work(self, worker: topology.Worker, sqs: Any, url: str, messages: list[dict[str, Any]]) -> None:
        event = {"Records": [_sqs_record(message) for message in messages]}
        answer = await self._guarded(worker, lambda: self._pool_of(worker).invoke(worker.name, event))
        if answer is None:
            # The process died on them. They come again soon, not only when nobody can be at work on them any more.
            entries = [
                {"Id": str(i), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 1}
                for i, one in enumerate(messages)
            ]
            await self._guarded(
                worker, lambda: asyncio.to_thread(sqs.change_message_visibility_batch, QueueUrl=url, Entries=entries)
            )
            return
        failed = {item["itemIdentifier"] for item in answer.get("batchItemFailures", [])}
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            entries = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(done)]
            await self._guarded(
                worker, lambda: asyncio.to_thread(sqs.delete_message_batch, QueueUrl=url, Entries=entries)
            )

    async def _stream(self, worker: topology.Worker) -> None:
        assert worker.stream is not None
        streams = self._client("dynamodbstreams")
        arn = (await asyncio.to_thread(
            self._client("dynamodb").describe_table, TableName=self._environ[env_key("TABLE", worker.stream)]
        ))["Table"]["LatestStreamArn"]  # fmt: skip
        iterators: dict[str, str | None] = {}
        while True:
            described = await self._guarded(worker, lambda: asyncio.to_thread(streams.describe_stream, StreamArn=arn))
            shards = [shard["ShardId"] for shard in (described or {}).get("StreamDescription", {}).get("Shards", [])]
            for shard in shards:
                if shard not in iterators:
                    iterators[shard] = await self._iterator(streams, arn, shard)
            moved = False
            for shard, iterator in list(iterators.items()):
                if iterator:
                    iterators[shard], count = await self._shard(worker, streams, iterator)
                    moved = moved or count > 0
            if not moved:
                self._quiet.set()
                await asyncio.sleep(_PAUSE)

    async def _iterator(self, streams: Any, arn: str, shard: str) -> str:
        # From the oldest record on: what was handed on before is recognised by its consumers, and nothing is missed
        # that was written while nobody looked.
        answer = await asyncio.to_thread(
            streams.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )
        return str(answer["ShardIterator"])

    async def _shard(self, worker: topology.Worker, streams: Any, iterator: str) -> tuple[str | None, int]:
        page = await self._guarded(
            worker, lambda: asyncio.to_thread(streams.get_records, ShardIterator=iterator, Limit=worker.batch)
        )
        if page is None:
            return iterator, 0
        records = [record for record in page["Records"] if _passes(record)]
        while records:
            answer = await self._guarded(
                worker, lambda batch=records: self._pool.invoke(worker.name, _stream_event(batch))
            )
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]} if answer else None
            # As in Lambda: from the first record that failed, everything is taken again.
            first = 0 if failed is None else next(
                (i for i, record in enumerate(records) if record["dynamodb"]["SequenceNumber"] in failed), len(records)
            )  # fmt: skip
            records = records[first:]
            if records:
                await asyncio.sleep(1)
        return page.get("NextShardIterator"), len(page["Records"])

    async def _schedule(self, schedule: topology.Schedule) -> None:
        period = schedule.rate_minutes * 60
        while True:
            await self._guarded(schedule, lambda: self._pool.invoke(schedule.name, _scheduled_event()))
            await asyncio.sleep(period - time.time() % period)

    @staticmethod
    async def _guarded(function: topology.Function, action: Any) -> Any:
        """Run a pump's step. A fault is logged and the pump goes on, as the service itself would."""
        try:
            return await action()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 a pump must outlive whatever its function does
            logger.warning("%s: %s: %s", function.name, type(error).__name__, error)
            await asyncio.sleep(0.5)
            return None


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        logger.error("a pump stopped", exc_info=task.exception())


def _passes(record: dict[str, Any]) -> bool:
    """The filter of the stream's event source mapping."""
    return record["eventName"] == "INSERT" and "outbox" in record["dynamodb"].get("NewImage", {})


def _sqs_record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:local",
        "awsRegion": "us-east-1",
    }


def _stream_event(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Records": [{**record, "eventSource": "aws:dynamodb", "eventVersion": "1.1"} for record in records]}


def _scheduled_event() -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"version": "0", "id": str(uuid.uuid4()), "source": "aws.events", "time": now, "detail": {}}
