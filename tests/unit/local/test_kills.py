"""The effects of a killed process on clients and workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest

from infra import topology
from infra.local.checkpoint import Checkpoint
from infra.local.event_sources import EventSources
from infra.local.gateway import Gateway
from infra.local.pool import Pool
from switchboard import telemetry

_EMAIL = next(worker for worker in topology.WORKERS if worker.name == "workers/email")
_MESSAGES = [{"MessageId": name, "ReceiptHandle": f"handle-{name}", "Body": "{}"} for name in ("one", "two")]


class _Pool:
    """A pool whose only process fails the message `two`, or dies."""

    size = 1

    def __init__(self, *, dies: bool = False) -> None:
        self._dies = dies

    async def invoke(self, _name: str, _event: dict[str, Any]) -> Any:
        if self._dies:
            raise BrokenProcessPool
        return {"batchItemFailures": [{"itemIdentifier": "two"}]}


@pytest.mark.parametrize("path", ["/v1/email/send", "/functions/v1/external-api", "/api/external/v1/calls", "/api/me"])
def test_a_request_whose_process_dies_is_answered_502_with_what_to_do(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "logger", lambda: Mock(handlers=[]))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    gateway = Gateway(cast("Pool", _Pool(dies=True)), tmp_path / "functions.log")
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"", "headers": []}
    asyncio.run(gateway(scope, receive, send))

    assert sent[0]["status"] == 502
    assert b"try it again with the same Idempotency-Key" in sent[1]["body"]


@pytest.mark.parametrize(
    ("lives", "shown"),
    [((7, 7), []), ((7, None), ["handle-two"]), ((7, 8), ["handle-two"])],
    ids=["the engine runs", "the engine has ended", "the engine has restarted"],
)
def test_a_message_that_fails_while_the_engine_is_away_is_shown_in_a_second(
    lives: tuple[int | None, ...], shown: list[str], tmp_path: Path
) -> None:
    life: Iterator[int | None] = iter(lives)
    sqs = Mock()
    pool = cast("Pool", _Pool())
    pumps = EventSources(pool, {}, {}, Checkpoint(tmp_path / "places.json"), lambda: next(life))

    asyncio.run(pumps._process_messages(_EMAIL, sqs, "http://127.0.0.1/000000000000/email", _MESSAGES))

    asked = [entry for call in sqs.change_message_visibility_batch.mock_calls for entry in call.kwargs["Entries"]]
    assert [(entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in asked] == [(one, 1) for one in shown]
    (deleted,) = sqs.delete_message_batch.mock_calls
    assert [entry["ReceiptHandle"] for entry in deleted.kwargs["Entries"]] == ["handle-one"]
