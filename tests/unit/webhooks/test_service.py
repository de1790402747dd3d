"""Registering endpoints: valid and invalid settings, secrets that are shown once, and repeated requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from switchboard.aws import secret
from switchboard.aws.reads import Query
from switchboard.aws.writes import commit
from switchboard.errors import Conflict, Invalid, NotFound, QuotaExceeded
from switchboard.kit import clock
from switchboard.webhooks import (
    callbacks,
    deliveries,
    event_names,
    host_limits,
    service,
    settings,
    signing,
    store,
    template,
)
from switchboard.webhooks.models import DeliveryStatus, Endpoint, EndpointSettings
from tests.actors import Tenant, tenant, with_effect
from tests.fakes.receiver import Receiver, make_answer
from tests.integration.sabotage import drain_queue
from tests.unit.webhooks.conftest import Register, World

URL = "https://example.com/hook"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": "http://example.com"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:pass@example.com/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["message.*.sent"]}, "events"),
        ({"events": ["Message"]}, "events"),
        ({"events": ["*.sent"]}, "events"),
        ({"timeout_ms": 999}, "timeoutMs"),
        ({"timeout_ms": 60_001}, "timeoutMs"),
        ({"max_attempts": 11}, "maxAttempts"),
        ({"custom_headers": {"webhook-id": "x"}}, "customHeaders"),
        ({"custom_headers": {"X-Anima-Signature": "x"}}, "customHeaders"),
        ({"custom_headers": {"Content-Length": "1"}}, "customHeaders"),
        ({"custom_headers": {"Host": "internal"}}, "customHeaders"),
        ({"custom_headers": {"X-Switchboard-Hop": "1"}}, "customHeaders"),
        ({"custom_headers": {"x y": "1"}}, "customHeaders"),
        ({"custom_headers": {"x": "a\r\nb: c"}}, "customHeaders"),
        ({"custom_headers": {"x": "é"}}, "customHeaders"),
        ({"custom_headers": {"x": "1" * 513}}, "customHeaders"),
        ({"custom_headers": {f"x-{n}": "1" for n in range(21)}}, "customHeaders"),
        ({"template": "{"}, "template"),
        ({"template": "NaN"}, "template"),
        ({"template": "[" * 9 + "]" * 9}, "template"),
        ({"template": '{"a":' * 900 + "1" + "}" * 900}, "template"),
        ({"template": "[" * 4_000 + "]" * 4_000}, "template"),
    ],
)
def test_invalid_settings_are_refused_and_named(register: Register, settings: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        register(**({"url": URL} | settings))
    assert field in refusal.value.details["fields"]


def test_a_secret_is_shown_once_and_stored_nowhere(acme: Tenant, register: Register) -> None:
    made = register(custom_headers={"Authorization": "Bearer opensesame"})
    items = [*Query(table="core", partition=f"{acme.org_id}#webhooks").read_all()]
    assert made.secret not in repr(items)
    assert "opensesame" not in repr(items)
    assert settings.custom_headers(made.endpoint) == {"Authorization": "Bearer opensesame"}
    assert made.endpoint.header_names == ["Authorization"]


def test_sealed_headers_can_be_opened_for_their_endpoint_only(register: Register) -> None:
    one, other = register(custom_headers={"x": "1"}).endpoint, register().endpoint
    with pytest.raises(InvalidTag):
        settings.custom_headers(other.model_copy(update={"sealed_headers": one.sealed_headers}))


def test_a_registration_that_is_run_again_makes_one_endpoint_with_one_secret(acme: Tenant) -> None:
    caller = acme.caller(master=True)
    made = [
        service.create_endpoint(
            with_effect(caller, "k"), "anima", EndpointSettings(url=URL), with_effect(caller, "k").effect
        )
        for _ in range(2)
    ]
    assert made[0].secret == made[1].secret
    assert len(store.list_subscriptions(acme.org_id)) == 1


def test_a_rotation_that_is_run_again_makes_one_new_secret(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    first, again = (
        service.rotate_endpoint_secret(caller, made.endpoint.id, with_effect(caller, "r").effect) for _ in range(2)
    )
    assert first.secret == again.secret != made.secret
    assert service.get_endpoint(acme.org_id, made.endpoint.id).endpoint.generation == 2


def test_a_repeated_removal_succeeds(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    for _ in range(2):
        service.delete_endpoint(caller, made.endpoint.id, with_effect(caller, "d").effect)
    with pytest.raises(NotFound):
        service.delete_endpoint(caller, made.endpoint.id)


def test_the_webhooks_of_an_organization_are_limited(
    acme: Tenant, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_ENDPOINTS", 2)
    first = register()
    register()
    with pytest.raises(QuotaExceeded):
        register()
    service.delete_endpoint(acme.caller(master=True), first.endpoint.id)
    register()


def test_another_organizations_endpoints_and_deliveries_are_not_found(acme: Tenant, register: Register) -> None:
    made = register()
    delivery = deliveries.send_test_delivery(acme.caller(master=True), made.endpoint.id)
    stranger = tenant("other").caller(master=True)
    for action in (
        lambda: service.get_endpoint(stranger.org_id, made.endpoint.id),
        lambda: service.update_endpoint(stranger, made.endpoint.id, {"active": False}),
        lambda: service.delete_endpoint(stranger, made.endpoint.id),
        lambda: service.rotate_endpoint_secret(stranger, made.endpoint.id),
        lambda: deliveries.send_test_delivery(stranger, made.endpoint.id),
        lambda: deliveries.start_recovery(stranger, made.endpoint.id, clock.now_iso()),
        lambda: deliveries.list_deliveries(stranger.org_id, made.endpoint.id, None, 10, None),
        lambda: deliveries.get_delivery(stranger.org_id, delivery.id),
        lambda: deliveries.redeliver_delivery(stranger, delivery.id),
    ):
        with pytest.raises(NotFound):
            action()
    assert service.list_endpoints(stranger.org_id, None, 10, None)[0] == []


def test_a_change_keeps_the_fields_that_it_does_not_name(acme: Tenant, register: Register) -> None:
    made = register(custom_headers={"x": "1"}, events=["message.*"], label="l")
    changed = service.update_endpoint(acme.caller(master=True), made.endpoint.id, {"description": "d"}).endpoint
    assert settings.custom_headers(changed) == {"x": "1"}
    assert (changed.events, changed.label, changed.description, changed.url) == (
        ["message.*"],
        "l",
        "d",
        made.endpoint.url,
    )


def test_two_concurrent_changes_do_not_undo_each_other(
    acme: Tenant, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = register()
    caller = acme.caller(master=True)
    applied = settings.apply_settings

    def with_another_change(endpoint: Endpoint, wanted: EndpointSettings, catalog: None) -> Endpoint:
        monkeypatch.setattr(settings, "apply_settings", applied)
        service.update_endpoint(caller, made.endpoint.id, {"label": "first"})
        return applied(endpoint, wanted, catalog)

    monkeypatch.setattr(settings, "apply_settings", with_another_change)
    changed = service.update_endpoint(caller, made.endpoint.id, {"description": "second"}).endpoint
    assert (changed.label, changed.description, changed.version) == ("first", "second", 3)


@pytest.mark.parametrize("action", ["send_test_delivery", "start_recovery"])
def test_nothing_is_sent_to_a_disabled_endpoint(acme: Tenant, register: Register, action: str) -> None:
    made = register(active=False)
    arguments = (clock.now_iso(),) if action == "start_recovery" else ()
    with pytest.raises(Conflict):
        getattr(deliveries, action)(acme.caller(master=True), made.endpoint.id, *arguments)


def test_a_pending_delivery_is_not_resent(acme: Tenant, register: Register) -> None:
    made = register()
    caller = acme.caller(master=True)
    delivery = deliveries.send_test_delivery(caller, made.endpoint.id)
    with pytest.raises(Conflict):
        deliveries.redeliver_delivery(caller, delivery.id)


def test_a_delivery_whose_attempt_is_an_hour_overdue_can_be_sent_again(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made, caller = register(), acme.caller(master=True)
    receiver.answers = [make_answer(500)]
    delivery = deliveries.send_test_delivery(caller, made.endpoint.id)
    world.go_on()
    frozen.advance(seconds=5)
    world.later.bring()
    assert len(drain_queue("deliveries")) == 1, "the retry, which is lost here"
    frozen.advance(minutes=60)
    with pytest.raises(Conflict):
        deliveries.redeliver_delivery(caller, delivery.id)
    frozen.advance(minutes=1)
    deliveries.redeliver_delivery(caller, delivery.id)
    with pytest.raises(Conflict):
        deliveries.redeliver_delivery(caller, delivery.id)
    world.go_on()
    sent = deliveries.get_delivery(acme.org_id, delivery.id)
    assert (sent.status, sent.attempts, sent.tries) == (DeliveryStatus.SUCCEEDED, 2, 1)


def test_deliveries_are_listed_page_by_page_newest_first(
    acme: Tenant, register: Register, frozen: clock.FrozenClock
) -> None:
    made = register()
    ids = []
    for _ in range(5):
        ids.append(deliveries.send_test_delivery(acme.caller(master=True), made.endpoint.id).id)
        frozen.advance(seconds=1)
    found: list[str] = []
    after = None
    while True:
        page, after = deliveries.list_deliveries(acme.org_id, made.endpoint.id, None, 2, after)
        found += [delivery.id for delivery in page]
        if after is None:
            break
    assert found == ids[::-1]
    _, cursor = deliveries.list_deliveries(acme.org_id, made.endpoint.id, None, 2, None)
    with pytest.raises(Invalid):
        deliveries.list_dead_letters(acme.org_id, 2, cursor)


def test_a_keys_callbacks_to_one_url_are_one_endpoint(acme: Tenant) -> None:
    one, same, other = (
        callbacks.ensure_callback_endpoint(acme.org_id, key, URL) for key in ("key_1", "key_1", "key_2")
    )
    assert one.id == same.id != other.id
    with pytest.raises(Invalid):
        callbacks.ensure_callback_endpoint(acme.org_id, "key_1", "https://10.0.0.1/")


def test_callbacks_are_signed_with_the_keys_secret(acme: Tenant) -> None:
    endpoint = Endpoint(
        id="cb_1", org_id=acme.org_id, kind="opticomm", url=URL, key_id="key_1", timeout_ms=1, max_attempts=1,
        created_at="", updated_at="",
    )  # fmt: skip
    assert signing.secrets_of(endpoint) == [callbacks.callback_secret(acme.org_id, "key_1")]


def test_a_callback_endpoint_cannot_be_rotated_changed_or_removed(acme: Tenant) -> None:
    callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", URL)
    commit(callback.writes)
    caller = acme.caller(master=True)
    for action in (
        lambda: service.rotate_endpoint_secret(caller, callback.id),
        lambda: service.update_endpoint(caller, callback.id, {"active": False}),
        lambda: service.delete_endpoint(caller, callback.id),
    ):
        with pytest.raises(NotFound):
            action()
    endpoint = service.get_endpoint(acme.org_id, callback.id).endpoint
    assert signing.secrets_of(endpoint) == [callbacks.callback_secret(acme.org_id, "key_1")]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('"{{a}}"', {"b": [1, {"c": "x"}]}),
        ('{"v": "{{a.b.0}}"}', {"v": 1}),
        ('{"v": "{{a.b.1.c}}"}', {"v": "x"}),
        ('{"v": "{{ a.b.9 }}"}', {"v": None}),
        ('{"v": "<{{missing}}>"}', {"v": "<>"}),
        ('{"v": "{{a.b.²}}"}', {"v": None}),
        ('{"v": "{{a.b.\u0660}}"}', {"v": None}),
        pytest.param(f'{{"v": "{{{{a.b.{"9" * 5_000}}}}}"}}', {"v": None}, id="an index of 5,000 digits"),
        ('{"v": "{{a.b}} and {{n}}"}', {"v": '[1, {"c": "x"}] and 7'}),
        ('{"v": "{{q}}"}', {"v": '","injected":"'}),
        ('{"v": "say {{q}}"}', {"v": 'say ","injected":"'}),
        ('[true, null, 1.5, "{{{n}}}"]', [True, None, 1.5, "{7}"]),
        ('{"{{n}}": 1}', {"{{n}}": 1}),
    ],
)
def test_a_template_fills_values_and_nothing_else(text: str, filled: Any) -> None:
    body = {"a": {"b": [1, {"c": "x"}]}, "n": 7, "q": '","injected":"'}
    assert template.fill_template(template.check_template(text), body, 1_000) == filled


def test_the_values_of_a_template_have_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    text_of = template._text

    def counted(value: Any) -> str:
        written.append(value)
        return text_of(value)

    monkeypatch.setattr(template, "_text", counted)
    body = {"a": ["x" * 96], "b": "y"}
    shape = json.dumps(["{{a}}", "{{b}}{{a}}"] * 5)
    assert template.fill_template(shape, body, 1_005)[9].startswith("y[")
    assert written == [body["a"], "y"], "each value is written once"
    with pytest.raises(template.TooLongError):
        template.fill_template(shape, body, 1_004)


def test_a_template_may_be_eight_levels_deep() -> None:
    deepest = "[" * 8 + '"{{a}}"' + "]" * 8
    assert template.fill_template(template.check_template(deepest), {"a": 1}, 10) == [[[[[[[[1]]]]]]]]
    with pytest.raises(Invalid) as refusal:
        template.check_template(f"[{deepest}]")
    assert refusal.value.details["fields"] == {"template": "is nested too deeply: use at most 8 levels"}


def test_a_change_to_a_template_that_is_too_deep_is_refused(acme: Tenant, register: Register) -> None:
    made = register(template='"{{event}}"')
    with pytest.raises(Invalid):
        service.update_endpoint(acme.caller(master=True), made.endpoint.id, {"template": "[" * 9 + "]" * 9})
    assert service.get_endpoint(acme.org_id, made.endpoint.id).endpoint == made.endpoint


def test_every_delivered_type_has_a_name_in_each_of_its_kinds() -> None:
    for names in event_names.EVENT_NAMES.values():
        assert all(name and type_ in event_names.EVENT_TYPES for type_, name in names.items())
    assert event_names.event_types("athos") == ["call.scored"]


def test_data_sealed_for_one_purpose_cannot_be_opened_for_another(cloud: dict[str, str]) -> None:
    sealed = secret.seal("one", "text")
    assert secret.unseal("one", sealed) == "text"
    assert secret.seal("one", "text") != sealed
    with pytest.raises(InvalidTag):
        secret.unseal("other", sealed)


def test_stored_headers_never_follow_the_url_to_another_server(acme: Tenant, register: Register) -> None:
    made, caller = register(url=URL, custom_headers={"Authorization": "Bearer opensesame"}), acme.caller(master=True)

    def change(**changes: Any) -> Endpoint:
        return service.update_endpoint(caller, made.endpoint.id, changes).endpoint

    for url in ("https://evil.example/hook", "https://example.com:8443/hook", "https://example.com/other"):
        with pytest.raises(Invalid) as refusal:
            change(url=url)
        assert "sent again" in refusal.value.details["fields"]["customHeaders"]
    assert change(url=URL, label="CRM").header_names == ["Authorization"]
    assert change(url="https://evil.example/", custom_headers={}).header_names == []
    assert change(url="https://third.example/").url == "https://third.example/"


def test_an_organization_has_few_webhooks_at_one_host(
    acme: Tenant, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_limits, "MAX_OF_HOST", 2)
    first, _ = register(url="https://a.example/1"), register(url="https://A.example:8443/2")
    other, caller = register(url="https://b.example/"), acme.caller(master=True)
    with pytest.raises(QuotaExceeded) as refused:
        register(url="https://a.example/3")
    assert refused.value.code == "webhook_limit"
    with pytest.raises(QuotaExceeded):
        service.update_endpoint(caller, other.endpoint.id, {"url": "https://a.example/4"})
    service.update_endpoint(caller, first.endpoint.id, {"url": "https://a.example/5"})
    service.update_endpoint(caller, first.endpoint.id, {"url": "https://c.example/"})
    third = register(url="https://a.example/6")
    service.delete_endpoint(caller, third.endpoint.id)
    register(url="https://a.example/7")
    with pytest.raises(QuotaExceeded):
        register(url="https://a.example/8")
