"""Invokes functions for queues, streams and schedules on this machine, as AWS does."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from infra import resources, topology
from infra.local.aws import engine_client
from infra.local.checkpoint import Checkpoint
from infra.local.faults import FaultLog, is_away
from infra.local.pool import Pool
from switchboard.kit.settings import env_key

logger = logging.getLogger("pumps")

#: The engine answers as soon as there is a message, and at once when it stops.
_POLL_SECONDS = 20
_PAUSE = 0.1
#: The most records in one response of DynamoDB Streams.
_PAGE = 1_000
#: New shards are rare, and looking for them makes the engine scan all records.
_DESCRIBE_EVERY_SECONDS = 60.0
#: A killed engine is back much sooner than this.
_ENGINE_BACK_WITHIN_SECONDS = 60
#: Errors for a position in a stream that no longer exists.
_STALE = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException", "ValidationException"})


class EventSources:
    """Invokes workers and schedules until it is stopped. `own` has the pools of workers with their own processes."""

    def __init__(
        self,
        pool: Pool,
        own: Mapping[str, Pool],
        environ: dict[str, str],
        checkpoint: Checkpoint,
        engine_life: Callable[[], int | None],
    ) -> None:
        """`engine_life` returns the process id of the queues' engine, `None` while it has none."""
        self._pool, self._own, self._environ, self._checkpoint = pool, own, environ, checkpoint
        self._engine_life = engine_life
        self._tasks: list[asyncio.Task[None]] = []
        self._faults = FaultLog()
        #: The receipt handles of the messages that workers hold.
        self._held: set[str] = set()
        #: Increases each time the streams must be read from their beginning.
        self._beginnings = 0

    def _client(self, service: str) -> Any:
        return engine_client(
            self._environ,
            service,
            Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    def _pool_of(self, worker: resources.Worker) -> Pool:
        return self._own.get(worker.name, self._pool)

    def start(self) -> None:
        """Start every pump of the topology."""
        queues = [worker for worker in topology.WORKERS if worker.queue]
        streams = [worker for worker in topology.WORKERS if worker.stream]
        self._tasks = [
            *(asyncio.create_task(_forever(self._pump_queue, worker)) for worker in queues),
            *(asyncio.create_task(_forever(self._pump_stream, worker)) for worker in streams),
            *(asyncio.create_task(_forever(self._pump_schedule, schedule)) for schedule in topology.SCHEDULES),
        ]

    def list_held_handles(self) -> list[str]:
        """The receipt handles of the messages that workers hold now."""
        return sorted(self._held)

    def reread_streams(self) -> None:
        """Read the streams from their beginning, because the tables went back to an earlier state."""
        self._checkpoint.forget_places()
        self._beginnings += 1

    async def stop(self) -> None:
        """Stop all pumps. A worker finishes its batch. Queues and streams deliver the rest after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump_queue(self, worker: resources.Worker) -> None:
        assert worker.queue is not None
        sqs, url = self._client("sqs"), self._environ[env_key("QUEUE", worker.queue)]
        running: set[asyncio.Task[None]] = set()
        while True:
            # Batches of a standard queue run in parallel, batches of a FIFO queue one after another.
            limit = 1 if topology.queue(worker.queue).fifo else min(2, self._pool_of(worker).size)
            while len(running) >= limit:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            messages = await self._run_step(worker, lambda: self._receive_messages(sqs, url, worker.batch))
            if messages:
                running.add(asyncio.create_task(self._hold_messages(worker, sqs, url, messages)))

    async def _receive_messages(self, sqs: Any, url: str, batch: int) -> list[dict[str, Any]]:
        answer = await asyncio.to_thread(
            sqs.receive_message,
            QueueUrl=url,
            MaxNumberOfMessages=min(batch, 10),
            WaitTimeSeconds=_POLL_SECONDS,
            AttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    async def _hold_messages(
        self, worker: resources.Worker, sqs: Any, url: str, messages: list[dict[str, Any]]
    ) -> None:
        handles = {message["ReceiptHandle"] for message in messages}
        self._held |= handles
        try:
            await self._process_messages(worker, sqs, url, messages)
        finally:
            self._held -= handles

    async def _process_messages(
        self, worker: resources.Worker, sqs: Any, url: str, messages: list[dict[str, Any]]
    ) -> None:
        event = {"Records": [_sqs_record(message, url.rpartition("/")[2]) for message in messages]}
        engine = self._engine_life()
        answer = await self._run_step(worker, lambda: self._pool_of(worker).invoke(worker.name, event))
        if answer is None:
            # The process died.
            await self._show_soon(worker, sqs, url, messages)
            return
        failed = {item["itemIdentifier"] for item in answer.get("batchItemFailures", [])}
        if failed and self._engine_life() != engine:
            # The worker could not tell an engine that was away when to show its failed messages again.
            await self._show_soon(worker, sqs, url, [one for one in messages if one["MessageId"] in failed])
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            entries = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(done)]
            await self._retry_while_away(
                worker, lambda: asyncio.to_thread(sqs.delete_message_batch, QueueUrl=url, Entries=entries)
            )

    async def _show_soon(self, worker: resources.Worker, sqs: Any, url: str, messages: list[dict[str, Any]]) -> None:
        """Make messages visible in a second, and not only after their visibility timeout, which may be minutes."""
        entries = [
            {"Id": str(i), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 1}
            for i, one in enumerate(messages)
        ]
        await self._retry_while_away(
            worker, lambda: asyncio.to_thread(sqs.change_message_visibility_batch, QueueUrl=url, Entries=entries)
        )

    async def _pump_stream(self, worker: resources.Worker) -> None:
        assert worker.stream is not None
        streams, dynamodb = self._client("dynamodbstreams"), self._client("dynamodb")
        name = self._environ[env_key("TABLE", worker.stream)]
        beginning = self._beginnings
        iterators: dict[tuple[str, str], str | None] = {}
        described = -_DESCRIBE_EVERY_SECONDS
        while True:
            if beginning != self._beginnings:
                beginning = self._beginnings
                iterators.clear()
            if not iterators or time.monotonic() - described > _DESCRIBE_EVERY_SECONDS:
                for shard in await self._run_step(worker, lambda: _shards(streams, dynamodb, name)) or ():
                    iterators.setdefault(shard)
                described = time.monotonic()
            moved = False
            for shard in list(iterators):
                moved = (
                    bool(await self._run_step(worker, partial(self._read_shard, worker, streams, shard, iterators)))
                    or moved
                )
            if not moved:
                await asyncio.sleep(_PAUSE)

    async def _read_shard(
        self,
        worker: resources.Worker,
        streams: Any,
        shard: tuple[str, str],
        iterators: dict[tuple[str, str], str | None],
    ) -> bool:
        """Process the current records of a shard. Returns whether there were any."""
        beginning = self._beginnings
        iterator = iterators[shard] or await self._get_iterator(streams, *shard)
        # Until this page is processed, only the checkpoint has the position to continue from.
        iterators[shard] = None
        page = await asyncio.to_thread(streams.get_records, ShardIterator=iterator, Limit=_PAGE)
        records = page["Records"]
        await self._process_records(worker, [record for record in records if _passes(record)])
        if records and beginning == self._beginnings:
            await asyncio.to_thread(self._checkpoint.save_place, *shard, records[-1]["dynamodb"]["SequenceNumber"])
        iterators[shard] = page.get("NextShardIterator")
        return bool(records)

    async def _get_iterator(self, streams: Any, arn: str, shard: str) -> str:
        found = self._checkpoint.last_place(arn, shard)
        kind: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if found is not None:
            kind = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": found}
        try:
            answer = await asyncio.to_thread(streams.get_shard_iterator, StreamArn=arn, ShardId=shard, **kind)
        except ClientError as error:
            if found is None or not _is_stale(error):
                raise
            # The stack was stopped for longer than a stream keeps records. Continue with the oldest record left.
            answer = await asyncio.to_thread(
                streams.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )
        return str(answer["ShardIterator"])

    async def _process_records(self, worker: resources.Worker, waiting: list[dict[str, Any]]) -> None:
        """Pass records to the stream's worker, in order, until all of them are processed."""
        while waiting:
            records = waiting[: worker.batch]
            answer = await self._run_step(worker, partial(self._pool.invoke, worker.name, _stream_event(records)))
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]} if answer else None
            # As in Lambda, everything from the first failed record on is retried.
            done = 0 if failed is None else next(
                (i for i, record in enumerate(records) if record["dynamodb"]["SequenceNumber"] in failed), len(records)
            )  # fmt: skip
            waiting = waiting[done:]
            if done < len(records):
                await asyncio.sleep(1)

    async def _pump_schedule(self, schedule: resources.Schedule) -> None:
        period = schedule.rate_minutes * 60
        while True:
            await self._run_step(schedule, lambda: self._pool.invoke(schedule.name, _scheduled_event()))
            await asyncio.sleep(period - time.time() % period)

    async def _run_step(self, function: resources.Function, action: Callable[[], Awaitable[Any]]) -> Any:
        """Run one step of a pump. After a fault the pump continues, like the AWS service."""
        try:
            answer = await action()
        except Exception as error:  # noqa: BLE001 a pump must survive every fault of its function
            await asyncio.sleep(self._faults.note_fault(function.name, error))
            return None
        self._faults.note_success(function.name)
        return answer

    async def _retry_while_away(self, function: resources.Function, action: Callable[[], Awaitable[Any]]) -> None:
        """Run a step that must reach the engine, with retries while the engine is away for some seconds."""
        deadline = time.monotonic() + _ENGINE_BACK_WITHIN_SECONDS
        while True:
            try:
                await action()
            except Exception as error:  # noqa: BLE001 as above
                await asyncio.sleep(self._faults.note_fault(function.name, error))
                if not is_away(error) or time.monotonic() > deadline:
                    return
            else:
                self._faults.note_success(function.name)
                return


