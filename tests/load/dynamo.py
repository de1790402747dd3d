"""The DynamoDB usage of each Anima operation: requests, sequential round trips, and capacity units.

On the local engine. A request that starts before another has ended does not wait for it: round trips are the steps of
the longest chain of sequential requests. Each request is delayed a little, as by a network, so that requests overlap
where they can. Write units are the engine's own count, which follows AWS: two per item and kilobyte in a transaction,
checks included, and one per index entry. The engine does not count reads by size, and does not count batch reads. So
read units are computed here by AWS' rule: one per 4 KB, half of that if eventually consistent. `cold` means an empty
key cache and a key whose use was recorded more than five minutes ago. No process holds a lease of its limits.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
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
from switchboard.access import keys as access
from switchboard.accounts.plans import PlanName
from switchboard.audit import sealing as audit_sealing
from switchboard.aws import clients
from switchboard.edge import rate_limit
from switchboard.events import service as events
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.conftest import clear_caches
from tests.load import report, stub
from tests.load.request import api_event

READ, WRITE, KEYED = "read", "write", "write with key"
#: The maximum of round trips of an operation while the process has the key cached.
TARGETS = {READ: 2, WRITE: 2, KEYED: 4}
#: The delay of each request, in seconds.
_NETWORK = 0.003
_READS = frozenset({"GetItem", "BatchGetItem", "Query"})
_CALL = {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
_MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent.", "correlation_id": stub.CORRELATION_ID}
_numbers = count()


@dataclass(frozen=True)
class Request:
    """One request: its start and end, and its consumption."""

    started: float
    ended: float
    read_units: float
    write_units: float


@dataclass
class Counted:
    """The requests to DynamoDB."""

    requests: list[Request] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """The steps of the longest chain of requests in which each starts after the previous one has ended."""
        steps: list[tuple[float, int]] = []
        for request in sorted(self.requests, key=lambda one: one.started):
            before = (number for ended, number in steps if ended <= request.started)
            steps.append((request.ended, 1 + max(before, default=0)))
        return max((number for _, number in steps), default=0)

    @property
    def read_units(self) -> float:
        """The read capacity units of all of them."""
        return sum(one.read_units for one in self.requests)

    def row(self) -> tuple[object, ...]:
        """Requests, read units, write units."""
        written = sum(one.write_units for one in self.requests)
        return len(self.requests), f"{self.read_units:g}", f"{written:g}"


def _write_units(answer: dict[str, Any]) -> float:
    consumed = answer.get("ConsumedCapacity", [])
    parts = consumed if isinstance(consumed, list) else [consumed]
    return float(sum(part["CapacityUnits"] for part in parts))


def _read_units(operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> float:
    if operation == "BatchGetItem":
        sizes = [_size(item) for items in answer["Responses"].values() for item in items]
        sizes += [0] * (sum(len(part["Keys"]) for part in asked["RequestItems"].values()) - len(sizes))
        request = next(iter(asked["RequestItems"].values()))
    else:
        request = asked
        sizes = [sum(map(_size, answer["Items"] if operation == "Query" else [answer.get("Item", {})]))]
    units = sum(max(1, -(-size // 4_096)) for size in sizes)
    return units if request.get("ConsistentRead") else units / 2


def _size(value: Any) -> int:
    """The approximate size of an attribute, or of an item."""
    if isinstance(value, dict):
        return sum(len(name) + _size(part) for name, part in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(str(value).encode())


@dataclass(frozen=True)
class Operation:
    """A repeatable request."""

    name: str
    kind: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    request: Callable[[], dict[str, Any]]


def measure() -> None:
    """Print requests, round trips and units for every operation, with the key cache warm and cold."""
    stub.drop_log()
    with _engine() as counting, clock.using(clock.FrozenClock(clock.now_iso())):
        rows = [
            _row(operation, counting)
            for operation in _operations(tenant("load", PlanName.STARTER), tenant("large", PlanName.SCALE))
        ]
    report.table(
        "DynamoDB: round trips that wait for each other, requests, and consumed units, on the local engine (targets for"
        " the round trips\nwith a warm key cache: a read 2, a write 2, a write with Idempotency-Key 4)",
        ("operation", "kind", "warm", "target", "requests", "RCU", "WCU", "cold", "requests", "RCU", "WCU"),
        rows,
    )


@contextmanager
def _engine() -> Iterator[list[Counted]]:
    with running_tables():
        yield count_requests()


@contextmanager
def running_tables() -> Iterator[None]:
    """Runs the local engine with new tables."""
    with tempfile.TemporaryDirectory() as folder, engine.running_engine(Path(folder) / "engine.log") as running:
        environ = running.environ()
        environ |= provision.provision(environ) | {"SWITCHBOARD_SIGN_UPS_PER_HOUR": "1000"}
        with patch.dict(os.environ, environ):
            clear_caches()
            yield
            clear_caches()


def count_requests() -> list[Counted]:
    """A list whose last entry counts all requests from now on."""
    counting = [Counted()]

    def ask(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"
        context["asked"], context["started"] = params, time.monotonic()

    def note(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        read = model.name in _READS
        request = Request(
            context["started"],
            time.monotonic(),
            _read_units(model.name, context["asked"], parsed) if read else 0,
            0 if read else _write_units(parsed),
        )
        counting[-1].requests.append(request)

    for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries()):
        hooks = client.meta.events
        hooks.register("before-parameter-build.dynamodb", ask)
        hooks.register("before-send.dynamodb", lambda **_: time.sleep(_NETWORK))
        hooks.register("after-call.dynamodb", note)
    return counting


def _row(operation: Operation, counting: list[Counted]) -> tuple[object, ...]:
    _count(operation, counting)
    warm = _count(operation, counting)
    cold = _count(operation, counting, cold=True)
    trips = warm.round_trips
    met = report.met(trips <= TARGETS[operation.kind])
    return operation.name, operation.kind, trips, met, *warm.row(), cold.round_trips, *cold.row()


def _count(operation: Operation, counting: list[Counted], *, cold: bool = False) -> Counted:
    request = operation.request()
    rate_limit.reset_memory()
    if cold:
        access.clear_cache()
        source = clock._source
        assert isinstance(source, clock.FrozenClock)
        source.advance(minutes=6)
    counted = Counted()
    counting.append(counted)
    answer = operation.handler(request, _context())
    counting.append(Counted())
    assert answer["statusCode"] < 300, answer["body"]
    return counted


def _operations(acme: Tenant, large: Tenant) -> list[Operation]:
    agent = {"authorization": f"Bearer {acme.agent_key}"}
    master = {"authorization": f"Bearer {acme.master_key}"}
    sent = json.loads(email(api_event("POST", "/v1/email/send", agent, _MAIL), _context())["body"])
    hour = clock.now_iso()[:13]
    audit_sealing.seal_events(
        acme.org_id, list(events.events_between(f"{hour}:00:00.000Z", f"{hour}:59:59.999Z", acme.org_id))
    )
    read, write, keyed = _Kind(READ), _Kind(WRITE), _Kind(KEYED)

    def new_key() -> str:
        made = management(api_event("POST", "/v1/keys", master, {"name": "load", "type": "master"}), _context())
        return str(json.loads(made["body"])["id"])

    def key(name: str = "master") -> dict[str, Any]:
        return {"name": "load", "type": name} | (named if name == "agent" else {})

    def sign_up() -> dict[str, Any]:
        name = f"load-{next(_numbers)}"
        return {"human_email": f"{name}@example.com", "username": name}

    def username() -> dict[str, Any]:
        return {"username": f"load-{next(_numbers)}"}

    def cap_of_large() -> tuple[str, str, dict[str, str], Any]:
        # A slice with a loan to return.
        spent = email(
            api_event("POST", "/v1/email/send", {"authorization": f"Bearer {large.agent_key}"}, _MAIL), _context()
        )
        assert spent["statusCode"] == 200, spent["body"]
        return "PUT", "/v1/billing/hard-cap", {"authorization": f"Bearer {large.master_key}"}, cap

    cap = {"enabled": True, "monthlyCapCents": 1_000}
    reply = _MAIL | {"in_reply_to": sent["id"]}
    named = {"agentId": acme.agent_id}
    return [
        write("sign-up", signup, lambda: ("POST", "/v1/agent/sign-up", {}, sign_up())),
        keyed("sign-up", signup, lambda: ("POST", "/v1/agent/sign-up", {}, sign_up())),
        write("send", email, lambda: ("POST", "/v1/email/send", agent, _MAIL)),
        keyed("send", email, lambda: ("POST", "/v1/email/send", agent, _MAIL)),
        write("send: an answer to a mail", email, lambda: ("POST", "/v1/email/send", agent, reply)),
        write("send: master key for an agent", email, lambda: ("POST", "/v1/email/send", master, _MAIL | named)),
        write("send: master key answers", email, lambda: ("POST", "/v1/email/send", master, reply | named)),
        keyed("send: master key answers", email, lambda: ("POST", "/v1/email/send", master, reply | named)),
        write("place a call", voice, lambda: ("POST", "/v1/voice/calls", agent, _CALL)),
        keyed("place a call", voice, lambda: ("POST", "/v1/voice/calls", agent, _CALL)),
        write("place a call: master key", voice, lambda: ("POST", "/v1/voice/calls", master, _CALL | named)),
        keyed("place a call: master key", voice, lambda: ("POST", "/v1/voice/calls", master, _CALL | named)),
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
        keyed("set the hard cap", management, lambda: ("PUT", "/v1/billing/hard-cap", master, cap)),
        write("set the hard cap: sliced plan", management, cap_of_large),
        keyed("set the hard cap: sliced plan", management, cap_of_large),
        read("usage", management, lambda: ("GET", "/v1/billing/usage", master, None)),
        read("tier", management, lambda: ("GET", "/v1/billing/tier", master, None)),
    ]


class _Kind:
    """Creates operations of a kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(
        self, name: str, handler: Callable[..., Any], parts: Callable[[], tuple[str, str, dict[str, str], Any]]
    ) -> Operation:
        def request() -> dict[str, Any]:
            method, target, headers, body = parts()
            retry = {"idempotency-key": f"load-key-{next(_numbers):020d}"} if self._kind == KEYED else {}
            return api_event(method, target, headers | retry, body)

        return Operation(name, self._kind, handler, request)


def _context() -> Context:
    return Context(topology.function("anima/management"))
