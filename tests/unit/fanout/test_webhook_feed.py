"""The feed of webhook bodies: each event once, as an endpoint would get it."""

from __future__ import annotations

import pytest

from switchboard.audit import sealing
from switchboard.events import service as events
from switchboard.events.models import Event
from switchboard.fanout import rendering
from switchboard.fanout.webhook_feed import read_webhook_feed
from switchboard.webhooks.bodies import body_text
from tests.actors import Tenant, tenant
from tests.integration.sabotage import scan_items
from tests.unit.webhooks.conftest import send_mail

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def list_events(org_id: str) -> list[Event]:
    """Returns the recorded events of an organization, oldest first."""
    found = []
    for item in scan_items("activity"):
        if item.get("outbox", {}).get("S") == "event" and item["pk"]["S"].startswith(f"{org_id}#"):
            found += events.find_events(org_id, [(item["pk"]["S"].partition("#chain#")[2], item["sk"]["S"])])
    return sorted(found, key=lambda event: event.id)


def seal_new(acme: Tenant, known: int = 0) -> list[Event]:
    """Seals the events of an organization beyond the `known` first ones, and returns these."""
    fresh = list_events(acme.org_id)[known:]
    sealing.seal_events(acme.org_id, fresh)
    return fresh


def test_a_reader_begins_at_the_end_and_gets_each_event_once(acme: Tenant) -> None:
    known = len(seal_new(acme))
    start = read_webhook_feed(acme.org_id, "anima", None, 50)
    assert (start.deliveries, start.after) == ([], known)
    assert read_webhook_feed(acme.org_id, "anima", known, 50) == start
    message_id = send_mail(acme)
    fresh = seal_new(acme, known)
    page = read_webhook_feed(acme.org_id, "anima", known, 50)
    assert [one.event for one in page.deliveries] == ["message.sent"]
    assert page.deliveries[0].subject_id == message_id
    assert page.after == known + len(fresh), "events without a webhook are passed too"
    assert read_webhook_feed(acme.org_id, "anima", page.after, 50).deliveries == []


def test_a_short_page_continues_where_it_ended(acme: Tenant) -> None:
    send_mail(acme)
    total = len(seal_new(acme))
    after, names = 0, []
    for _ in range(total):
        page = read_webhook_feed(acme.org_id, "hum", after, 1)
        assert page.after == after + 1
        after = page.after
        names += [one.event for one in page.deliveries]
    assert names == [one.event for one in read_webhook_feed(acme.org_id, "hum", 0, 50).deliveries]
    assert "email.sent" in names


@pytest.mark.parametrize("kind", ["anima", "hum"])
def test_the_body_is_that_of_a_delivery_and_the_id_stays(acme: Tenant, kind: str) -> None:
    send_mail(acme)
    (sent,) = [event for event in seal_new(acme) if event.type == "email.sent"]
    subjects = rendering.read_subjects([sent])
    (expected,) = rendering.RENDERERS[kind](sent, subjects.of(sent))  # type: ignore[index]
    first, second = (read_webhook_feed(acme.org_id, kind, 0, 50).deliveries[-1] for _ in range(2))  # type: ignore[arg-type]
    assert (first.body, first.sequence) == (body_text(None, expected.body), expected.sequence)
    assert first.id == second.id


def test_a_place_of_another_deployment_starts_at_the_end(acme: Tenant) -> None:
    known = len(seal_new(acme))
    assert read_webhook_feed(acme.org_id, "anima", 10**6, 50).after == known


def test_another_organization_is_not_seen(acme: Tenant) -> None:
    send_mail(acme)
    seal_new(acme)
    other = tenant("other")
    known = len(seal_new(other))
    feed = read_webhook_feed(other.org_id, "hum", 0, 50)
    assert feed.after == known
    assert all(one.org_id == other.org_id for one in feed.deliveries)
