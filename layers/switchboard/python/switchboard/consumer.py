"""What a worker's handler is made of: one job at a time, and failures reported one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord, DynamoDBRecordEventName
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from switchboard import telemetry
from switchboard.aws import table

Handler = Callable[[dict[str, Any], Any], Any]


def jobs(work: Callable[[dict[str, Any]], None]) -> Handler:
    """A handler that gives `work` the body of each SQS message.

    A job that raises goes back to its queue alone, and to the dead-letter queue after the queue's number of tries.
    """

    def take(message: SQSRecord) -> None:
        work(json.loads(message.body))

    return _handler(take, EventType.SQS)


def together(work: Callable[[list[dict[str, Any]]], set[int]]) -> Handler:
    """A handler that gives `work` the bodies of all of a batch's SQS messages at once.

    `work` answers the places of those that failed, which go back to the queue; when it raises, all of them do.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 Lambda passes it
        records = event["Records"]
        try:
            with telemetry.traced("batch"):
                failed = work([json.loads(record["body"]) for record in records])
        except Exception:  # noqa: BLE001 the queue brings them again
            _note_failure()
            failed = set(range(len(records)))
        return {"batchItemFailures": [{"itemIdentifier": records[place]["messageId"]} for place in sorted(failed)]}

    return handler


def groups(work: Callable[[str, list[dict[str, Any]]], None]) -> Handler:
    """A handler for a FIFO queue that gives `work` each group's name and the bodies of its messages, in order.

    When it raises, the whole group goes back, so that nothing overtakes what failed.
    """

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 Lambda passes it
        by_group: dict[str, list[dict[str, Any]]] = {}
        for record in event["Records"]:
            by_group.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
        failed: list[dict[str, Any]] = []
        for group, records in by_group.items():
            try:
                with telemetry.traced("group", group=group):
                    work(group, [json.loads(record["body"]) for record in records])
            except Exception:  # noqa: BLE001 one group's fault is no other group's
                _note_failure()
                failed += records
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}

    return handler


def stream(work: Callable[[dict[str, Any]], None]) -> Handler:
    """A handler that gives `work` the new image of each item that was put into a table.

    A stream goes on from the first record that failed, so what comes after it is taken again.
    """

    def take(change: DynamoDBRecord) -> None:
        image = change.raw_event["dynamodb"].get("NewImage")
        if change.event_name is DynamoDBRecordEventName.INSERT and image:
            work(table.decode_item(image))

    return _handler(take, EventType.DynamoDBStreams)


def _handler(take: Callable[[Any], None], event_type: EventType) -> Handler:
    def noted(record: Any) -> None:  # Powertools passes it by this name
        try:
            with telemetry.traced("job"):
                take(record)
        except Exception:
            _note_failure()
            raise

    def handler(event: dict[str, Any], context: Any) -> Any:
        # A batch in which every job failed is answered like any other: each of them goes back.
        processor = BatchProcessor(event_type=event_type, raise_on_entire_batch_failure=False)
        return process_partial_response(event, noted, processor, context)

    return handler


def _note_failure() -> None:
    telemetry.logger().exception("job failed")
    telemetry.metric("JobFailed")
