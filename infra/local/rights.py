"""Refuses each call of AWS that the function's role would not allow on AWS.

The local engine checks no rights, so a function with a missing grant would work here and fail on AWS. The rights are
those of the topology, from which the stacks make the roles too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra import topology
from infra.resources import MAIL_EVENTS, OBJECT_ACTIONS, TABLE_ACTIONS, Function, Grant, Worker
from switchboard.aws.clients import watch_calls
from switchboard.kit.settings import env_key

#: The file that this environment variable names gets a line for each right that a function uses for the first time.
RECORD = "RIGHTS_RECORD"


_NAMES = {
    "BUCKET": [bucket.name for bucket in topology.BUCKETS],
    "QUEUE": [queue.name for queue in topology.QUEUES],
    "TABLE": [table.name for table in topology.TABLES],
}


class Right(NamedTuple):
    """An IAM action on a resource of the topology: `dynamodb:Query` on `core/gsi1`, `sqs:SendMessage` on `mail`."""

    action: str
    resource: str


#: Services of a grant, whose resources the local stack does not have.
_SERVICES = {"bedrock-runtime": Grant.LANGUAGE_MODEL, "ses": Grant.MAIL, "transcribe": Grant.SPEECH}
_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
#: The actions of a worker on the queue that starts it.
_SOURCE_ACTIONS = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
#: The action that S3 asks for, for each operation with another name.
_OBJECT_OPERATIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "UploadPart": "PutObject",
}


@cache
def list_rights(name: str) -> frozenset[Right]:
    """Returns the rights of a function at tables, buckets and queues, and at the root secret."""
    return frozenset(_rights_of(topology.function(name)))


def _rights_of(function: Function) -> Iterator[Right]:
    for rights in _accesses_of(function).values():
        yield from rights
    if Grant.MAIL in function.grants:
        # The mail simulator reports through the queue of SES' reports.
        yield Right("sqs:SendMessage", MAIL_EVENTS)
    if isinstance(function, Worker) and function.queue:
        yield from (Right(f"sqs:{action}", function.queue) for action in _SOURCE_ACTIONS)
    if Grant.ROOT_SECRET in function.grants:
        yield Right("secretsmanager:GetSecretValue", "root")


def _accesses_of(function: Function) -> dict[str, set[Right]]:
    """The rights of a function by the entries of the topology that give them. A read of an index reads its table."""
    found: dict[str, set[Right]] = {}
    for table, access in function.tables.items():
        for kind in access:
            found[f"{kind} table {table}"] = {Right(f"dynamodb:{action}", table) for action in TABLE_ACTIONS[kind]}
        if "read" in access:
            for index in topology.table(table).indexes:
                found[f"read index {table}/{index}"] = {Right("dynamodb:Query", f"{table}/{index}")}
                found[f"read table {table}"].add(Right("dynamodb:Query", f"{table}/{index}"))
    for bucket, access in function.buckets.items():
        for kind in access:
            actions = ("ListBucket",) if kind == "list" else OBJECT_ACTIONS[kind]
            found[f"{kind} bucket {bucket}"] = {Right(f"s3:{action}", bucket) for action in actions}
    return found | {f"send to {queue}": {Right("sqs:SendMessage", queue)} for queue in function.sends}


def list_needed(service: str, operation: str, request: Mapping[str, Any]) -> list[Right]:
    """Returns the rights that a request needs, one for each action and resource."""
    finder = _FINDERS.get(service)
    # No function has a right to another service.
    return list(dict.fromkeys(finder(operation, request))) if finder else [Right(f"{service}:{operation}", "*")]


def _of_tables(operation: str, request: Mapping[str, Any]) -> Iterator[Right]:
    match operation:
        case "TransactWriteItems":
            for entry in request["TransactItems"]:
                ((kind, write),) = entry.items()
                yield Right(f"dynamodb:{_TRANSACTED[kind]}", _name("TABLE", write["TableName"]))
        case "TransactGetItems":
            for entry in request["TransactItems"]:
                yield Right("dynamodb:GetItem", _name("TABLE", entry["Get"]["TableName"]))
        case "BatchGetItem" | "BatchWriteItem":
            yield from (Right(f"dynamodb:{operation}", _name("TABLE", table)) for table in request["RequestItems"])
        case _:
            table = _name("TABLE", request["TableName"])
            index = request.get("IndexName")
            yield Right(f"dynamodb:{operation}", f"{table}/{index}" if index else table)


def _of_queues(operation: str, request: Mapping[str, Any]) -> Iterator[Right]:
    yield Right(f"sqs:{operation.removesuffix('Batch')}", _name("QUEUE", request["QueueUrl"]))


def _of_objects(operation: str, request: Mapping[str, Any]) -> Iterator[Right]:
    yield Right(f"s3:{_OBJECT_OPERATIONS.get(operation, operation)}", _name("BUCKET", request["Bucket"]))


def _of_secrets(operation: str, _: Mapping[str, Any]) -> Iterator[Right]:
    yield Right(f"secretsmanager:{operation}", "root")


_FINDERS: dict[str, Callable[[str, Mapping[str, Any]], Iterable[Right]]] = {
    "dynamodb": _of_tables,
    "s3": _of_objects,
    "secretsmanager": _of_secrets,
    "sqs": _of_queues,
}


@cache
def _name(kind: str, physical: str) -> str:
    """The topology's name of a resource with this name or URL. An unknown one keeps its own name."""
    names = _NAMES[kind]
    return next((name for name in names if os.environ.get(env_key(kind, name)) == physical), physical)


