"""What each operation of Anima asks of DynamoDB: requests, round trips that wait for each other, and capacity units.

On the local engine. Write units are its own count, which follows AWS: two an item and kilobyte in a transaction, checks
too, and one an index entry. It does not count reads by their size, nor batches of them at all, so read units are
reckoned here from what was read, by AWS' rule: one for 4 KB, half of it when eventually consistent.
Nothing is asked concurrently, so that every request is a round trip that the next one waits for. `cold` is with an
empty key cache and a key whose use was last noted more than five minutes ago.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from functions.anima.audit.handler import handler as audit
from functions.anima.email.handler import handler as email
from functions.anima.management.handler import handler as management
from functions.anima.signup.handler import handler as signup
from functions.anima.voice.handler import handler as voice
from infra import topology
from infra.local import engine, provision
from infra.local.pool import Context
from switchboard.access import service as access
from switchboard.audit import service as sealing
from switchboard.aws import clock, session
from switchboard.events import service as events
from tests.actors import Tenant, tenant
from tests.conftest import forget
from tests.load import report, stub
from tests.load.request import event

READ, WRITE, KEYED = "read", "write", "write with key"
#: How many round trips an operation may take when the process knows the key.
TARGETS = {READ: 2, WRITE: 2, KEYED: 4}
_READS = frozenset({"GetItem", "BatchGetItem", "Query"})
_CALL = {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
_MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent.", "correlation_id": stub.CORRELATION_ID}
_numbers = count()


@dataclass
class Counted:
    """What was asked of DynamoDB."""

    operations: list[str] = field(default_factory=list)
    read_units: float = 0
    write_units: float = 0

    def note(self, operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Count one request by its answer."""
        self.operations.append(operation)
        if operation in _READS:
            self.read_units += _read_units(operation, asked, answer)
        else:
            consumed = answer.get("ConsumedCapacity", [])
            parts = consumed if isinstance(consumed, list) else [consumed]
            self.write_units += sum(part["CapacityUnits"] for part in parts)


