"""The ASGI app: the response head from the common pipeline, then the events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.streams.anima import api
from functions.streams.handler import handler
from switchboard.accounts import keys
from switchboard.edge.streaming.app import StreamApp
from switchboard.edge.streaming.proxy_events import proxy_event
from switchboard.edge.streaming.responses import StreamContext
from switchboard.streams import pools, service, store
from tests.actors import Tenant, tenant
from tests.contract.spec import LIMITS
from tests.unit.streams.conftest import Clock, StandStill, parse_blocks, record_events, run_inline

PATH = "/v1/events/stream"


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


class Connection:
    """One request to the app, and its response so far."""

    def __init__(self, app: StreamApp, key: str | None, query: str = "", method: str = "GET", **headers: str) -> None:
        pairs = {"authorization": f"Bearer {key}"} if key else {}
        pairs |= {name.replace("_", "-"): value for name, value in headers.items()}
        context = {"identity": {"sourceIp": "203.0.113.7"}}
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = False
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        self._scope = {
            "type": "http",
            "method": method,
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": query.encode(),
            "headers": [
                *((name.encode(), value.encode()) for name, value in pairs.items()),
                (b"x-amzn-request-context", json.dumps(context).encode()),
            ],
        }
        self.task = asyncio.create_task(app(self._scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            assert all(name.islower() for name in self.headers)
        else:
            self.body += message["body"]
            self.ended = not message.get("more_body")
        self._news.set()

    async def until(self, wanted: Callable[[], Any]) -> None:
        async with asyncio.timeout(5):
            while not wanted():
                self._news.clear()
                if not wanted():
                    await self._news.wait()

    async def opened(self) -> Connection:
        await self.until(lambda: self.body or self.ended)
        return self

    async def leave(self) -> None:
        self._gone.set()
        await self.task

    @property
    def events(self) -> list[dict[str, Any]]:
        text = "\n".join(line for line in self.body.decode().split("\n") if not line.startswith(":"))
        return [block for block in parse_blocks(text) if "data" in block]


def make_app() -> tuple[StreamApp, StandStill]:
    feeds = StandStill(Clock())
    return StreamApp(api, run=run_inline, feeds=feeds), feeds


def test_events_arrive_in_the_contracts_shape(acme: Tenant) -> None:
    async def scene() -> None:
        app, feeds = make_app()
        client = await Connection(app, acme.agent_key, x_correlation_id="tour").opened()
        assert (client.status, client.headers["content-type"]) == (200, "text/event-stream")
        assert client.headers["x-correlation-id"] == "tour"
        assert client.headers["x-request-id"].startswith("req_")
        assert client.headers["cache-control"] == "no-store"
        assert {name.lower() for name in LIMITS} <= client.headers.keys()
        assert "content-length" not in client.headers
        record_events(acme, 2)
        await feeds.look(acme.org_id)
        await client.until(lambda: len(client.events) == 2)
        first = client.events[0]
        assert (first["id"], first["data"]["event"]) == (1, "email.sent")
        assert first["data"].keys() == {"ts", "channel", "agentId", "event", "detail", "correlationId"}
        assert first["data"]["agentId"] == acme.agent_id
        await client.leave()
        assert not feeds._feeds
        # The released place is free again.
        shards = [shard.id for shard in pools.shards_of_plan(acme.caller().organization.plan)]
        for found in store.get_leases([store.organization_item_id(acme.org_id), *shards]):
            assert not found

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"key": None}, 401, "UNAUTHORIZED"),
        ({"key": "ak_nonsense"}, 401, "UNAUTHORIZED"),
        ({"query": "channel=fax"}, 400, "VALIDATION_ERROR"),
        ({"query": "agent_id=agt_other"}, 404, "NOT_FOUND"),
        ({"query": "last_event_id=x"}, 400, "VALIDATION_ERROR"),
        ({"last_event_id": "12x"}, 400, "VALIDATION_ERROR"),
        ({"last_event_id": "-1"}, 400, "VALIDATION_ERROR"),
        ({"last_event_id": "1234567890123"}, 400, "VALIDATION_ERROR"),
        ({"x_correlation_id": "two words"}, 400, "VALIDATION_ERROR"),
        ({"method": "POST"}, 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_a_refusal_is_a_problem_document(acme: Tenant, options: dict[str, Any], status: int, code: str) -> None:
    async def scene() -> None:
        app, feeds = make_app()
        refused = await Connection(app, **({"key": acme.agent_key} | options)).opened()
        await refused.task
        assert (refused.status, json.loads(refused.body)["code"]) == (status, code)
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["content-length"]) == len(refused.body)
        assert {"x-request-id", "x-correlation-id", "x-ratelimit-limit"} <= refused.headers.keys()
        assert refused.headers.get("allow") == ("GET" if status == 405 else None)
        assert not feeds._feeds

    asyncio.run(scene())


@pytest.mark.parametrize("how", ["header", "query", "empty header and query"])
def test_a_client_resumes_after_its_last_event(acme: Tenant, how: str) -> None:
    record_events(acme, 5)
    options = {
        "header": {"last_event_id": "2"},
        "query": {"query": "last_event_id=2"},
        "empty header and query": {"last_event_id": "", "query": "last_event_id=2"},
    }[how]

    async def scene() -> None:
        app, _ = make_app()
        client = await Connection(app, acme.agent_key, **options).opened()
        await client.until(lambda: len(client.events) == 3)
        assert [event["id"] for event in client.events] == [3, 4, 5]
        await client.leave()

    asyncio.run(scene())


def test_beyond_the_limit_the_response_has_the_missed_events_and_ends(cloud: dict[str, str]) -> None:
    made = tenant("small", open_streams=1)
    record_events(made, 3)

    async def scene() -> None:
        app, feeds = make_app()
        first = await Connection(app, made.agent_key).opened()
        second = await Connection(app, made.agent_key, last_event_id="1").opened()
        await second.task
        assert second.ended
        assert (second.status, second.headers["content-type"]) == (200, "text/event-stream")
        assert int(second.headers["content-length"]) == len(second.body)
        assert [event["id"] for event in second.events] == [2, 3]
        assert second.body.startswith(b"retry: ")
        assert second.body.endswith(b": the limit of 1 open live streams is reached; connect again\n\n")
        assert len(feeds.feed(made.org_id).watchers) == 1
        await first.leave()
        again = await Connection(app, made.agent_key).opened()
        assert (again.status, again.ended) == (200, False)
        await again.leave()

    asyncio.run(scene())


def test_beyond_the_requests_limit_no_events_are_shown(cloud: dict[str, str]) -> None:
    made = tenant("busy", open_streams=0, requests_per_minute=1)
    record_events(made, 3)

    async def scene() -> None:
        app, _ = make_app()
        answers = [await Connection(app, made.agent_key, last_event_id="0").opened() for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 429, 429]
        assert [len(answer.events) for answer in answers[:1]] == [3]
        assert [json.loads(answer.body)["code"] for answer in answers[1:]] == ["RATE_LIMIT"] * 2

    asyncio.run(scene())


def test_a_revoked_key_ends_the_stream_and_does_not_open_another(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_KEY_CACHE_SECONDS", "0")

    async def scene() -> None:
        app, feeds = make_app()
        client = await Connection(app, acme.agent_key).opened()
        keys.revoke_key(acme.caller(master=True), acme.caller().key.id)
        await feeds.look(acme.org_id)
        await client.task
        assert client.ended
        assert client.body.endswith(b": The API key is revoked: use another key.\n\n")
        refused = await Connection(app, acme.agent_key).opened()
        assert refused.status == 401

    asyncio.run(scene())


def test_closing_ends_every_stream_at_once_including_opening_ones(acme: Tenant) -> None:
    async def scene() -> None:
        app, _ = make_app()
        clients = [await Connection(app, acme.agent_key).opened() for _ in range(3)]
        app.close()
        async with asyncio.timeout(1):
            await asyncio.gather(*(client.task for client in clients))
        assert all(client.ended for client in clients)
        late = await Connection(app, acme.agent_key).opened()
        async with asyncio.timeout(1):
            await late.task
        assert late.ended

    asyncio.run(scene())


def test_the_lease_is_released_before_the_response_ends(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        app, _ = make_app()
        client = await Connection(app, acme.agent_key).opened()
        had_ended: list[bool] = []
        monkeypatch.setattr(service, "release_stream", lambda _: had_ended.append(client.ended))
        app.close()
        await client.task
        assert client.ended
        assert had_ended == [False]

    asyncio.run(scene())


def test_an_error_in_the_stream_releases_the_lease(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[str] = []
    monkeypatch.setattr(service, "release_stream", lambda subscription: released.append(subscription.id))

    async def scene() -> None:
        app, feeds = make_app()

        def fail(*_: Any) -> Any:
            raise RuntimeError("no feed")

        monkeypatch.setattr(feeds, "join_feed", fail)
        with pytest.raises(RuntimeError):
            await Connection(app, acme.agent_key).task

    asyncio.run(scene())
    assert len(released) == 1


def test_under_mangum_the_response_has_the_current_events_and_the_client_reconnects(acme: Tenant) -> None:
    record_events(acme, 3)

    def ask(**headers: str) -> dict[str, Any]:
        event = {
            "resource": "/events/stream",
            "path": "/events/stream",
            "httpMethod": "GET",
            "headers": {"Authorization": f"Bearer {acme.agent_key}", **headers},
            "multiValueHeaders": {"Authorization": [f"Bearer {acme.agent_key}"]}
            | {name: [value] for name, value in headers.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
            "body": None,
            "isBase64Encoded": False,
        }
        return handler(event, StreamContext())

    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        answer = ask(**{"Last-Event-ID": "1"})
        refused = ask(**{"Last-Event-ID": "one"})
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["headers"]["content-type"] == "text/event-stream"
    assert "id: 2\n" in answer["body"]
    assert answer["body"].endswith(": come again\n\n")
    assert (refused["statusCode"], json.loads(refused["body"])["code"]) == (400, "VALIDATION_ERROR")


def test_the_adapters_request_becomes_its_original_event() -> None:
    event = proxy_event(
        {
            "path": "/v1/events/stream",
            "method": "GET",
            "query_string": b"channel=email&agent_id=a%20b&channel=sms&empty=",
            "headers": [
                (b"accept", b"text/event-stream"),
                (b"last-event-id", b"1"),
                (b"last-event-id", b"2"),
                (b"x-amzn-request-context", b'{"identity":{"sourceIp":"203.0.113.7"}}'),
            ],
        }
    )
    assert event["requestContext"]["identity"]["sourceIp"] == "203.0.113.7"
    assert event["multiValueHeaders"] == {"accept": ["text/event-stream"], "last-event-id": ["1", "2"]}
    assert event["queryStringParameters"] == {"channel": "sms", "agent_id": "a b", "empty": ""}
    assert event["multiValueQueryStringParameters"]["channel"] == ["email", "sms"]