class Guard:
    """Checks the calls of the function that a process runs. Outside of a function every call is allowed."""

    def __init__(self) -> None:
        self._function: str | None = None
        self._used: set[tuple[str, Right]] = set()

    def watch(self) -> None:
        """Check the calls of all clients that this process makes from now on."""
        watch_calls(self.check_call)

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        """Check calls by the rights of this function. A process runs one function at a time."""
        self._function = function
        try:
            yield
        finally:
            self._function = None

    def check_call(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """Raises ClientError, as AWS does, if the function has no right to a call."""
        function = self._function
        if function is None:
            return
        if service in _SERVICES:
            if _SERVICES[service] not in topology.function(function).grants:
                raise _denied(function, Right(f"{service.removesuffix('-runtime')}:{operation}", "*"), operation)
            return
        for right in list_needed(service, operation, request):
            if right not in list_rights(function):
                raise _denied(function, right, operation)
            self._note(function, right)

    def _note(self, function: str, right: Right) -> None:
        record = os.environ.get(RECORD)
        if record and (function, right) not in self._used:
            self._used.add((function, right))
            with Path(record).open("a", encoding="utf-8") as file:
                file.write(f"{function} {right.action} {right.resource}\n")


def _denied(function: str, right: Right, operation: str) -> ClientError:
    message = f"{function} has no right to {right.action} on {right.resource}: grant it in infra/topology.py"
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, operation)


def list_unused(record: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the accesses of the topology of which a record has no call: a function, and what it may do."""
    used: dict[str, set[Right]] = {}
    for line in record:
        name, action, resource = line.split()
        # A condition needs the right to read or to write, and is neither.
        if action != "dynamodb:ConditionCheckItem":
            used.setdefault(name, set()).add(Right(action, resource))
    return [
        (function.name, told)
        for function in topology.FUNCTIONS
        for told, rights in _accesses_of(function).items()
        if not rights & used.get(function.name, set())
    ]


def main() -> None:
    """Print the accesses that nobody used in a record: `RIGHTS_RECORD=FILE make contract integration` writes one."""
    (path,) = sys.argv[1:]
    for name, told in list_unused(Path(path).read_text(encoding="utf-8").splitlines()):
        print(f"{name}: {told}")


if __name__ == "__main__":
    main()
