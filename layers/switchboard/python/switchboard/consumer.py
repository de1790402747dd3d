"""What a worker's handler is made of: who does which job, and when a failed one comes again.

A message that failed, or that there was no time for, comes again after a pause that grows with each receive. The
queue's own time-out is for a worker that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from switchboard import telemetry
from switchboard.aws import chance, queue, table
from switchboard.aws.queue import Receipt
from switchboard.aws.table import Item
from switchboard.kit import jobs as kit
from switchboard.kit.jobs import Job, UnknownJobError

Handler = Callable[[dict[str, Any], Any], Any]

#: The longest pause before a failed message comes again, in seconds: of a standard queue, and of a group that waits.
_LONGEST_PAUSE, _LONGEST_PAUSE_OF_A_GROUP = 300, 30
#: How much of an invocation's time has to be left for one more job of a batch, in milliseconds: what a provider that
#: hangs costs, and a store that is slow. A job that is cut off has an unknown outcome; one that waits has none.
_ENOUGH_TIME = 12_000


def jobs(
    table: Mapping[type[Job], Callable[[Any], Any]], *, messages: Callable[[dict[str, Any]], None] | None = None
) -> Handler:
    """A handler that gives each job of a batch to the function that does its kind.

    A job that raises goes back to its queue alone, and to the dead-letter queue after the queue's number of receives.
    `messages` takes what is no job of ours: a provider's report. Without it such a message fails.
    """
    by_name = {kind.__name__: (kind, work) for kind, work in table.items()}

    def take(body: dict[str, Any]) -> None:
        name = body.get(kit.NAME)
        if name is None and messages is not None:
            messages(body)
            return
        if name not in by_name:
            raise UnknownJobError(f"no job of this worker is called {str(name)[:60]!r}")
        kind, work = by_name[name]
        work(kind.read(body))

    return _one_by_one(take)


def messages(work: Callable[[dict[str, Any]], None]) -> Handler:
    """A handler that gives `work` the body of each message, for a queue that others write to."""
    return _one_by_one(work)


def together(
    kinds: type[Job] | tuple[type[Job], ...],
    work: Callable[[list[Any]], set[int]],
    *,
    beside: Mapping[type[Job], Callable[[Any], Any]] | None = None,
) -> Handler:
    """A handler that gives `work` all jobs of a kind, or of several, in a batch at once.

    `work` returns the places of those that failed, which go back to the queue; when it raises, all of them do. Other
    kinds on the same queue are done one by one after them (`beside`), as long as there is time.
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
                if body.get(kit.NAME) in others:
                    other, do = others[body[kit.NAME]]
                    single.append((place, partial(do, other.read(body))))
                else:
                    read.append((place, _of(mine, body).read(body)))
            except Exception:  # noqa: BLE001 one job's fault is no other job's
                _note_failure()
                failed.add(place)
        if read:
            try:
                failed |= {read[place][0] for place in work([job for _, job in read])}
            except Exception:  # noqa: BLE001 the queue brings them again, and those beside are done
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
            except Exception:  # noqa: BLE001 one job's fault is no other job's
                _note_failure()
                failed.add(place)
        return failed

    return _handler(take, "batch", _LONGEST_PAUSE)


def groups(work: Callable[[str, list[dict[str, Any]]], None]) -> Handler:
    """A handler for a FIFO queue that gives `work` each group's name and the bodies of its messages, in order.

    When it raises, the whole group goes back, so that nothing overtakes what failed. So does a group that there is no
    time for.
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
            except Exception:  # noqa: BLE001 one group's fault is no other group's
                _note_failure()
                failed |= set(places)
        return failed

    return _handler(take, "groups", _LONGEST_PAUSE_OF_A_GROUP)


def stream(work: Callable[[Sequence[Item | None]], int | None]) -> Handler:
    """A handler that gives `work` the new images of a batch of a table's stream, `None` for what was not put.

    `work` returns the place of the first record that has to be taken again. The stream goes on from there.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 Lambda passes it
        records = event["Records"]
        with telemetry.traced("stream"):
            first = work([_image(record) for record in records])
        if first is None:
            return {"batchItemFailures": []}
        telemetry.metric("StreamRecordFailed")
        return {"batchItemFailures": [{"itemIdentifier": records[first]["dynamodb"]["SequenceNumber"]}]}

    return handler


def _image(record: dict[str, Any]) -> Item | None:
    image = record["dynamodb"].get("NewImage")
    return table.decode_item(image) if image and record["eventName"] == "INSERT" else None


def _one_by_one(take: Callable[[dict[str, Any]], None]) -> Handler:
    def noted(record: SQSRecord) -> None:  # Powertools passes it by this name
        try:
            with telemetry.traced("job"):
                take(json.loads(record.body))
        except Exception:
            _note_failure()
            raise

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        def in_time(record: SQSRecord) -> None:
            # The first is always begun: a function with little time in all would otherwise do nothing for ever.
            if record.message_id != event["Records"][0]["messageId"] and _is_late(context):
                raise _NoTimeLeft
            noted(record)

        # A batch in which every job failed is answered like any other: each of them goes back.
        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        answer: Any = process_partial_response(event, in_time, processor, context)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        # Those that were not begun, too: each time they come counts as a receive, and a queue gives few.
        _pause([record for record in event["Records"] if record["messageId"] in failed], _LONGEST_PAUSE)
        return {"batchItemFailures": answer["batchItemFailures"]}

    return handler


def _of(kinds: Mapping[str, type[Job]], body: dict[str, Any]) -> type[Job]:
    name = str(body.get(kit.NAME))
    if name not in kinds:
        raise UnknownJobError(f"no job of this worker is called {name[:60]!r}")
    return kinds[name]


class _NoTimeLeft(Exception):
    """The invocation ends before this job could: it goes back as it came."""


def _is_late(context: Any) -> bool:
    return context is not None and context.get_remaining_time_in_millis() < _ENOUGH_TIME


def _handler(take: Callable[[list[dict[str, Any]], Any], set[int]], name: str, longest: int) -> Handler:
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        records = event["Records"]
        try:
            with telemetry.traced(name):
                failed = take(records, context)
        except Exception:  # noqa: BLE001 the queue brings them again
            _note_failure()
            failed = set(range(len(records)))
        _pause([records[place] for place in failed], longest)
        return {"batchItemFailures": [{"itemIdentifier": records[place]["messageId"]} for place in sorted(failed)]}

    return handler


def _pause(records: list[dict[str, Any]], longest: int) -> None:
    """Let failed messages come again soon at first, then later and later."""
    waits: list[tuple[Receipt, int]] = []
    for record in records:
        receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        queue_name = record.get("eventSourceARN", "").rpartition(":")[2]
        seconds = min(2 ** min(receives, 12), longest)
        # A FIFO group's messages get one pause, so that they come again together and in order.
        jitter = 1.0 if queue_name.endswith(".fifo") else chance.between(0.5, 1)
        waits.append((Receipt(queue_name, record.get("receiptHandle", ""), receives), max(1, round(seconds * jitter))))
    if waits:
        queue.put_back(waits)


def _note_failure() -> None:
    telemetry.logger().exception("job failed")
    telemetry.metric("JobFailed")
