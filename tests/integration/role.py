"""Checks a function's calls against its IAM role. Emulators allow everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from infra import resources, topology
from infra.resources import Grant
from switchboard.aws import clients
from switchboard.kit import settings

_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_EVENT = "provide-client-params"


@contextmanager
def check_role(function: resources.Function) -> Iterator[None]:
    """Record each AWS call of the block that the function's role denies. Raises AssertionError at the end of the block.

    Not at once: a worker would take the error for a failure of the job, and the queue would bring the job again.
    """
    denied: set[str] = set()
    tables = {settings.table_name(one.name): one.name for one in topology.TABLES}
    urls = {settings.queue_url(one.name): one.name for one in topology.QUEUES}
    sends = {*function.sends, *(("email-events",) if Grant.MAIL in function.grants else ())}

    def table_asked(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "Scan":
            return  # the test itself reads the tables; the platform's code does not
        for action, name in _asked(model.name, params):
            table = tables.get(name, name)
            allowed = {one for kind in function.tables.get(table, ()) for one in resources.TABLE_ACTIONS[kind]}
            if action not in allowed:
                denied.add(f"{action} of {table}")

    def queue_asked(params: dict[str, Any], model: Any, **_: Any) -> None:
        queue = urls.get(params.get("QueueUrl", ""))
        if model.name.startswith("SendMessage") and queue not in sends:
            denied.add(f"{model.name} to {queue}")

    listening = [
        (clients.dynamodb_client(), table_asked),
        (clients.dynamodb_client_without_retries(), table_asked),
        (clients.get_client("sqs"), queue_asked),
    ]
    for client, asked in listening:
        client.meta.events.register(_EVENT, asked)
    try:
        yield
    finally:
        for client, asked in listening:
            client.meta.events.unregister(_EVENT, asked)
    assert not denied, f"the topology does not grant {function.name} {sorted(denied)}"


def _asked(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "TransactItems" in params:
        for item in params["TransactItems"]:
            for part, of in item.items():
                yield _PARTS[part], of["TableName"]
    elif "RequestItems" in params:
        yield from ((operation, name) for name in params["RequestItems"])
    elif "TableName" in params:
        yield operation, params["TableName"]
