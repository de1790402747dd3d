"""The cost of a mail, a call and a webhook in DynamoDB: at acceptance, and in total.

The real handlers from the request to the sealed chain, over dynoxide, one after another, with simulated carriers. Units
are computed by `tests/load/capacity.py`. Keys are cached, and no process holds a lease of its limits: an acceptance
costs as much as one request of a busy key. Lambda reads the stream for free.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from functions.anima.email.handler import handler as email
from functions.anima.voice.handler import handler as voice
from functions.anima.webhooks.handler import handler as webhooks
from infra import topology
from infra.local.pool import Context
from switchboard.aws import writes
from switchboard.edge import rate_limit
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import ids
from switchboard.usage import charges
from tests.actors import Tenant, tenant
from tests.load import dynoxide, report, sink, stub
from tests.load.capacity import Units
from tests.load.request import api_event
from tests.load.sink import Sink
from tests.load.world import World, run_world

_CALL = {"to": "+14155550142", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
_MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}
_RECIPIENTS, _LARGE = 50, 100_000
#: The cost of a keyed mail and a call at commit 7b0258c, computed in the same way.
MAIL_TARGET, CALL_TARGET = 17, 32
_TOGETHER = 10
_MINUTES = 20


def measure() -> None:
    """Print requests and units."""
    binary = dynoxide.binary()
    if binary is None:
        print("\nUnits: not measured, dynoxide cannot be had here.")
        return
    rows: list[tuple[object, ...]] = []
    # One slice of the usage: it borrows from time to time, like the slices of a busy organization.
    with sink.run_sink() as found, run_world(binary) as world, patch.object(charges, "choose_slice", lambda _: 0):
        acme = tenant("load")
        bearer = {"authorization": f"Bearer {acme.agent_key}"}
        rows += _mail(world, bearer)
        rows += _call(world, bearer)
        rows += _notices(world, bearer)
        rows += _webhook(world, acme, found)
    report.table(
        f"DynamoDB: requests and units over the whole life of a mail, a call and a webhook, and where they go"
        f"\n(targets at acceptance: a keyed mail {MAIL_TARGET} WCU, a call {CALL_TARGET})",
        ("", "requests", "RCU", "WCU", "largest parts of the WCU"),
        rows,
    )


def _mail(world: World, bearer: dict[str, str]) -> list[tuple[object, ...]]:
    def send() -> None:
        _ask(world, email, api_event("POST", "/v1/email/send", bearer | _key(), _MAIL))

    accepted, later = _life(world, send)
    report.at_most("a keyed mail, at acceptance", accepted.write, "WCU", MAIL_TARGET)
    report.without_target("a keyed mail, its whole life", accepted.write + _sum(later).write, "WCU")
    report.without_target("a keyed mail, its whole life, requests", _requests(accepted, _sum(later)), "requests")
    return _rows("a keyed mail", accepted, later)


def _call(world: World, bearer: dict[str, str]) -> list[tuple[object, ...]]:
    def place() -> None:
        _ask(world, voice, api_event("POST", "/v1/voice/calls", bearer | _key(), _CALL))

    accepted, later = _life(world, place)
    report.at_most("a keyed call, at acceptance", accepted.write, "WCU", CALL_TARGET)
    report.without_target("a keyed call, its whole life", accepted.write + _sum(later).write, "WCU")
    report.without_target("a keyed call, its whole life, requests", _requests(accepted, _sum(later)), "requests")
    return _rows("a keyed call", accepted, later)


def _notices(world: World, bearer: dict[str, str]) -> list[tuple[object, ...]]:
    """Fifty notices of one large mail: their cost must not include the body."""

    def send(length: int, number: int) -> None:
        to = [f"you{number}.{n}@example.com" for n in range(_RECIPIENTS)]
        _ask(
            world, email, api_event("POST", "/v1/email/send", bearer, {"to": to, "subject": "s", "body": "b" * length})
        )

    rows: list[tuple[object, ...]] = []
    found: list[Units] = []
    for number, length in enumerate((1_000, _LARGE)):
        _, later = _life(world, lambda length=length, number=number: send(length, number))  # type: ignore[misc]
        notices = later["workers/email_events"]
        found.append(notices)
        rows.append(_row(f"a mail's {_RECIPIENTS} notices, body of {length // 1_000} KB", notices))
    small, large = found
    report.at_most(f"a mail's {_RECIPIENTS} notices, 100 KB body / 1 KB body", large.write / small.write, "times", 1.1)
    report.without_target(f"a mail's {_RECIPIENTS} notices, 100 KB body", large.write, "WCU")
    return rows


def _webhook(world: World, acme: Tenant, found: Sink) -> list[tuple[object, ...]]:
    master = {"authorization": f"Bearer {acme.master_key}"}
    wanted = {"url": f"{found.url}/hook", "events": ["message.sent"]}
    _ask(world, webhooks, api_event("POST", "/v1/webhooks", master, wanted))
    rows: list[tuple[object, ...]] = []
    # The first delivery gives the endpoint a record of a response.
    for number in (1, 1, _TOGETHER):
        world.settle()
        world.meter.taken()
        _deliveries(world, acme, number)
        by_name = world.meter.taken()
        assert len(found.taken()) == number, "not all deliveries arrived"
        if number == 1 and not rows:
            rows.append(())
            continue
        sum_ = _sum(by_name)
        rows += [
            _row(f"webhooks, {number} in a batch: {name.removeprefix('workers/')}", units, number)
            for name, units in by_name.items()
        ]
        label = "a delivered webhook" if number == 1 else f"a delivered webhook, {number} in a batch"
        report.without_target(f"{label}: requests", sum_.requests.total() / number, "requests")
        report.without_target(f"{label}: units", sum_.write / number, "WCU")
    return rows[1:]


def _deliveries(world: World, acme: Tenant, number: int) -> None:
    """Dispatch a number of events, each of its own workflow, and deliver their webhooks, each in one batch."""
    with world.meter.aside():
        sent = _ask(
            world,
            email,
            api_event("POST", "/v1/email/send", {"authorization": f"Bearer {acme.agent_key}"}, _MAIL),
        )
        world.taken("email")
        for _ in range(number):
            work = SystemActor(
                org_id=acme.org_id,
                actor=Actor(type="system", id="load"),
                agent_id=acme.agent_id,
                correlation_id=ids.new_id("corr"),
            )
            subject = Subject(type="message", id=sent["id"], version=1)
            writes.commit(
                events.event_write(events.new_event(work, "email.sent", subject, kind="mail", recipients=["0" * 64]))
            )
    world.hand_on()
    world.taken("audit")
    world.taken("email")
    world.invoke("webhooks", world.taken("webhooks"))
    for queue in ("deliveries", "slow-deliveries"):  # the first delivery of a new endpoint goes there
        world.invoke(queue, world.taken(queue))


_keys = iter(range(1_000_000))


def _key() -> dict[str, str]:
    return {"idempotency-key": f"load-key-{next(_keys):020d}"}


def _ask(world: World, handler: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    rate_limit.reset_memory()
    with world.meter.of("acceptance"), stub.drop_metrics():
        answer = handler(request, Context(topology.function("anima/management")))
    assert answer["statusCode"] < 300, answer["body"]
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def _life(world: World, begin: Callable[[], None]) -> tuple[Units, dict[str, Units]]:
    """The consumption at acceptance, and after it by consumer."""
    begin()
    world.pass_by(_MINUTES)
    world.meter.taken()
    # The second run, so that month and day counters exist; and a third, so that the process has cached the key.
    with world.meter.aside():
        begin()
    world.meter.outbox.clear()
    begin()
    world.settle()
    world.pass_by(_MINUTES)
    later = world.meter.taken()
    return later.pop("acceptance"), later


def _sum(found: dict[str, Units]) -> Units:
    total = Units()
    for units in found.values():
        total.add(units)
    return total


def _requests(*parts: Units) -> int:
    return sum(part.requests.total() for part in parts)


def _rows(name: str, accepted: Units, later: dict[str, Units]) -> list[tuple[object, ...]]:
    total = _sum({"accepted": accepted, **later})
    return [
        _row(f"{name}: acceptance", accepted),
        *(_row(f"{name}: {worker}", units) for worker, units in later.items() if units.requests),
        _row(f"{name}: whole life", total),
    ]


def _row(name: str, units: Units, number: int = 1) -> tuple[object, ...]:
    largest = ", ".join(f"{place} {amount / number:g}" for place, amount in units.places.most_common(4))
    return (
        name,
        f"{units.requests.total() / number:g}",
        f"{units.read / number:g}",
        f"{units.write / number:g}",
        largest,
    )
