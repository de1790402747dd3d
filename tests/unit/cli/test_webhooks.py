"""`switchboard webhook`."""

from __future__ import annotations

import pytest

from switchboard.webhooks import service as webhooks
from switchboard.webhooks import settings
from tests.actors import Tenant
from tests.unit.cli.conftest import Run

URL = "https://example.com/hook"


def create_webhook(run: Run, acme: Tenant, *words: str) -> dict[str, str]:
    made: dict[str, str] = run("webhook", "create", acme.org_id, "--kind", "athos", "--url", URL, "--json", *words).json
    return made


def test_a_webhook_is_registered_and_its_secret_shown_once(run: Run, acme: Tenant) -> None:
    made = create_webhook(run, acme, "--event", "call.scored", "--header", "X-Tenant: acme", "--timeout", "5000")
    endpoint = webhooks.get_endpoint(acme.org_id, made["webhook"]).endpoint
    assert (endpoint.kind, endpoint.url, endpoint.events, endpoint.timeout_ms) == ("athos", URL, ["call.scored"], 5_000)
    assert settings.custom_headers(endpoint) == {"X-Tenant": "acme"}
    assert made["secret"].startswith("whsec_")
    shown = run("webhook", "show", acme.org_id, made["webhook"])
    assert made["secret"] not in shown.out
    (listed,) = run("webhook", "list", acme.org_id, "--json").json
    assert listed["webhook"] == made["webhook"]


def test_a_rotation_shows_another_secret(run: Run, acme: Tenant) -> None:
    made = create_webhook(run, acme)
    assert run("webhook", "rotate", acme.org_id, made["webhook"], "--json").json["secret"] != made["secret"]


def test_a_webhook_can_be_disabled_enabled_and_removed(run: Run, acme: Tenant) -> None:
    made = create_webhook(run, acme)
    assert run("webhook", "disable", acme.org_id, made["webhook"], "--json").json["active"] is False
    assert run("webhook", "test", acme.org_id, made["webhook"]).code == 1
    assert run("webhook", "enable", acme.org_id, made["webhook"], "--json").json["active"] is True
    assert run("webhook", "delete", acme.org_id, made["webhook"], "--json").json["deleted"] is True
    assert run("webhook", "show", acme.org_id, made["webhook"]).code == 1


def test_deliveries_are_listed_and_failed_ones_sent_again(run: Run, acme: Tenant) -> None:
    made = create_webhook(run, acme)
    sent = run("webhook", "test", acme.org_id, made["webhook"], "--json").json
    (listed,) = run("webhook", "deliveries", acme.org_id, made["webhook"], "--status", "pending", "--json").json
    assert (listed["delivery"], listed["status"], listed["attempts"]) == (sent["delivery"], "pending", 0)
    assert run("webhook", "redeliver", acme.org_id, sent["delivery"]).code == 1  # it is still in progress
    words = ("webhook", "recover", acme.org_id, made["webhook"], "--since")
    assert run(*words, "2026-01-01T00:00:00Z", "--json").json["recovering_since"] == "2026-01-01T00:00:00.000Z"
    assert run(*words, "yesterday").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "athos"),
        ("--url", URL),
        ("--kind", "opticomm", "--url", URL),
        ("--kind", "athos", "--url", URL, "--header", "no colon"),
    ],
)
def test_bad_usage_ends_with_2(run: Run, cloud: dict[str, str], words: tuple[str, ...]) -> None:
    assert run("webhook", "create", "org_1", *words).code == 2


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "https://localhost.localdomain/"])
def test_a_url_that_cannot_receive_webhooks_is_refused(run: Run, acme: Tenant, url: str) -> None:
    ran = run("webhook", "create", acme.org_id, "--kind", "athos", "--url", url)
    assert (ran.code, "url" in ran.err) == (1, True)


def test_an_unknown_organization_is_refused(run: Run, cloud: dict[str, str]) -> None:
    assert run("webhook", "list", "org_none").code == 1
    assert run("webhook", "create", "org_none", "--kind", "athos", "--url", URL).code == 1
