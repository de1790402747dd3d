"""The live stream over HTTP: no event lost or repeated across disconnects, and no other organization's events.

The client is httpx-sse, used as in its documentation. It also shows blocks without data, which an EventSource hides.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent, connect_sse

from switchboard.kit import clock
from tests.conftest import Stack
from tests.integration.anima.conftest import MAIL, SEND, assert_problem
from tests.integration.conftest import SignedUp, wait_until

STREAM = "/v1/events/stream"


@pytest.fixture
def demo(stack: Stack) -> dict[str, str]:
    """The demo organization's master key. Its scale plan allows many requests."""
    return {"Authorization": f"Bearer {stack.keys['ANIMA_MASTER_KEY']}"}


@contextmanager
def open_stream(http: httpx.Client, headers: dict[str, str], **query: str) -> Iterator[Iterator[ServerSentEvent]]:
    """The events of a stream from now on."""
    # The library adds to the headers that it is given.
    with connect_sse(http, "GET", STREAM, headers=dict(headers), params=query) as source:
        assert source.response.status_code == 200
        blocks = source.iter_sse()
        # The opening block shows that the stream is open: every later event must be in it.
        assert next(blocks).retry
        yield (block for block in blocks if block.data)


def until_event(events: Iterator[ServerSentEvent], wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The events of a stream, up to an awaited event."""
    seen = []
    for event in events:
        seen.append(json.loads(event.data))
        if wanted(seen[-1]):
            return seen
    raise AssertionError(f"the stream ended before: {seen}")


def send_mail(http: httpx.Client, headers: dict[str, str], name: str = "stream") -> None:
    answer = http.post(SEND, json=MAIL, headers=headers | {"x-correlation-id": name})
    assert answer.status_code == 200, answer.text


def is_delivered(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: (event["event"], event["correlationId"]) == ("email.delivered", name)


def test_each_step_of_a_mail_is_shown_within_two_seconds(http: httpx.Client, acme: SignedUp) -> None:
    late = []
    with open_stream(http, acme.agent) as events:
        for place in range(4):
            send_mail(http, acme.agent, f"mail-{place}")
            seen = []
            for event in events:
                shown = json.loads(event.data)
                if shown["correlationId"] != f"mail-{place}":
                    continue  # the sign-up's own events, which enter the chain a moment later
                late.append(time.time() - clock.parse(shown["ts"]).timestamp())
                seen.append(shown)
                if is_delivered(f"mail-{place}")(shown):
                    break
            assert [one["event"] for one in seen] == ["email.queued", "email.sent", "email.delivered"]
            assert event.event == "message", "events have no name of their own"
            assert seen[0].keys() == {"ts", "channel", "agentId", "event", "detail", "correlationId"}
            assert {one["agentId"] for one in seen} == {acme.agent_id}
            assert not [one for one in seen if MAIL["to"] in json.dumps(one)]
    # One may be late while the machine is busy.
    assert sorted(late)[-2] < 2, late


def test_a_stream_has_the_common_response_headers(http: httpx.Client, acme: SignedUp) -> None:
    headers = acme.agent | {"x-correlation-id": "watching"}
    with http.stream("GET", STREAM, headers=headers) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["x-correlation-id"] == "watching"
        assert int(answer.headers["x-ratelimit-limit"]) == 60
        assert answer.headers["cache-control"] == "no-store"


def sign_up_and_wait(http: httpx.Client, who: SignedUp) -> SignedUp:
    """An organization with its sign-up and welcome mail in the chain, so that a stream begins after them."""
    wait_until(lambda: any(document["action"] == "email.queued" for document in list_documents(http, who)))
    return who


def list_documents(http: httpx.Client, who: SignedUp) -> list[dict[str, Any]]:
    """The links of the organization's chain."""
    found: list[dict[str, Any]] = http.get("/v1/audit/export", headers=who.master).json()["documents"]
    return found


def is_creation_of(agent_id: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a link of the chain is the creation of an agent."""
    return lambda document: document["action"] == "agent.created" and agent_id in json.dumps(document)


def test_a_stream_begins_with_events_after_its_request(http: httpx.Client, acme: SignedUp) -> None:
    with open_stream(http, acme.agent) as events:
        send_mail(http, acme.agent, "before")
        until_event(events, is_delivered("before"))
    with open_stream(http, acme.agent) as events:
        send_mail(http, acme.agent, "after")
        seen = until_event(events, is_delivered("after"))
    assert {event["correlationId"] for event in seen} == {"after"}


def test_filters_and_keys_select_the_agents_events(http: httpx.Client, acme: SignedUp) -> None:
    made = http.post("/v1/agents", json={"username": f"{acme.inbox_id.partition('@')[0]}-2"}, headers=acme.master)
    assert made.status_code == 201, made.text
    other_id = made.json()["id"]
    other = {"Authorization": f"Bearer {made.json()['apiKey']}"}
    sign_up_and_wait(http, acme)
    wait_until(lambda: any(map(is_creation_of(other_id), list_documents(http, acme))))
    with (
        open_stream(http, acme.agent) as mine,
        open_stream(http, acme.master, agent_id=other_id) as others,
        open_stream(http, acme.master) as everything,
        open_stream(http, acme.master, channel="email") as mails,
    ):
        send_mail(http, acme.agent, "first")
        send_mail(http, other, "second")
        answer = http.post("/v1/keys", json={"name": "spare", "agentId": acme.agent_id}, headers=acme.master)
        assert answer.status_code == 201
        send_mail(http, acme.agent, "last")
        assert {event["agentId"] for event in until_event(mine, is_delivered("last"))} == {acme.agent_id}
        assert {event["agentId"] for event in until_event(others, is_delivered("second"))} == {other_id}
        seen = until_event(everything, is_delivered("last"))
        assert {event["agentId"] for event in seen} >= {acme.agent_id, other_id}
        assert {event["channel"] for event in seen} == {"email", "key"}
        assert {event["channel"] for event in until_event(mails, is_delivered("last"))} == {"email"}


def test_filtered_events_are_not_shown(http: httpx.Client, acme: SignedUp) -> None:
    impatient = httpx.Timeout(20, read=1.5)
    with (
        connect_sse(
            http, "GET", STREAM, headers=dict(acme.agent), params={"channel": "voice"}, timeout=impatient
        ) as calls,
        open_stream(http, acme.agent) as everything,
    ):
        blocks = calls.iter_sse()
        assert next(blocks).retry
        send_mail(http, acme.agent, "mail")
        until_event(everything, is_delivered("mail"))
        with pytest.raises(httpx.ReadTimeout):
            next(blocks)


def test_no_key_shows_another_organizations_events(
    http: httpx.Client, acme: SignedUp, sign_up: Callable[[], SignedUp]
) -> None:
    other = sign_up_and_wait(http, sign_up())
    sign_up_and_wait(http, acme)
    assert_problem(http.get(STREAM, params={"agent_id": other.agent_id}, headers=acme.master), 404, "NOT_FOUND")
    with open_stream(http, acme.master) as events:
        send_mail(http, other.agent, "theirs")
        send_mail(http, acme.agent, "ours")
        seen = until_event(events, is_delivered("ours"))
    assert {event["correlationId"] for event in seen} == {"ours"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"channel": "fax"}, {}),
        ({"last_event_id": "x"}, {}),
        ({}, {"Last-Event-ID": "evt_1"}),
        ({}, {"Last-Event-ID": "-1"}),
    ],
)
def test_bad_input_is_refused(
    http: httpx.Client, acme: SignedUp, query: dict[str, str], headers: dict[str, str]
) -> None:
    details = assert_problem(http.get(STREAM, params=query, headers=acme.agent | headers), 400, "VALIDATION_ERROR")
    assert list(details["fields"]) == [*query, *(name.lower() for name in headers)]


def test_only_get_with_a_key_is_accepted(http: httpx.Client, acme: SignedUp) -> None:
    answer = http.post(STREAM, headers=acme.agent)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET"
    assert_problem(http.get(STREAM), 401, "UNAUTHORIZED")
    assert_problem(http.get("/v1/events/nothing", headers=acme.agent), 404, "NOT_FOUND")


def test_a_revoked_key_ends_its_stream(http: httpx.Client, acme: SignedUp) -> None:
    made = http.post("/v1/keys", json={"name": "brief", "agentId": acme.agent_id}, headers=acme.master).json()
    brief = {"Authorization": f"Bearer {made['key']}"}
    with connect_sse(http, "GET", STREAM, headers=dict(brief)) as source:
        lines = source.response.iter_lines()
        assert next(lines).startswith("retry: ")
        assert http.delete(f"/v1/keys/{made['id']}", headers=acme.master).is_success
        started = time.monotonic()
        assert ": The API key is revoked: use another key." in list(lines)
    # A second of key cache, a second between two checks, and some for a busy machine.
    assert time.monotonic() - started < 5
    assert_problem(http.get(STREAM, headers=brief), 401, "UNAUTHORIZED")


@contextmanager
def take_all_streams(http: httpx.Client, headers: dict[str, str]) -> Iterator[None]:
    """All five live streams of the free plan, taken by other clients."""
    sources = [http.send(http.build_request("GET", STREAM, headers=headers), stream=True) for _ in range(5)]
    try:
        assert {source.status_code for source in sources} == {200}
        yield
    finally:
        for source in sources:
            source.close()


def poll_events(http: httpx.Client, headers: dict[str, str], last: str) -> tuple[list[ServerSentEvent], str]:
    """One short response: its events, and the client's next position."""
    with connect_sse(http, "GET", STREAM, headers=headers | ({"Last-Event-ID": last} if last else {})) as source:
        assert source.response.status_code == 200
        blocks = list(source.iter_sse())
    assert 500 <= (blocks[0].retry or 0) <= 8_000
    return [block for block in blocks if block.data], next((block.id for block in reversed(blocks) if block.id), last)


def test_beyond_five_live_streams_the_free_plan_gets_short_responses(http: httpx.Client, acme: SignedUp) -> None:
    sign_up_and_wait(http, acme)
    seen: list[ServerSentEvent] = []
    with take_all_streams(http, acme.master):
        nothing, last = poll_events(http, acme.agent, "")
        start = int(last)
        assert not nothing
        for place in range(3):
            send_mail(http, acme.agent, f"short-{place}")
            for _ in range(2):
                found, last = poll_events(http, acme.agent, last)
                seen += found

        def is_there() -> bool:
            nonlocal last
            found, last = poll_events(http, acme.agent, last)
            seen.extend(found)
            return any(is_delivered("short-2")(json.loads(event.data)) for event in seen)

        wait_until(is_there, 10)
    assert [int(event.id) for event in seen] == list(range(start + 1, start + 1 + len(seen)))
    assert len(seen) == 9

    def is_live() -> bool:
        with http.stream("GET", STREAM, headers=acme.agent) as answer:
            return "content-length" not in answer.headers

    wait_until(is_live, 5)


def test_random_disconnects_lose_and_repeat_no_event(stack: Stack, http: httpx.Client, demo: dict[str, str]) -> None:
    agent = {"Authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    start = http.get("/v1/audit/export", params={"after": 0, "limit": 1}, headers=demo).json()["head"]["seq"]
    chance = random.Random(7)
    stop = threading.Event()

    def write() -> None:
        for place in range(60):
            send_mail(http, agent, f"many-{place}")  # three events
            for enabled in (True, False):
                cap = {"enabled": enabled, "monthlyCapCents": 10_000_000}
                assert http.put("/v1/billing/hard-cap", json=cap, headers=demo).is_success
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[ServerSentEvent] = []
    last, connections = str(start), 0
    while not (stop.is_set() and len(seen) >= 300):
        assert connections < 500
        connections += 1
        # Some connections break after a number of events, some after a time, at any point.
        patience = httpx.Timeout(20, read=chance.choice([0.2, 0.7, 3]))
        wanted = chance.randint(1, 20)
        try:
            with http.stream("GET", STREAM, headers=demo | {"Last-Event-ID": last}, timeout=patience) as response:
                for event in EventSource(response).iter_sse():
                    last = event.id or last
                    if event.data:
                        seen.append(event)
                        wanted -= 1
                    if not wanted:
                        break
        except httpx.ReadTimeout:
            continue
    writer.join()
    ids = [int(event.id) for event in seen]
    assert connections > 10
    assert ids == list(range(start + 1, start + 1 + len(ids))), "in the chain's order, without a gap"
    assert len(ids) >= 300
    documents: list[dict[str, Any]] = []
    while len(documents) < len(ids):
        page = http.get("/v1/audit/export", params={"after": start + len(documents)}, headers=demo).json()
        documents += page["documents"]
    for event, document in zip(seen, documents, strict=False):
        shown = json.loads(event.data)
        assert (event.event, shown["event"]) == ("message", document["action"])
        assert (shown["ts"], shown["correlationId"]) == (document["timestamp"], document["correlationId"])


def test_an_id_beyond_the_chain_means_its_end(http: httpx.Client, acme: SignedUp) -> None:
    sign_up_and_wait(http, acme)
    with open_stream(http, acme.agent | {"Last-Event-ID": "999999"}) as events:
        send_mail(http, acme.agent, "new")
        seen = until_event(events, is_delivered("new"))
    assert [event["event"] for event in seen] == ["email.queued", "email.sent", "email.delivered"]


def test_a_client_can_read_the_chain_from_its_first_event(http: httpx.Client, acme: SignedUp) -> None:
    sign_up_and_wait(http, acme)
    documents = http.get("/v1/audit/export", headers=acme.master).json()["documents"]
    with open_stream(http, acme.master, last_event_id="0") as events:
        shown = [next(events) for _ in documents]
    assert [int(event.id) for event in shown] == [document["seq"] for document in documents]


def test_many_clients_watch_concurrently(stack: Stack, http: httpx.Client, demo: dict[str, str]) -> None:
    agent = {"Authorization": f"Bearer {stack.keys['ANIMA_AGENT_KEY']}"}
    seen: list[list[dict[str, Any]]] = []
    opened = threading.Barrier(31, timeout=20)

    def watch() -> None:
        with httpx.Client(base_url=stack.url, timeout=20) as own, open_stream(own, demo) as events:
            opened.wait()
            seen.append(until_event(events, is_delivered("for-many")))

    threads = [threading.Thread(target=watch) for _ in range(30)]
    for thread in threads:
        thread.start()
    opened.wait()
    send_mail(http, agent, "for-many")
    for thread in threads:
        thread.join(20)
    assert len(seen) == 30
    assert all(one == seen[0] for one in seen)
