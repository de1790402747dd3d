"""Concurrent requests on the engine: shared helpers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from switchboard.email import service as email
from switchboard.email.models import MailDraft, Message
from switchboard.kit import chance, clock
from switchboard.timers import store as timer_store
from switchboard.usage import charges
from tests.actors import Tenant
from tests.integration.sabotage import drain_queue, scan_items

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _any_slice(_first_slice: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is counted on any slice, as in a deployment."""
    monkeypatch.setattr(charges, "choose_slice", chance.below)


def run_together(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start the jobs together, one thread each. Returns each job's result or exception."""
    ready = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T | Exception:
        ready.wait()
        try:
            return job()
        except Exception as error:  # noqa: BLE001 a refusal is an outcome here
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def draft(recipients: int = 1) -> MailDraft:
    return MailDraft(to=[f"you+{number}@example.com" for number in range(recipients)], subject="s", body="b")


def list_messages(acme: Tenant) -> list[Message]:
    return email.list_messages(acme.caller(master=True), None, {}, 100, None)[0]


def count_events(acme: Tenant, kind: str) -> int:
    """The number of events of a type."""
    found = (item for item in scan_items("activity") if item.get("outbox") == {"S": "event"})
    return sum(item["type"] == {"S": kind} and item["org_id"] == {"S": acme.org_id} for item in found)


def count_outcomes(results: list[Any]) -> Counter[type]:
    return Counter(type(result) for result in results)


@pytest.fixture
def org(engine_cloud: dict[str, str], frozen: clock.FrozenClock) -> str:
    timer_store.advance_watermark(clock.now_iso()[:16])
    drain_queue("email")  # make the client before the threads need it
    return "org_1"
