"""SQS for services and workers: sends messages, and delays the retry of failed messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws import clients
from switchboard.kit import background, settings
from switchboard.kit.jobs import QueueMessage

#: The longest delay, in seconds, that SQS allows. Use a timer for anything later.
MAX_DELAY_SECONDS = 900
#: SQS' limits of one request: entries, and bytes of all bodies together.
_BATCH, _BATCH_BYTES = 10, 250_000


class SendError(RuntimeError):
    """SQS did not accept some messages. `messages` are those."""

    def __init__(self, messages: Sequence[Any]) -> None:
        super().__init__(f"{len(messages)} messages were not accepted")
        self.messages = messages


def send_messages(messages: Iterable[QueueMessage]) -> None:
    """Enqueues messages. Raises SendError if SQS did not accept some of them. Sending a message twice is harmless."""
    wanted = list(messages)
    refused = try_send_messages(wanted)
    if refused:
        raise SendError([wanted[place] for place in sorted(refused)])


def try_send_messages(messages: Sequence[QueueMessage]) -> set[int]:
    """Enqueues messages: ten per request, with the queues in parallel. Returns the indexes of those not accepted.

    In a FIFO queue, a message that was not accepted also stops the later messages of its group.
    """
    by_queue: dict[str, list[int]] = {}
    for place, message in enumerate(messages):
        by_queue.setdefault(message.queue, []).append(place)
    refused: set[int] = set()
    sending: list[Callable[[], set[int]]] = []
    for name, places in by_queue.items():
        try:
            url = settings.queue_url(name)
        except settings.MissingSettingError:
            telemetry.logger().exception("unknown queue", extra={"queue": name})
            refused |= set(places)
            continue
        if url.endswith(".fifo"):
            sending.append(partial(_in_rounds, url, messages, places))
        else:
            sending += [partial(_request, url, messages, part) for part in _requests(messages, places)]
    if len(sending) == 1:
        return refused | sending[0]()
    # This thread starts all of them: a pool thread that waits for other threads of its pool could wait forever.
    return refused.union(*[one.result() for one in [background.submit(request) for request in sending]])


def _in_rounds(url: str, messages: Sequence[QueueMessage], places: list[int]) -> set[int]:
    """Sends in rounds of one message per group, so that a partly failed request breaks the order of no group."""
    refused: set[int] = set()
    waiting = places
    while waiting:
        held = {messages[place].group for place in refused}
        groups: set[str] = set()
        now: list[int] = []
        later: list[int] = []
        for place in waiting:
            group = messages[place].group
            if group in held:
                refused.add(place)
            elif group in groups:
                later.append(place)
            else:
                groups.add(group)
                now.append(place)
        for part in _requests(messages, now):
            refused |= _request(url, messages, part)
        waiting = later
    return refused


def _requests(messages: Sequence[QueueMessage], places: Iterable[int]) -> Iterator[list[int]]:
    part: list[int] = []
    size = 0
    for place in places:
        length = len(messages[place].text)
        if part and (len(part) == _BATCH or size + length > _BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(place)
        size += length
    if part:
        yield part


def _request(url: str, messages: Sequence[QueueMessage], places: list[int]) -> set[int]:
    entries = [_entry(place, messages[place]) for place in places]
    try:
        answer = clients.get_client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    except (clients.BotoCoreError, clients.ClientError) as error:
        telemetry.logger().warning("messages not sent", extra={"queue": url.rpartition("/")[2], "reason": str(error)})
        return set(places)
    return {int(failure["Id"]) for failure in answer.get("Failed", [])}


def _entry(number: int, message: QueueMessage) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": message.text, "MessageGroupId": message.group}
    if message.dedupe:
        entry["MessageDeduplicationId"] = message.dedupe
    if message.delay:
        entry["DelaySeconds"] = max(0, min(message.delay, MAX_DELAY_SECONDS))
    return entry


class MessageReceipt(NamedTuple):
    """A received message: the physical name of its queue, its receipt handle, and its number of receives."""

    queue: str
    handle: str
    receives: int


def delay_retries(receipts: Sequence[tuple[MessageReceipt, int]]) -> None:
    """Makes received messages visible again, each after its number of seconds.

    Best effort: without this call, SQS makes them visible when their visibility timeout ends.
    """
    by_url: dict[str, list[tuple[MessageReceipt, int]]] = {}
    for receipt, seconds in receipts:
        if url := _url_of(receipt.queue):
            by_url.setdefault(url, []).append((receipt, seconds))
    for url, held in by_url.items():
        for start in range(0, len(held), _BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt.handle, "VisibilityTimeout": seconds}
                for number, (receipt, seconds) in enumerate(held[start : start + _BATCH])
            ]
            try:
                clients.get_client("sqs").change_message_visibility_batch(QueueUrl=url, Entries=entries)
            except (clients.BotoCoreError, clients.ClientError):
                telemetry.logger().warning("messages wait for their visibility timeout", exc_info=True)


def _url_of(physical: str) -> str | None:
    urls = (settings.queue_url(name) for name in settings.queue_names())
    return next((url for url in urls if url.rpartition("/")[2] == physical), None)
