"""Counts the dead letters of a queue, and moves them back to it.

A move is receive, send and delete, because the local engine lacks SQS' own move task. A crash between two steps leaves
a message in both queues at worst: delivery is at least once, as everywhere.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from switchboard.aws import clients
from switchboard.aws.queues import SendError
from switchboard.kit import settings

_BATCH = 10
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


class QueueDepth(NamedTuple):
    """How many messages of a queue wait, are in flight, are delayed, and are dead letters. SQS counts approximately."""

    waiting: int
    at_work: int
    delayed: int
    dead: int


def count_messages(name: str) -> QueueDepth:
    """Counts the messages of a queue of the topology and of its dead-letter queue."""
    url = settings.queue_url(name)
    waiting, at_work, delayed = _counts(url)
    return QueueDepth(waiting, at_work, delayed, sum(_counts(_dead_letter_url(url))))


def _counts(url: str) -> list[int]:
    found = clients.get_client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return [int(found[name]) for name in _COUNTS]


def _dead_letter_url(url: str) -> str:
    sqs = clients.get_client("sqs")
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


def redrive_dead_letters(name: str, limit: int | None = None) -> int:
    """Moves up to `limit` dead letters (all by default) back to their queue. Returns how many were moved.

    Ends when no letter is left, or only letters that failed again during the move. Raises SendError when SQS refuses
    some of them: those stay in the dead-letter queue.
    """
    url = settings.queue_url(name)
    dead = _dead_letter_url(url)
    sent: set[str] = set()
    moved = 0
    while limit is None or moved < limit:
        answer = clients.get_client("sqs").receive_message(
            QueueUrl=dead,
            MaxNumberOfMessages=_BATCH if limit is None else min(_BATCH, limit - moved),
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        letters = [letter for letter in answer.get("Messages", []) if letter["MessageId"] not in sent]
        if not letters:
            break
        sent |= _move(letters, dead, url)
        moved += len(letters)
    return moved


def _move(letters: list[dict[str, Any]], dead: str, url: str) -> set[str]:
    sqs = clients.get_client("sqs")
    answer = sqs.send_message_batch(
        QueueUrl=url, Entries=[_entry(str(number), letter, url) for number, letter in enumerate(letters)]
    )
    accepted = answer.get("Successful", [])
    if accepted:
        sqs.delete_message_batch(
            QueueUrl=dead,
            Entries=[
                {"Id": entry["Id"], "ReceiptHandle": letters[int(entry["Id"])]["ReceiptHandle"]} for entry in accepted
            ],
        )
    if answer.get("Failed"):
        raise SendError(answer["Failed"])
    return {entry["MessageId"] for entry in accepted}


def _entry(number: str, letter: dict[str, Any], url: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": number, "MessageBody": letter["Body"]}
    if letter.get("MessageAttributes"):
        entry["MessageAttributes"] = letter["MessageAttributes"]
    system = letter.get("Attributes", {})
    if group := system.get("MessageGroupId"):
        entry["MessageGroupId"] = group
    if url.endswith(".fifo"):
        # Not the id of the first send: for five minutes SQS would accept the letter and drop it as a duplicate. The
        # letter's own id is new each time it becomes a dead letter, and the same when a move is retried.
        entry["MessageDeduplicationId"] = letter["MessageId"]
    return entry