async def _shards(streams: Any, dynamodb: Any, name: str) -> list[tuple[str, str]]:
    """The shards of a table's stream, each as the stream's ARN and the shard's id."""
    arn = (await asyncio.to_thread(dynamodb.describe_table, TableName=name))["Table"]["LatestStreamArn"]
    described = await asyncio.to_thread(streams.describe_stream, StreamArn=arn)
    return [(arn, shard["ShardId"]) for shard in described["StreamDescription"]["Shards"]]


async def _forever(pump: Callable[[Any], Awaitable[None]], function: resources.Function) -> None:
    while True:
        try:
            await pump(function)
        except Exception:
            logger.exception("the pump of %s stopped and starts again", function.name)
            await asyncio.sleep(5)


def _is_stale(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _STALE


def _passes(record: dict[str, Any]) -> bool:
    """The filter of the stream's event source mapping."""
    return record["eventName"] == "INSERT" and "outbox" in record["dynamodb"].get("NewImage", {})


def _sqs_record(message: dict[str, Any], queue: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }


def _stream_event(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Records": [{**record, "eventSource": "aws:dynamodb", "eventVersion": "1.1"} for record in records]}


def _scheduled_event() -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"version": "0", "id": str(uuid.uuid4()), "source": "aws.events", "time": now, "detail": {}}
