"""Builds the handlers of workers: they route jobs to functions, and delay the retry of failed messages.

A message that failed, or for which no time was left, becomes visible again after a pause that grows with each receive.
The queue's visibility timeout covers a worker that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from switchboard import telemetry
from switchboard.aws import dynamodb, queues
from switchboard.aws.dynamodb import Item
from switchboard.aws.queues import MessageReceipt
from switchboard.kit import chance, jobs
from switchboard.kit.jobs import Job, UnknownJobError

LambdaHandler = Callable[[dict[str, Any], Any], Any]

#: The longest pause before the retry of a failed message, in seconds: for a standard queue, and for a group of a FIFO
#: queue, where later messages wait behind the failed one.
_LONGEST_PAUSE, _LONGEST_PAUSE_OF_A_GROUP = 300, 30
#: How much of an invocation's time must be left, in milliseconds, to start another job of a batch. It covers a provider
#: that hangs and a slow store. A job that Lambda stops has an unknown outcome, and a job that waits has none.
_ENOUGH_TIME = 12_000


def job_handler(
    table: Mapping[type[Job], Callable[[Any], Any]], *, messages: Callable[[dict[str, Any]], None] | None = None
) -> LambdaHandler:
    """Returns a handler that passes each job of a batch to the function for its type.

    A failed job returns to its queue without the others of its batch, and moves to the dead-letter queue after the
    queue's maximum number of receives. `messages` gets the body of every message that is not a job, for example a
    provider's report. Without it such a message fails.
    """
    by_name = {kind.__name__: (kind, work) for kind, work in table.items()}

    def take(body: dict[str, Any]) -> None:
        name = body.get(jobs.JOB_FIELD)
        if name is None and messages is not None:
            messages(body)
            return
        if name not in by_name:
            raise UnknownJobError(f"this worker has no job {str(name)[:60]!r}: add it to the worker's table of jobs")
        kind, work = by_name[name]
        work(kind.parse_body(body))

    return _one_by_one(take)


def message_handler(
    work: Callable[[dict[str, Any]], None], *, longest_seconds: float = _ENOUGH_TIME / 1_000
) -> LambdaHandler:
    """Returns a handler that passes the body of each message to `work`, for a queue with messages from providers.

    `longest_seconds` is the longest time that one message may take. No message starts with less time left. A body that
    is no JSON object is a service's own notice, for example SES's "Successfully validated SNS topic". It is counted and
    let go, because no retry can read it.
    """
    return _one_by_one(work, longest_seconds * 1_000, _read_message)


def batch_handler(
    kinds: type[Job] | tuple[type[Job], ...],
    work: Callable[[list[Any]], set[int]],
    *,
    beside: Mapping[type[Job], Callable[[Any], Any]] | None = None,
) -> LambdaHandler:
    """Returns a handler that passes all jobs of one or several types in a batch to `work` at once.

    `work` returns the indexes of the failed jobs, which return to the queue. If it raises, all of them return.
    `beside` maps the other job types of the queue to functions. They run one by one afterwards, while time is left.
    """
    others = {other.__name__: (other, do) for other, do in (beside or {}).items()}
    mine = {kind.__name__: kind for kind in (kinds if isinstance(kinds, tuple) else (kinds,))}

    def take(records: list[dict[str, Any]], context: Any) -> set[int]:
        failed: set[int] = set()
        read: list[tuple[int, Job]] = []
        single: list[tuple[int, Callable[[], Any]]] = []
        for place, record in enumerate(records):
            try:
                body = json.loads(record["body"])
                if body.get(jobs.JOB_FIELD) in others:
                    other, do = others[body[jobs.JOB_FIELD]]
                    single.append((place, partial(do, other.parse_body(body))))
                else:
                    read.append((place, _of(mine, body).parse_body(body)))
            except Exception:  # noqa: BLE001 one job's failure does not fail the others
                _note_failure()
                failed.add(place)
        if read:
            try:
                failed |= {read[place][0] for place in work([job for _, job in read])}
            except Exception:  # noqa: BLE001 the queue delivers these again, and the single jobs still run
                _note_failure()
                failed |= {place for place, _ in read}
        begun = bool(read)
        for place, do_one in single:
            if begun and _is_late(context):
                failed.add(place)
                continue
            begun = True
            try:
                do_one()
            except Exception:  # noqa: BLE001 one job's failure does not fail the others
                _note_failure()
                failed.add(place)
        return failed

    return _handler(take, "batch", _LONGEST_PAUSE)


def group_handler(work: Callable[[str, list[dict[str, Any]]], None]) -> LambdaHandler:
    """Returns a handler for a FIFO queue that passes to `work` each group's name and the bodies of its messages.

    The bodies are in order. If `work` raises, the whole group returns to the queue, so that no message overtakes the
    failed one. A group for which no time is left returns too.
    """

    def take(records: list[dict[str, Any]], context: Any) -> set[int]:
        by_group: dict[str, list[int]] = {}
        for place, record in enumerate(records):
            by_group.setdefault(record["attributes"]["MessageGroupId"], []).append(place)
        failed: set[int] = set()
        for number, (group, places) in enumerate(by_group.items()):
            if number and _is_late(context):
                failed |= set(places)
                continue
            try:
                with telemetry.traced("group", group=group):
                    work(group, [json.loads(records[place]["body"]) for place in places])
            except Exception:  # noqa: BLE001 one group's failure does not fail the others
                _note_failure()
                failed |= set(places)
        return failed

    return _handler(take, "groups", _LONGEST_PAUSE_OF_A_GROUP)


def stream_handler(work: Callable[[Sequence[Item | None]], int | None]) -> LambdaHandler:
    """Returns a handler that passes to `work` the new items of a batch of a table's stream, `None` for other changes.

    `work` returns the index of the first record to retry, or `None`. The stream continues from that record.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 Lambda passes it
        records = event["Records"]
        with telemetry.traced("stream"):
            first = work([_image(record) for record in records])
        if first is None:
            return {"batchItemFailures": []}
        telemetry.emit_metric("StreamRecordFailed", Function=telemetry.function_name())
        return {"batchItemFailures": [{"itemIdentifier": records[first]["dynamodb"]["SequenceNumber"]}]}

    return handler


