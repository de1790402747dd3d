"""Fired events reach the webhooks of HUM, by their own names."""

from __future__ import annotations

from typing import Any

from switchboard.dialects.hum import webhooks
from switchboard.events.models import Event
from switchboard.fanout import rendering
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.triggers import firing, service
from switchboard.webhooks import service as endpoints
from switchboard.webhooks import subscriptions
from switchboard.webhooks.models import Endpoint, EndpointSettings
from tests.actors import system
from tests.tables import each
from tests.unit.triggers.desk import fire, list_events, make_trigger


def fired_event(ada: Member, body: Any = None) -> Event:
    fire(make_trigger(ada, "GitHub push"), body)
    (event,) = list_events(ada.org_id, "trigger.fired")
    return event


def subscribe(ada: Member, *filters: str) -> Endpoint:
    wanted = EndpointSettings(url="https://example.com/hook", events=list(filters))
    return endpoints.create_endpoint(system(ada.org_id), "hum", wanted).endpoint


def render(event: Event) -> dict[str, Any]:
    (rendered,) = webhooks.render(event, rendering.read_subjects([event]).of(event))
    assert rendered.event == rendered.body["type"]
    return rendered.body


@each(
    "filters, wants",
    [
        (["external.github.push"], True),
        (["external.github.*"], True),
        (["external.*"], True),
        (["*"], True),
        (["external.github.issue.opened"], False),
        (["external.git.*", "call.completed"], False),
    ],
)
def test_an_endpoint_subscribes_to_names_and_prefixes(ada: Member, filters: list[str], wants: bool) -> None:
    event = Event(
        **{**EVENT, "org_id": ada.org_id, "at": clock.now_iso(), "data": EVENT["data"]},
    )
    assert subscriptions.wants_event(subscribe(ada, *filters), event) is wants


EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "trigger.fired",
    "actor": {"type": "trigger", "id": "trg_1"},
    "correlation_id": "corr_1",
    "subject": {"type": "trigger", "id": "trg_1"},
    "data": {"event": "external.github.push", "firing": "fir_1", "size": 2, "digest": "0" * 64},
}


def test_a_webhook_has_the_body_of_the_event(ada: Member) -> None:
    event = fired_event(ada, {"ref": "main"})
    assert render(event) == {
        "id": event.id,
        "type": "external.github.push",
        "org_id": ada.org_id,
        "created_at": event.at,
        "data": {
            "trigger_id": event.subject.id,
            "trigger_name": "Leads",
            "event_type": "external.github.push",
            "firing_id": event.data["firing"],
            "body": {"ref": "main"},
            "body_omitted": False,
        },
    }


def test_a_large_body_is_left_out_whole(ada: Member) -> None:
    data = render(fired_event(ada, {"text": "a" * firing.MAX_REPORTED_BYTES}))["data"]
    assert (data["body"], data["body_omitted"]) == (None, True)


def test_an_event_of_a_deleted_trigger_has_no_webhook(ada: Member) -> None:
    event = fired_event(ada)
    service.delete_trigger(ada, event.subject.id)
    assert webhooks.render(event, rendering.read_subjects([event]).of(event)) == []
