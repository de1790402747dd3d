"""The demo organization with a key of every kind. The first start creates it, and later starts find it again."""

from __future__ import annotations

import json
from pathlib import Path

from infra.local import files, identity
from switchboard.access import keys as access
from switchboard.access import sessions
from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.aws.writes import commit
from switchboard.errors import NotFound, Unauthenticated
from switchboard.events.models import Actor, SystemActor
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock, ids, settings
from switchboard.people import service as people
from switchboard.people.sessions import open_session
from switchboard.team import members, memberships
from switchboard.team.permissions import Role
from switchboard.webhooks import callbacks
from switchboard.widgets import service as widgets
from switchboard.widgets.models import LeadField, WidgetSettings

SLUG = "demo"
#: The members of the demo organization, by the name of their session's cookie. They sign in at the local OpenID
#: provider with these addresses.
MEMBERS = {
    "HUM_SESSION": ("ada@demo.example", Role.ADMIN),
    "HUM_VIEWER_SESSION": ("vic@demo.example", Role.VIEWER),
}


def seed_demo(memory: Path) -> dict[str, str]:
    """Return the demo's keys: from the file `memory` if its organization still exists, or else new keys.

    Keys that the file of an older version lacks are created and added to the file.
    """
    known = _remembered(memory)
    made = known or _make()
    if "OPTICOMM_LIVE_KEY" not in made:
        made = made | _opticomm(made["ORGANIZATION_ID"])
    if "OPTICOMM_TEST_WEBHOOK_SECRET" not in made:
        made = made | {
            "OPTICOMM_TEST_WEBHOOK_SECRET": _webhook_secret(made["ORGANIZATION_ID"], made["OPTICOMM_TEST_KEY"])
        }
    if "ATHOS_KEY" not in made:
        made = made | _athos(made["ORGANIZATION_ID"])
    made = made | _widget(made["ORGANIZATION_ID"], made.get("WIDGET_KEY"))
    for name, (address, role) in MEMBERS.items():
        if not _signed_in(made.get(name)):
            made = made | {name: _sign_in(made["ORGANIZATION_ID"], address, role)}
    if made != known:
        files.write(memory, json.dumps(made, indent=1))
    return made


def _remembered(memory: Path) -> dict[str, str]:
    if not memory.exists():
        return {}
    known: dict[str, str] = json.loads(memory.read_text())
    try:
        organizations.get_organization(known["ORGANIZATION_ID"])
    except NotFound:
        return {}
    return known


def _make() -> dict[str, str]:
    org = organizations.new_organization("Demo", SLUG, PlanName.SCALE)
    origin = _origin(org.id)
    master, master_writes = keys.key_writes(origin, KeyKind.MASTER, "demo master key")
    agent, agent_writes = agents.agent_writes(origin, org, SLUG, "Demo Agent", {}, None)
    commit(organizations.organization_writes(origin, org), master_writes, agent_writes)
    return {
        "ORGANIZATION_ID": org.id,
        "ANIMA_AGENT_ID": agent.agent.id,
        "ANIMA_AGENT_KEY": agent.key_text,
        "ANIMA_MASTER_KEY": master.text,
    }


def _athos(org_id: str) -> dict[str, str]:
    key, writes = keys.key_writes(_origin(org_id), KeyKind.ATHOS, "demo tenant key")
    commit(writes)
    return {"ATHOS_KEY": key.text}


def _opticomm(org_id: str) -> dict[str, str]:
    origin = _origin(org_id)
    live, live_writes = keys.key_writes(origin, KeyKind.OPTICOMM_LIVE, "demo live key")
    test, test_writes = keys.key_writes(origin, KeyKind.OPTICOMM_TEST, "demo test key")
    flow, flow_writes = flows.new_flow_writes(
        origin,
        FlowSettings(
            name="Demo Caller",
            kind="outbound",
            greeting="Hello {{customer_name}}, this is the demo caller.",
            system_prompt="Confirm order {{order_id}} and thank the customer.",
            consent_source="business-relationship",
            consent_date=clock.now_iso()[:10],
        ),
    )
    commit(live_writes, test_writes, flow_writes)
    return {
        "OPTICOMM_LIVE_KEY": live.text,
        "OPTICOMM_TEST_KEY": test.text,
        "OPTICOMM_AGENT_ID": flow.id,
        # The secret of the live key: each key signs its callbacks with a secret of its own.
        "OPTICOMM_WEBHOOK_SECRET": callbacks.callback_secret(org_id, live.key.id),
    }


def _widget(org_id: str, key: str | None) -> dict[str, str]:
    """The key of the demo's widget, which the demo page of this stack may show."""
    page = [settings.text("PUBLIC_URL")]
    token = next((one for one in widgets.list_tokens(org_id) if one.public_key == key), None)
    if token is None:
        desk = FlowSettings(name="Demo Desk", kind="inbound", greeting="Hello, this is the demo desk.")
        flow = flows.create_flow(_origin(org_id), desk)
        wanted = WidgetSettings(
            name="Demo Desk",
            default_flow_id=flow.id,
            allowed_origins=page,
            captcha_provider="none",
            daily_spend_cap_cents=1_000,
            per_ip_rate_per_min=60,
            lead_fields=[LeadField(name="name", label="Your name", required=True)],
        )
        token = widgets.create_token(_origin(org_id), wanted)
    elif page[0] not in token.allowed_origins:
        # The stack has another port than at its last start.
        widgets.update_token(_origin(org_id), token.id, {"allowed_origins": page})
    return {"WIDGET_KEY": token.public_key}


def _webhook_secret(org_id: str, key: str) -> str:
    """The secret that signs the callbacks of a test key's calls."""
    found = access.authenticate_key(key, frozenset({KeyKind.OPTICOMM_TEST}))
    return callbacks.callback_secret(org_id, found.key.id)


def _signed_in(cookie: str | None) -> bool:
    try:
        return bool(cookie and sessions.authenticate_session(cookie))
    except Unauthenticated:
        return False


def _sign_in(org_id: str, address: str, role: Role) -> str:
    name = address.partition("@")[0].title()
    user = people.upsert_user(
        settings.text("OIDC_ISSUER"), identity.subject(address), address, email_verified=True, name=name
    )
    if org_id not in [place.organization.id for place in memberships.list_organizations_of(user.id)]:
        commit(members.membership_writes(_origin(org_id), user, role))
    return str(open_session(user, org_id))


def _origin(org_id: str) -> SystemActor:
    return SystemActor(
        org_id=org_id, actor=Actor(type="system", id="demo"), agent_id=None, correlation_id=ids.new_id("corr")
    )
