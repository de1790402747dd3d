"""Moto's DynamoDB and SQS with a shortcut: a client uses HTTP only where necessary.

Moto creates, lists and deletes tables and queues. `tests.checked_tables` answers requests for items, in two places:

- in a client that `tests.clients` created: at once, with the hooks that a test registered around it;
- in moto's handler: for other clients, and for hooks into a request's HTTP.

For queues, the clients pass plain requests to send, receive and delete messages to moto's own functions at once. All
other requests go to moto through HTTP, also all requests that moto may refuse.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from botocore.hooks import HierarchicalEmitter, first_non_none_response
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.constants import MAXIMUM_VISIBILITY_TIMEOUT
from moto.sqs.models import MAXIMUM_MESSAGE_DELAY, MAXIMUM_MESSAGE_LENGTH
from moto.sqs.responses import SQSResponse

from switchboard.aws import clients
from tests.checked_tables import CheckedTables
from tests.memory_cloud import OPERATIONS

_METHODS = {
    "GetItem": "get_item", "BatchGetItem": "batch_get_item", "Query": "query", "Scan": "scan",
    "PutItem": "put_item", "UpdateItem": "update_item", "DeleteItem": "delete_item",
    "BatchWriteItem": "batch_write_item", "TransactWriteItems": "transact_write_items",
}  # fmt: skip
assert _METHODS.keys() == OPERATIONS
_QUEUE_METHODS = {
    "SendMessage": "send_message", "SendMessageBatch": "send_message_batch", "ReceiveMessage": "receive_message",
}  # fmt: skip
#: The texts of a message.
_TEXTS = ("MessageBody", "MessageGroupId", "MessageDeduplicationId")
#: The parameters of a request for messages. A request that waits goes through HTTP.
_RECEIVES = {"QueueUrl", "MaxNumberOfMessages", "VisibilityTimeout", "AttributeNames", "MessageSystemAttributeNames"}
#: The hooks that the shortcut supports.
_SHORT = {"provide-client-params", "before-parameter-build", "before-call", "after-call"}
#: Modules that hook into a client in production, to watch its connections and to write headers. The shortcut has
#: neither.
_PRODUCTION = ("switchboard.", "aws_lambda_powertools.")


class _Items:
    """The items of one test's tables, and the names of existing tables."""

    def __init__(self, keys: dict[str, Sequence[str]], tables: dict[str, Any]) -> None:
        self._kept = CheckedTables(keys)
        self._tables = tables

    def has(self, operation: str, request: dict[str, Any]) -> bool:
        """Whether it is a request for items of existing tables. Moto answers the others."""
        return operation in OPERATIONS and all(
            name in self._tables and name in self._kept.items for name in _table_names(request)
        )

    def clear(self, table: str) -> None:
        """Delete a table's items."""
        self._kept.items.get(table, {}).clear()

    def answer(self, operation: str, request: dict[str, Any]) -> Any:
        return getattr(self._kept, _METHODS[operation])(**request)


class _Queues:
    """Moto's queues, and the requests about them that need no HTTP."""

    def __init__(self, queues: dict[str, Any]) -> None:
        self._queues = queues

    def has(self, operation: str, request: dict[str, Any]) -> bool:
        """Whether it is a request about an existing queue that moto certainly grants."""
        queue = self._queues.get(_queue_name(request))
        if queue is None:
            return False
        match operation:
            case "SendMessage":
                return _is_plain(queue, request, "QueueUrl")
            case "SendMessageBatch":
                return request.keys() == {"QueueUrl", "Entries"} and _is_plain_batch(queue, request["Entries"])
            case "ReceiveMessage":
                return request.keys() <= _RECEIVES and _has_valid_numbers(request) and not _is_special(queue)
            case "DeleteMessage":
                handle = request.get("ReceiptHandle")
                return any(one.had_receipt_handle(handle) for one in queue._messages)
        return False

    def answer(self, operation: str, request: dict[str, Any]) -> Any:
        queue = self._queues[_queue_name(request)]
        if operation == "DeleteMessage":
            queue.delete_message(request["ReceiptHandle"])
            return {}
        if operation == "ReceiveMessage" and not queue._messages:
            return {}
        # Moto changes what it is given.
        return getattr(_Asked(queue, json.loads(json.dumps(request))), _QUEUE_METHODS[operation])().result