def _read_units(operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> float:
    if operation == "BatchGetItem":
        ((table, request),) = asked["RequestItems"].items()
        sizes = [_size(item) for item in answer["Responses"].get(table, [])]
        sizes += [0] * (len(request["Keys"]) - len(sizes))
    else:
        request = asked
        sizes = [sum(map(_size, answer["Items"] if operation == "Query" else [answer.get("Item", {})]))]
    units = sum(max(1, -(-size // 4_096)) for size in sizes)
    return units if request.get("ConsistentRead") else units / 2


def _size(value: Any) -> int:
    """About what an attribute, or an item of them, takes up."""
    if isinstance(value, dict):
        return sum(len(name) + _size(part) for name, part in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(str(value).encode())


@dataclass(frozen=True)
class Operation:
    """A request that can be made again and again."""

    name: str
    kind: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    request: Callable[[], dict[str, Any]]


def measure() -> None:
    """Print requests, round trips and units for every operation, with the key cache warm and cold."""
    stub.silence()
    with _engine() as counting, clock.using(clock.Frozen(clock.stamp())):
        rows = [_row(operation, counting) for operation in _operations(tenant("load"))]
    report.table(
        "DynamoDB: round trips (= requests, none are concurrent) and consumed units, on the local engine (targets with"
        " a warm key cache:\na read 2, a write 2, a write with Idempotency-Key 4)",
        ("operation", "kind", "warm", "target", "RCU", "WCU", "cold", "RCU", "WCU"),
        rows,
    )


@contextmanager
def _engine() -> Iterator[list[Counted]]:
    with tempfile.TemporaryDirectory() as folder, engine.running(Path(folder) / "engine.log") as running:
        environ = running.environ()
        environ |= provision.provision(environ) | {"SWITCHBOARD_SIGN_UPS_PER_HOUR": "1000"}
        with patch.dict(os.environ, environ):
            forget()
            yield _hooked()
            forget()


def _hooked() -> list[Counted]:
    """A list whose last entry is what counts all requests from now on."""
    counting = [Counted()]

    def ask(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"
        context["asked"] = params

    def note(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        counting[-1].note(model.name, context["asked"], parsed)

    hooks = session.dynamodb().meta.events
    hooks.register("before-parameter-build.dynamodb", ask)
    hooks.register("after-call.dynamodb", note)
    return counting


def _row(operation: Operation, counting: list[Counted]) -> tuple[object, ...]:
    _count(operation, counting)
    warm = _count(operation, counting)
    cold = _count(operation, counting, cold=True)
    trips = len(warm.operations)
    return (
        operation.name,
        operation.kind,
        trips,
        report.met(trips <= TARGETS[operation.kind]),
        f"{warm.read_units:g}",
        f"{warm.write_units:g}",
        len(cold.operations),
        f"{cold.read_units:g}",
        f"{cold.write_units:g}",
    )


def _count(operation: Operation, counting: list[Counted], *, cold: bool = False) -> Counted:
    request = operation.request()
    if cold:
        access.forget()
        source = clock._source
        assert isinstance(source, clock.Frozen)
        source.advance(minutes=6)
    counted = Counted()
    counting.append(counted)
    answer = operation.handler(request, _context())
    counting.append(Counted())
    assert answer["statusCode"] < 300, answer["body"]
    return counted


def _operations(acme: Tenant) -> list[Operation]:
    agent = {"authorization": f"Bearer {acme.agent_key}"}
    master = {"authorization": f"Bearer {acme.master_key}"}
    sent = json.loads(email(event("POST", "/v1/email/send", agent, _MAIL), _context())["body"])
    hour = clock.stamp()[:13]
    sealing.seal(acme.org_id, list(events.between(f"{hour}:00:00.000Z", f"{hour}:59:59.999Z", acme.org_id)))
    read, write, keyed = _Kind(READ), _Kind(WRITE), _Kind(KEYED)

    def new_key() -> str:
        made = management(event("POST", "/v1/keys", master, {"name": "load", "type": "master"}), _context())
        return str(json.loads(made["body"])["id"])

    def key(name: str = "master") -> dict[str, Any]:
        return {"name": "load", "type": name} | ({"agentId": acme.agent_id} if name == "agent" else {})

    def sign_up() -> dict[str, Any]:
        name = f"load-{next(_numbers)}"
        return {"human_email": f"{name}@example.com", "username": name}

    def username() -> dict[str, Any]:
        return {"username": f"load-{next(_numbers)}"}

    cap = {"enabled": True, "monthlyCapCents": 1_000}
    reply = _MAIL | {"in_reply_to": sent["id"]}
    return [
        write("sign-up", signup, lambda: ("POST", "/v1/agent/sign-up", {}, sign_up())),
        keyed("sign-up", signup, lambda: ("POST", "/v1/agent/sign-up", {}, sign_up())),
        write("send", email, lambda: ("POST", "/v1/email/send", agent, _MAIL)),
        keyed("send", email, lambda: ("POST", "/v1/email/send", agent, _MAIL)),
        write("send: an answer to a mail", email, lambda: ("POST", "/v1/email/send", agent, reply)),
        write(
            "send: master key for an agent",
            email,
            lambda: ("POST", "/v1/email/send", master, _MAIL | {"agentId": acme.agent_id}),
        ),
        write("place a call", voice, lambda: ("POST", "/v1/voice/calls", agent, _CALL)),
        keyed("place a call", voice, lambda: ("POST", "/v1/voice/calls", agent, _CALL)),
        read("list calls", voice, lambda: ("GET", "/v1/voice/calls", agent, None)),
        read("list messages", email, lambda: ("GET", "/v1/email/messages", agent, None)),
        read("read a message", email, lambda: ("GET", f"/v1/email/messages/{sent['id']}", agent, None)),
        read(
            "audit: a workflow",
            audit,
            lambda: ("GET", f"/v1/audit/events?correlation_id={stub.CORRELATION_ID}", agent, None),
        ),
        read("audit: export", audit, lambda: ("GET", "/v1/audit/export", master, None)),
        write("create an agent", management, lambda: ("POST", "/v1/agents", master, username())),
        keyed("create an agent", management, lambda: ("POST", "/v1/agents", master, username())),
        read("list agents", management, lambda: ("GET", "/v1/agents", master, None)),
        read("read an agent", management, lambda: ("GET", f"/v1/agents/{acme.agent_id}", agent, None)),
        write("create a master key", management, lambda: ("POST", "/v1/keys", master, key())),
        write("create an agent's key", management, lambda: ("POST", "/v1/keys", master, key("agent"))),
        keyed("create an agent's key", management, lambda: ("POST", "/v1/keys", master, key("agent"))),
        read("list keys", management, lambda: ("GET", "/v1/keys", master, None)),
        write("rotate a key", management, lambda: ("POST", f"/v1/keys/{new_key()}/rotate", master, {})),
        keyed("rotate a key", management, lambda: ("POST", f"/v1/keys/{new_key()}/rotate", master, {})),
        write("revoke a key", management, lambda: ("DELETE", f"/v1/keys/{new_key()}", master, None)),
        keyed("revoke a key", management, lambda: ("DELETE", f"/v1/keys/{new_key()}", master, None)),
        read("read the hard cap", management, lambda: ("GET", "/v1/billing/hard-cap", master, None)),
        write("set the hard cap", management, lambda: ("PUT", "/v1/billing/hard-cap", master, cap)),
        read("usage", management, lambda: ("GET", "/v1/billing/usage", master, None)),
        read("tier", management, lambda: ("GET", "/v1/billing/tier", master, None)),
    ]


class _Kind:
    """Makes operations of a kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(
        self, name: str, handler: Callable[..., Any], parts: Callable[[], tuple[str, str, dict[str, str], Any]]
    ) -> Operation:
        def request() -> dict[str, Any]:
            method, target, headers, body = parts()
            retry = {"idempotency-key": f"load-key-{next(_numbers):020d}"} if self._kind == KEYED else {}
            return event(method, target, headers | retry, body)

        return Operation(name, self._kind, handler, request)


def _context() -> Context:
    return Context(topology.function("anima/management"))
