"""A warm request: the whole handler with the store stubbed, compared with FastAPI and Mangum in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from functions.anima.audit.handler import handler as audit_handler
from functions.anima.email.handler import handler as email_handler
from functions.anima.signup.handler import handler as sign_up_handler
from infra import topology
from infra.local.pool import Context
from tests.load import report, rival, stub
from tests.load.request import api_event

TARGET = 3
_BATCHES, _BATCH = 30, 50
_MAIL = {
    "to": ["ann@example.com", "bob@example.com"],
    "subject": "The weekly report",
    "body": "Dear both,\n" + "the figures of this week are attached below.\n" * 20,
    "metadata": {"report": "weekly"},
}

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def measure() -> None:
    """Print the cost of a request in both."""
    with stub.use_stub() as store:
        bearer = {"authorization": f"Bearer {store.key.text}"}
        sign_up = {"human_email": "ann@example.com", "username": "ann", "name": "Ann"}
        read = f"/v1/audit/events?correlation_id={stub.CORRELATION_ID}"
        rows = [
            _row("POST /v1/email/send", email_handler, api_event("POST", "/v1/email/send", bearer, _MAIL)),
            _row("GET /v1/audit/events", audit_handler, api_event("GET", read, bearer)),
            _row("POST /v1/agent/sign-up", sign_up_handler, api_event("POST", "/v1/agent/sign-up", {}, sign_up)),
        ]
    report.table(
        f"Warm request: the whole handler, store stubbed, median of {_BATCHES} batches of {_BATCH} (target: {TARGET}"
        " times faster than\nFastAPI + Mangum as documented for blocking code; beside it FastAPI at its leanest:"
        " tests/load/rival.py says how)",
        ("operation", "ours µs", "FastAPI µs", "ratio", "target", "leanest µs", "ratio"),
        rows,
    )


def _row(name: str, ours: Handler, request: dict[str, Any]) -> tuple[object, ...]:
    context = Context(topology.function("anima/email"))
    handlers: tuple[Handler, ...] = (ours, rival.make_handler(lean=False), rival.make_handler(lean=True))
    for handler in handlers:
        answer = handler(request, context)
        assert answer["statusCode"] == 200, answer["body"]
    times: list[list[float]] = [[] for _ in handlers]
    for _ in range(_BATCHES):
        for handler, taken in zip(handlers, times, strict=True):
            taken.append(_batch(handler, request, context))
    mine, documented, leanest = (median(taken) * 1e6 for taken in times)
    return (
        name,
        f"{mine:.0f}",
        f"{documented:.0f}",
        f"{documented / mine:.1f}",
        report.met(documented >= TARGET * mine),
        f"{leanest:.0f}",
        f"{leanest / mine:.1f}",
    )


def _batch(handler: Handler, request: dict[str, Any], context: Any) -> float:
    started = time.perf_counter()
    for _ in range(_BATCH):
        handler(request, context)
    return (time.perf_counter() - started) / _BATCH