class _Asked(SQSResponse):
    """Moto's handler of a request, without the request's HTTP."""

    def __init__(self, queue: Any, request: dict[str, Any]) -> None:
        super().__init__()
        self.params, self.uri_match = request, {}
        self.current_account, self.region = queue.account_id, queue.region


def _queue_name(request: dict[str, Any]) -> str:
    return str(request.get("QueueUrl", "")).rpartition("/")[2]


def _is_plain_batch(queue: Any, entries: Any) -> bool:
    ids = {entry.get("Id") for entry in entries}
    return (
        0 < len(entries) == len(ids) <= 10
        and all(type(one) is str and one.isalnum() and len(one) <= 80 for one in ids)
        and all(_is_plain(queue, entry, "Id") for entry in entries)
        and sum(len(entry["MessageBody"]) for entry in entries) <= MAXIMUM_MESSAGE_LENGTH
    )


def _is_plain(queue: Any, message: dict[str, Any], also: str) -> bool:
    """Whether a message has no attributes, and all that its queue requires."""
    texts = [message.get(name, "") for name in _TEXTS]
    body, group, dedupe = texts
    delay = message.get("DelaySeconds", 0)
    return (
        message.keys() <= {*_TEXTS, "DelaySeconds", also}
        and all(isinstance(one, str) for one in texts)
        and 0 < len(body) <= queue.maximum_message_size
        and type(delay) is int
        and 0 <= delay <= MAXIMUM_MESSAGE_DELAY
        and (not queue.fifo_queue or bool(group and dedupe and not delay))
    )


def _has_valid_numbers(request: dict[str, Any]) -> bool:
    most, hidden = request.get("MaxNumberOfMessages", 1), request.get("VisibilityTimeout", 0)
    return type(most) is type(hidden) is int and 1 <= most <= 10 and 0 <= hidden <= MAXIMUM_VISIBILITY_TIMEOUT


def _is_special(queue: Any) -> bool:
    """Whether a queue holds messages with attributes, or lets a request wait for messages."""
    messages = queue._messages
    return any(one.message_attributes for one in messages) or (
        bool(messages) and int(queue.receive_message_wait_time_seconds) > 0
    )


def _table_names(request: dict[str, Any]) -> Iterator[str]:
    if "TableName" in request:
        yield request["TableName"]
    yield from request.get("RequestItems", ())
    for write in request.get("TransactItems", ()):
        yield from (change["TableName"] for change in write.values())


class _Short(NamedTuple):
    """The shortcuts while a test runs, by the service's name."""

    dynamodb: _Items
    sqs: _Queues


_running: list[_Short] = []


@contextmanager
def answer_in_memory(keys: dict[str, Sequence[str]], tables: dict[str, Any], queues: dict[str, Any]) -> Iterator[None]:
    """Keep the items of moto's `tables` here, and read its `queues`. `keys` are the keys of each table."""
    _running.append(_Short(_Items(keys, tables), _Queues(queues)))
    try:
        yield
    finally:
        _running.pop()


