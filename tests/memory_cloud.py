"""DynamoDB in memory with the operations that `switchboard.aws` uses, some hundred times as fast as moto.

`Tables` replaces the process's client. It checks conditions, applies transactions completely or not at all, and
recognizes the token of a repeated transaction. `tests/unit/test_memory_cloud.py` compares it with moto. It does not
measure sizes or pages of 1 MB, and an index shows a write at once.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

from infra import topology
from switchboard.aws import clients, secret
from switchboard.kit.settings import env_key
from tests.memory_expressions import Invalid, Values, compile_condition, compile_update

Item = dict[str, Any]
Place = tuple[str, ...]

_ENVIRON = {
    "AWS_REGION": "us-east-1",
    "SWITCHBOARD_STAGE": "local",
    "SWITCHBOARD_LOG_LEVEL": "CRITICAL",
    "SWITCHBOARD_AGENTS_DOMAIN": "agents.switchboard.example",
    "SWITCHBOARD_PLATFORM_SENDER": "welcome@switchboard.example",
    "SWITCHBOARD_MAIL_CARRIER": "simulator",
    "SWITCHBOARD_TRANSCRIBER": "sphinx",
    "SWITCHBOARD_REASSIGNED_NUMBERS": "simulator",
    "SWITCHBOARD_NATIONAL_REGISTRY": "simulator",
    "SWITCHBOARD_PUBLIC_URL": "http://localhost:8080",
    **{env_key("TABLE", table.name): table.name for table in topology.TABLES},
}
#: The operations on tables.
OPERATIONS = frozenset(
    {
        *("GetItem", "BatchGetItem", "Query", "Scan"),
        *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    }
)
_KEYS = {table.name: table.keys for table in topology.TABLES}
#: `pk = :pk`, and the condition on the sort key.
_KEY_CONDITION = re.compile(r"\s*(\w+)\s*=\s*(:\w+)\s*(?:AND\s+(.*))?", re.DOTALL)


#: The usual range of sort keys. It is compared directly, because a partition may have thousands of items.
_RANGE = re.compile(r"(\w+) BETWEEN (:\w+) AND (:\w+)")


class Change(NamedTuple):
    """An item before and after a request changed it. `None` means no item."""

    table: str
    before: Item | None
    after: Item | None


class Tables:
    """The tables, with the methods of botocore's client.

    Three callbacks can be set. `asked` runs before each request and may raise. `committed` runs with the changes of a
    request, at the moment of the change. `answered` runs after a write and before its answer.
    """

    def __init__(self, keys: Mapping[str, Sequence[str]] = _KEYS) -> None:
        self.items: dict[str, dict[str, dict[str, Item]]] = {name: {} for name in keys}
        self._keys = keys
        self.asked: Callable[[str], None] = lambda _: None
        self.answered: Callable[[str], None] = lambda _: None
        self.committed: Callable[[Sequence[Change]], None] = lambda _: None
        self._tokens: dict[str, Any] = {}
        # A condition and its write are one step, also for tests with threads.
        self._lock = threading.Lock()

    def copy(self) -> dict[str, dict[str, dict[str, Item]]]:
        """Returns the content of the tables. Items are replaced and never changed, so that both sides may keep them."""
        return {name: {pk: dict(partition) for pk, partition in table.items()} for name, table in self.items.items()}

    def get(self, table: str, pk: str, sk: str = "") -> Item | None:
        """Returns an item, without a request."""
        return self.items[table].get(pk, {}).get(sk)

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Item:  # noqa: N803
        self.asked("GetItem")
        found = self._at(TableName, Key)
        return {"Item": found} if found else {}

    def batch_get_item(self, *, RequestItems: Item) -> Item:  # noqa: N803
        found: dict[str, list[Item]] = {}
        for name, asked in RequestItems.items():
            keys = [self._place(name, key) for key in asked["Keys"]]
            if len(set(keys)) < len(keys):
                raise error("BatchGetItem", "ValidationException", "Provided list of item keys contains duplicates")
            found[name] = []
            for key in asked["Keys"]:
                # Each item is read at its own time: the batch is not a snapshot.
                self.asked("BatchGetItem")
                if item := self._at(name, key):
                    found[name].append(item)
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, **asked: Any) -> Item:
        self.asked("Query")
        name, index = asked["TableName"], asked.get("IndexName")
        values = Values(asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"])
        told = _KEY_CONDITION.fullmatch(asked["KeyConditionExpression"])
        assert told is not None
        attribute, placeholder, rest = told.groups()
        partition, holds = values.values[placeholder]["S"], compile_condition(rest) if rest else None
        if index:
            wanted = {"S": partition}
            items = [one for part in self.items[name].values() for one in part.values() if one.get(attribute) == wanted]
            order: tuple[str, ...] = (f"{index}sk", "pk", "sk")
        else:
            items, order = list(self.items[name].get(partition, {}).values()), ("sk",)
        if rest and (between := _RANGE.fullmatch(rest)):
            sort_key, first, last = between[1], values.values[between[2]]["S"], values.values[between[3]]["S"]
            items = [one for one in items if sort_key in one and first <= one[sort_key]["S"] <= last]
        elif holds is not None:
            items = [one for one in items if holds(one, values)]
        forward = asked.get("ScanIndexForward", True)
        if index:
            items.sort(key=lambda one: tuple(one[part]["S"] for part in order), reverse=not forward)
        else:
            items.sort(key=lambda one: str(one["sk"]["S"]), reverse=not forward)
        if start := asked.get("ExclusiveStartKey"):
            after = tuple(start[part]["S"] for part in order)
            places = [tuple(one[part]["S"] for part in order) for one in items]
            items = [one for one, at in zip(items, places, strict=True) if (at > after if forward else at < after)]
        return self._page(items, values, asked, ("pk", "sk", attribute, f"{index}sk") if index else None)

    def scan(self, **asked: Any) -> Item:
        self.asked("Scan")
        name, names = asked["TableName"], asked.get("ExpressionAttributeNames", {})
        values = Values(names, asked.get("ExpressionAttributeValues", {}))
        items = list(self._all(name))
        if start := asked.get("ExclusiveStartKey"):
            after = tuple(start[part]["S"] for part in self._keys[name])
            items = [one for one in items if tuple(one[part]["S"] for part in self._keys[name]) > after]
        page = self._page(items, values, asked, None)
        if shown := asked.get("ProjectionExpression"):
            wanted = {names.get(part, part) for part in shown.split(", ")}
            page["Items"] = [{part: one[part] for part in one if part in wanted} for one in page["Items"]]
        return page

    def put_item(self, **asked: Any) -> Item:
        self._write("Put", asked)
        return {}

    def update_item(self, **asked: Any) -> Item:
        done = self._write("Update", asked)
        return {"Attributes": done.after} if asked.get("ReturnValues") == "ALL_NEW" else {}

    def delete_item(self, **asked: Any) -> Item:
        done = self._write("Delete", asked)
        return {"Attributes": done.before} if done.before and asked.get("ReturnValues") == "ALL_OLD" else {}

    def batch_write_item(self, *, RequestItems: Item) -> Item:  # noqa: N803
        for name, writes in RequestItems.items():
            for write in writes:
                # Each write is separate: other clients see the writes in any order.
                self.asked("BatchWriteItem")
                kind, asked = next(iter(write.items()))
                with self._lock:
                    changes = self._apply([self._changed(kind.removesuffix("Request"), asked | {"TableName": name})])
                self._tell(changes)
        self.answered("BatchWriteItem")
        return {"UnprocessedItems": {}}

    def transact_write_items(self, *, TransactItems: list[Item], ClientRequestToken: str = "") -> Item:  # noqa: N803
        self.asked("TransactWriteItems")
        before = self._tokens.get(ClientRequestToken)
        if before is None:
            with self._lock:
                changes = self._apply(self._transacted(TransactItems))
            self._tell(changes)
            if ClientRequestToken:
                self._tokens[ClientRequestToken] = TransactItems
        elif before != TransactItems:
            raise error("TransactWriteItems", "IdempotentParameterMismatchException", "another request's token")
        self.answered("TransactWriteItems")
        return {}

    def _transacted(self, writes: Sequence[Item]) -> list[Change]:
        """Returns the changes of a transaction. Raises with a reason for each write if a condition does not hold."""
        named = [next(iter(write.items())) for write in writes]
        places = [(one["TableName"], *self._place(one["TableName"], one.get("Key") or one["Item"])) for _, one in named]
        if len(set(places)) < len(places):
            raise error("TransactWriteItems", "ValidationException", "multiple operations on one item")
        changes: list[Change] = []
        reasons: list[Item] = []
        for kind, asked in named:
            try:
                changes.append(self._changed(kind, asked))
                reasons.append({"Code": "None"})
            except _FailedError as failed:
                reasons.append(failed.reason(asked))
            except Invalid as invalid:
                reasons.append({"Code": "ValidationError", "Message": str(invalid)})
        if len(changes) < len(named):
            told = ", ".join(reason["Code"] for reason in reasons)
            raise error("TransactWriteItems", "TransactionCanceledException", f"[{told}]", CancellationReasons=reasons)
        return [change for change in changes if change.before is not change.after]

    def _write(self, kind: str, asked: Item) -> Change:
        self.asked(f"{kind}Item")
        try:
            with self._lock:
                change = self._changed(kind, asked)
                self._apply([change])
        except _FailedError as failed:
            shown = {name: value for name, value in failed.reason(asked).items() if name == "Item"}
            code = "ConditionalCheckFailedException"
            raise error(f"{kind}Item", code, "The conditional request failed", **shown) from None
        except Invalid as invalid:
            raise error(f"{kind}Item", "ValidationException", str(invalid)) from None
        self._tell([change])
        self.answered(f"{kind}Item")
        return change

    def _changed(self, kind: str, asked: Item) -> Change:
        """Returns the change of a write if its condition holds."""
        name = asked["TableName"]
        found = self._at(name, asked.get("Key") or asked["Item"])
        values = Values(asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {}))
        if (text := asked.get("ConditionExpression")) and not compile_condition(text)(found or {}, values):
            raise _FailedError(found)
        match kind:
            case "Put":
                return Change(name, found, asked["Item"])
            case "Update":
                return Change(
                    name, found, compile_update(asked["UpdateExpression"])(found or dict(asked["Key"]), values)
                )
            case "Delete":
                return Change(name, found, None)
        return Change(name, found, found)

    def _apply(self, changes: Sequence[Change]) -> Sequence[Change]:
        for name, before, after in changes:
            item = after or before
            if item is None:
                continue
            pk, sk = self._place(name, item)
            partition = self.items[name].setdefault(pk, {})
            if after is None:
                partition.pop(sk, None)
            else:
                partition[sk] = after
        return changes

    def _tell(self, changes: Sequence[Change]) -> None:
        if changes:
            self.committed(changes)

    def _place(self, name: str, item: Item) -> tuple[str, str]:
        keys = self._keys[name]
        return item[keys[0]]["S"], item[keys[1]]["S"] if len(keys) > 1 else ""

    def _at(self, name: str, key: Item) -> Item | None:
        return self.get(name, *self._place(name, key))

    def _all(self, name: str) -> Iterator[Item]:
        table = self.items[name]
        return (table[pk][sk] for pk in sorted(table) for sk in sorted(table[pk]))

    def _page(self, items: list[Item], values: Values, asked: Item, shown: Sequence[str] | None) -> Item:
        limit = asked.get("Limit") or len(items)
        part, rest = items[:limit], items[limit:]
        where = compile_condition(asked["FilterExpression"]) if "FilterExpression" in asked else None
        found = [one for one in part if where is None or where(one, values)]
        shown_items = [{name: one[name] for name in shown} for one in found] if shown else found
        answer: Item = {"Items": shown_items, "Count": len(found)}
        if rest:
            last = part[-1]
            answer["LastEvaluatedKey"] = {name: last[name] for name in shown or self._keys[asked["TableName"]]}
        return answer


class _FailedError(Exception):
    """A condition does not hold. `found` is the stored item."""

    def __init__(self, found: Item | None) -> None:
        super().__init__("condition")
        self.found = found

    def reason(self, asked: Item) -> Item:
        shown = self.found is not None and asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        told = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
        return told | ({"Item": self.found} if shown else {})


def error(operation: str, code: str, message: str, **more: Any) -> clients.ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
    return clients.ClientError(answer, operation)


def transient(operation: str, code: str) -> clients.ClientError:
    """Returns DynamoDB's error for a request that may succeed a moment later, for `asked` and `answered` to raise."""
    if code == "TransactionConflict":
        return error(operation, "TransactionCanceledException", code, CancellationReasons=[{"Code": code}])
    return error(operation, code, code)


@contextmanager
def use_memory_tables() -> Iterator[Tables]:
    """Empty tables that replace DynamoDB. No other service is available."""
    from tests.conftest import clear_caches

    tables = Tables()

    def client(service: str) -> Tables:
        raise AssertionError(f"there is no {service} here")

    with ExitStack() as stack:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWITCHBOARD_", "AWS_"))}
        stack.enter_context(patch.dict(os.environ, kept | _ENVIRON, clear=True))
        clear_caches()
        stack.enter_context(patch.object(clients, "get_client", client))
        stack.enter_context(patch.object(clients, "dynamodb_client", lambda: tables))
        stack.enter_context(patch.object(clients, "dynamodb_client_without_retries", lambda: tables))
        stack.enter_context(patch.object(secret, "_root", cache(lambda: b"memory")))
        yield tables
    clear_caches()