def _image(record: dict[str, Any]) -> Item | None:
    image = record["dynamodb"].get("NewImage")
    return dynamodb.decode_item(image) if image and record["eventName"] == "INSERT" else None


def _read_message(text: str) -> dict[str, Any] | None:
    """Returns the body of a provider's message, `None` for a text that is no JSON object."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    # The text stays out of the log: a stranger's message may be in it.
    telemetry.emit_metric("MessageUnreadable", Function=telemetry.function_name())
    telemetry.log_skip("the message is no JSON object", characters=len(text))
    return None


def _one_by_one(
    take: Callable[[dict[str, Any]], None],
    enough_time: float = _ENOUGH_TIME,
    read: Callable[[str], dict[str, Any] | None] = json.loads,
) -> LambdaHandler:
    def noted(record: SQSRecord) -> None:  # Powertools passes it by this name
        try:
            with telemetry.traced("job"):
                body = read(record.body)
                if body is not None:
                    take(body)
        except Exception:
            _note_failure()
            raise

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        def in_time(record: SQSRecord) -> None:
            # The first job always starts: otherwise a function with a short timeout would never do anything.
            if record.message_id != event["Records"][0]["messageId"] and _is_late(context, enough_time):
                raise _NoTimeLeft
            noted(record)

        # A batch with only failed jobs is reported like any other batch: each of them returns to the queue.
        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        answer: Any = process_partial_response(event, in_time, processor, context)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        # Jobs that did not start are delayed too: each delivery counts as a receive, and a queue allows few.
        _pause([record for record in event["Records"] if record["messageId"] in failed], _LONGEST_PAUSE)
        return {"batchItemFailures": answer["batchItemFailures"]}

    return handler


def _of(kinds: Mapping[str, type[Job]], body: dict[str, Any]) -> type[Job]:
    name = str(body.get(jobs.JOB_FIELD))
    if name not in kinds:
        raise UnknownJobError(f"this worker has no job {name[:60]!r}: add it to the worker's table of jobs")
    return kinds[name]


class _NoTimeLeft(Exception):
    """The invocation has too little time left for this job. The job returns to the queue."""


def _is_late(context: Any, enough_time: float = _ENOUGH_TIME) -> bool:
    return context is not None and context.get_remaining_time_in_millis() < enough_time


def _handler(take: Callable[[list[dict[str, Any]], Any], set[int]], name: str, longest: int) -> LambdaHandler:
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        records = event["Records"]
        try:
            with telemetry.traced(name):
                failed = take(records, context)
        except Exception:  # noqa: BLE001 the queue delivers them again
            _note_failure()
            failed = set(range(len(records)))
        _pause([records[place] for place in failed], longest)
        return {"batchItemFailures": [{"itemIdentifier": records[place]["messageId"]} for place in sorted(failed)]}

    return handler


def _pause(records: list[dict[str, Any]], longest: int) -> None:
    """Delays the retry of failed messages, longer with each receive."""
    waits: list[tuple[MessageReceipt, int]] = []
    for record in records:
        receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        queue_name = record.get("eventSourceARN", "").rpartition(":")[2]
        seconds = min(2 ** min(receives, 12), longest)
        # The messages of a FIFO group get the same pause, so that they are delivered together and in order.
        jitter = 1.0 if queue_name.endswith(".fifo") else chance.between(0.5, 1)
        waits.append(
            (MessageReceipt(queue_name, record.get("receiptHandle", ""), receives), max(1, round(seconds * jitter)))
        )
    if waits:
        queues.delay_retries(waits)


def _note_failure() -> None:
    telemetry.logger().exception("job failed")
    telemetry.emit_metric("JobFailed", Function=telemetry.function_name())