class Hooks:
    """The hooks of a test and of production into a client."""

    def __init__(self, client: Any) -> None:
        #: Whether a hook was removed that neither a test nor production registered.
        self.spoiled = False
        self._registered: list[tuple[str, Any, dict[str, Any]]] = []
        events = client.meta.events
        self._unregister = events.unregister
        for name in ("register", "register_first", "register_last", "unregister"):
            setattr(events, name, partial(self._note, name, getattr(events, name)))
        self.renew()

    def _note(self, name: str, inner: Callable[..., None], event: str, handler: Any = None, **more: Any) -> None:
        inner(event, handler, **more)
        known = (event, handler, more)
        if name != "unregister":
            self._registered.append(known)
        elif known in self._registered:
            self._registered.remove(known)
        else:
            self.spoiled = True
        if str(getattr(handler, "__module__", "")).startswith(_PRODUCTION):
            return
        self.used = True
        self.long |= event.partition(".")[0] not in _SHORT
        getattr(self.emitter, name)(event, handler, **more)

    def renew(self) -> None:
        """Remove all hooks. Each process registers those of production again."""
        while self._registered:
            event, handler, more = self._registered.pop()
            self._unregister(event, handler, **more)
        self.used = self.long = False
        self.emitter = HierarchicalEmitter()


class _Answer:
    status_code = 200


class QuickClient:
    """The base class of the clients of DynamoDB and SQS in tests."""

    meta: Any
    exceptions: Any
    hooks: Hooks | None = None

    def _make_api_call(self, operation: str, request: dict[str, Any]) -> Any:
        hooks = self.hooks
        short = None
        if _running and hooks is not None and not hooks.long:
            short = getattr(_running[-1], self.meta.service_model.service_name)
        if short is None or hooks is None or not short.has(operation, request):
            return super()._make_api_call(operation, request)  # type: ignore[misc]
        try:
            return self._hooked(short, operation, request) if hooks.used else short.answer(operation, request)
        except clients.ClientError as error:
            raise self.exceptions.from_code(clients.error_code(error))(error.response, operation) from None

    def _hooked(self, short: _Items | _Queues, operation: str, request: dict[str, Any]) -> Any:
        assert self.hooks is not None
        emit, name = self.hooks.emitter.emit, f"{self.meta.service_model.service_name}.{operation}"
        model = self.meta.service_model.operation_model(operation)
        told: dict[str, Any] = {"model": model, "context": {}}
        for event in ("provide-client-params", "before-parameter-build"):
            request = first_non_none_response(emit(f"{event}.{name}", params=request, **told), default=request)
        sent = {"body": json.dumps(request, default=_binary).encode(), "headers": {}}
        _, early = self.hooks.emitter.emit_until_response(
            f"before-call.{name}", params=sent, request_signer=None, **told
        )
        answer, parsed = early or self._reached(short, operation, request)
        emit(f"after-call.{name}", http_response=answer, parsed=parsed, **told)
        if answer.status_code >= 300:
            raise clients.ClientError(parsed, operation)
        return parsed

    @staticmethod
    def _reached(short: _Items | _Queues, operation: str, request: dict[str, Any]) -> tuple[_Answer, Any]:
        answer = _Answer()
        try:
            # A hook may change an answer, but not the content of the tables.
            return answer, dict(short.answer(operation, request))
        except clients.ClientError as error:
            answer.status_code = 400
            return answer, error.response


def add_quick_base(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
    """Give a session's clients of a service their base class (botocore's event `creating-client-class`)."""
    base_classes.insert(0, QuickClient)


_call_action = DynamoHandler.call_action


def _answer_from_memory(handler: DynamoHandler) -> Any:
    """Returns the answer of moto's handler, from the tables in memory if they have the requested item."""
    operation, request = handler._get_action(), handler.params
    items = _running[-1].dynamodb if _running else None
    if items is not None and operation == "DeleteTable":
        items.clear(request["TableName"])
    if items is None or not items.has(operation, request):
        return _call_action(handler)
    try:
        return 200, {}, json.dumps(items.answer(operation, request), default=_binary)
    except clients.ClientError as error:
        told = {name: part for name, part in error.response.items() if name not in ("Error", "ResponseMetadata")}
        why = error.response["Error"]
        kind = f"com.amazonaws.dynamodb.v20120810#{why['Code']}"
        return 400, {}, json.dumps({"__type": kind, "message": why["Message"], **told}, default=_binary)


DynamoHandler.call_action = _answer_from_memory


def _binary(value: bytes) -> str:
    return b64encode(value).decode()
