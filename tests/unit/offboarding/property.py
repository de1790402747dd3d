"""An organization that owns one of each thing that a deletion has to find."""

from __future__ import annotations

from switchboard.accounts import keys
from switchboard.agents import service as agents
from switchboard.contacts import service as contacts
from switchboard.mcp_servers import service as mcp_servers
from switchboard.numbers import service as numbers
from switchboard.team import invites, members
from switchboard.team.permissions import Role
from switchboard.triggers import service as triggers
from switchboard.voicemails import deletion as voicemails
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.models import EndpointSettings
from switchboard.widgets import service as widgets
from tests.actors import Tenant, member, system, tenant
from tests.unit.contacts.book import save_contact
from tests.unit.mcp_servers import life
from tests.unit.messaging.texts_out import give_number
from tests.unit.voicemails.desk import save_voicemail
from tests.unit.widgets.desk import make_flow, make_token

#: The kinds of `find_left`. The organization itself is not among them.
KINDS = (
    "key",
    "invite",
    "member",
    "webhook",
    "trigger",
    "widget token",
    "MCP server",
    "agent",
    "contact",
    "voicemail",
    "number",
)


def create_rich_organization(slug: str, e164: str) -> Tenant:
    """Create an organization with each kind of thing."""
    made = tenant(slug)
    origin = system(made.org_id)
    ada = member(made.org_id, name=f"Ada{slug}")
    invites.create_invite(origin, ada.organization, "Switchboard", f"bob-{slug}@example.com", Role.VIEWER)
    webhooks.create_endpoint(origin, "anima", EndpointSettings(url="https://example.com/hooks"))
    triggers.create_trigger(ada, "Leads", "lead created")
    make_token(make_flow(made.org_id))
    life.create(made)
    save_contact(made)
    save_voicemail(made.org_id)
    give_number(made.org_id, e164, provider="simulator")
    return made


def find_left(org_id: str) -> dict[str, int]:
    """Returns how many things of each kind an organization still has."""
    team = members.list_team(org_id)
    return {
        "key": sum(not key.revoked_at for key in keys.list_keys(org_id, 100, None)[0]),
        "invite": len(team.invites),
        "member": len(team.members),
        "webhook": len(webhooks.list_endpoints(org_id, None, 100, None)[0]),
        "trigger": len(triggers.list_triggers(org_id, 100, None)[0]),
        "widget token": sum(not token.revoked_at for token in widgets.list_tokens(org_id)),
        "MCP server": len(mcp_servers.list_servers(org_id)),
        "agent": sum(agent.status != "deleted" for agent in agents.list_agents(org_id, 100, None)[0]),
        "contact": len(contacts.list_contacts(org_id, None, 100, None)[0]),
        "voicemail": len(list(voicemails.list_voicemail_ids(org_id))),
        "number": sum(number.active for number in numbers.list_numbers(org_id)),
    }
