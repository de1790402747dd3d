"""An organization that owns one of each thing that a deletion has to end."""

from __future__ import annotations

from switchboard.accounts import keys
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.aws.writes import commit
from switchboard.billing import checkout, subscriptions
from switchboard.calls import dialing
from switchboard.calls import service as calls
from switchboard.calls import store as calls_store
from switchboard.calls.models import FINAL_STATES, Order, State, Tier
from switchboard.campaigns import changes as campaigns
from switchboard.carriers.payments.simulator import actions
from switchboard.carriers.payments.simulator.state import ACCOUNT, ACCOUNTS
from switchboard.kit import ids
from switchboard.mcp_servers import service as mcp_servers
from switchboard.messaging import scheduling
from switchboard.messaging import store as scheduled_texts
from switchboard.numbers import service as numbers
from switchboard.team import invites, members
from switchboard.team.permissions import Role
from switchboard.triggers import service as triggers
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.models import EndpointSettings
from switchboard.widgets import service as widgets
from tests.actors import Tenant, member, system, tenant
from tests.unit.campaigns.desk import make_campaign
from tests.unit.contacts.book import save_contact
from tests.unit.mcp_servers import life
from tests.unit.messaging.desk import make_conversation, make_scheduled
from tests.unit.messaging.texts_out import give_number
from tests.unit.voicemails.desk import save_voicemail
from tests.unit.widgets.desk import make_flow, make_token

#: A number that reaches nobody.
CALLED = "+14155550142"


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
    number = give_number(made.org_id, e164, provider="simulator")
    commit(scheduled_texts.SCHEDULED.create_write(make_scheduled(make_conversation(made.org_id, number_id=number.id))))
    campaigns.launch_campaign(ada, make_campaign(ada, number, 1).id)
    order = Order(to=CALLED, tier=Tier.BASIC, consent_source="business-relationship")
    for _ in range(2):
        called = calls.place_call(made.caller(correlation_id=ids.new_id("corr")), order)
    dialing.dial_call(made.org_id, called.id)
    subscribe(made)
    return made


def subscribe(made: Tenant) -> None:
    """Pay for a plan at the simulated provider."""
    payer = member(made.org_id, name=f"Payer{made.org_id[-6:]}")
    page = checkout.open_checkout(payer, payer.organization, PlanName.GROWTH, None, None).rpartition("/")[2]
    actions.apply_action(made.org_id, lambda account: actions.pay_checkout(account, page), "never")
    subscriptions.check_payment(made.org_id)


def has_subscription(org_id: str) -> bool:
    """Whether a subscription runs at the provider."""
    account = ACCOUNTS.get_object(org_id, ACCOUNT)
    return bool(account and any(one.status != "canceled" for one in account.subscriptions))


def list_running_calls(org_id: str) -> list[str]:
    """The ids of the calls that have not ended."""
    running = [state for state in State if state not in FINAL_STATES]
    return calls_store.list_places(org_id, None, running, 100, None, None)


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
        "campaign": len(list(campaigns.list_running_ids(org_id))),
        "scheduled text": len(list(scheduling.list_pending_ids(org_id))),
        "call in progress": len(list_running_calls(org_id)),
        "subscription": int(has_subscription(org_id)),
        "agent": sum(agent.status != "deleted" for agent in agents.list_agents(org_id, 100, None)[0]),
        "number": sum(number.active for number in numbers.list_numbers(org_id)),
    }
