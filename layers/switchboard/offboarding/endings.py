"""The endings of a deletion, before the data goes: all that acts or costs money, in the order of harm.

The status comes first, in the commit that begins the deletion: from then on every key and session is refused, and no
accepted work is done. Credentials and members follow, then calls and texts, then connections to other systems. Endings
at a provider come last, because a provider may be down.

Each ending yields the id of each thing that it has ended, one commit after another. A second run finds what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from switchboard.accounts import keys
from switchboard.agents import service as agents
from switchboard.billing import ending as billing
from switchboard.calls import timeouts
from switchboard.campaigns import changes as campaigns
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Origin
from switchboard.mcp_servers import service as mcp_servers
from switchboard.messaging import scheduling
from switchboard.numbers import registration
from switchboard.numbers import service as numbers
from switchboard.team import invites, members
from switchboard.triggers import service as triggers
from switchboard.webhooks import service as webhooks
from switchboard.widgets import service as widgets

_T = TypeVar("_T")
#: A page of a list, from a cursor.
_Page = Callable[[str | None], tuple[list[_T], str | None]]
_PAGE = 100


def _keys(origin: Origin) -> Iterator[str]:
    for key in _every(lambda after: keys.list_keys(origin.org_id, _PAGE, after)):
        if not key.revoked_at:
            keys.revoke_key(origin, key.id)
            yield key.id


def _invites(origin: Origin) -> Iterator[str]:
    for invite in members.list_team(origin.org_id).invites:
        yield from _gone(lambda: invites.revoke_invite(origin, invite.id), invite.id)  # noqa: B023 called at once


def _members(origin: Origin) -> Iterator[str]:
    # A session names its organization, and is refused at its next request.
    for member in members.list_team(origin.org_id).members:
        yield from _gone(
            lambda: members.remove_member(origin, member.user_id, needs_admin=False),  # noqa: B023 as above
            member.user_id,
        )


def _widget_tokens(origin: Origin) -> Iterator[str]:
    # The revocation also ends the running sessions.
    for token in widgets.list_tokens(origin.org_id):
        if not token.revoked_at:
            widgets.revoke_token(origin, token.id)
            yield token.id


def _triggers(origin: Origin) -> Iterator[str]:
    for found in _every(lambda after: triggers.list_triggers(origin.org_id, _PAGE, after)):
        yield from _gone(lambda: triggers.delete_trigger(origin, found.trigger.id), found.trigger.id)  # noqa: B023


def _campaigns(origin: Origin) -> Iterator[str]:
    for campaign_id in campaigns.list_running_ids(origin.org_id):
        yield from _gone(lambda: campaigns.cancel_campaign(origin, campaign_id), campaign_id)  # noqa: B023 as above


def _scheduled_texts(origin: Origin) -> Iterator[str]:
    for scheduled_id in scheduling.list_pending_ids(origin.org_id):
        yield from _gone(lambda: scheduling.cancel_scheduled_text(origin, scheduled_id), scheduled_id)  # noqa: B023


def _calls(origin: Origin) -> Iterator[str]:
    yield from timeouts.close_calls(origin.org_id)


def _webhooks(origin: Origin) -> Iterator[str]:
    for seen in _every(lambda after: webhooks.list_endpoints(origin.org_id, None, _PAGE, after)):
        # The endpoint of a call's own callback is none of the organization's webhooks. The sweep deletes it.
        if not seen.endpoint.key_id:
            yield from _gone(lambda: webhooks.delete_endpoint(origin, seen.endpoint.id), seen.endpoint.id)  # noqa: B023


def _mcp_servers(origin: Origin) -> Iterator[str]:
    for server in mcp_servers.list_servers(origin.org_id):
        yield from _gone(lambda: mcp_servers.delete_server(origin, server.id), server.id)  # noqa: B023 as above


def _agents(origin: Origin) -> Iterator[str]:
    for agent in _every(lambda after: agents.list_agents(origin.org_id, _PAGE, after)):
        if agent.status != "deleted":
            agents.delete_agent(origin, agent.id)
            yield agent.id


def _subscription(origin: Origin) -> Iterator[str]:
    ended = billing.end_subscription(origin)
    if ended:
        yield ended


def _numbers(origin: Origin) -> Iterator[str]:
    for number in numbers.list_numbers(origin.org_id):
        if number.active:
            registration.release_number(origin, number)
            yield number.id


def _inventory(origin: Origin) -> Iterator[str]:
    # Also numbers that we do not know of, for example of a purchase whose outcome nobody has seen.
    if registration.close_inventory(origin):
        yield origin.org_id


#: The endings in their order, by the kind of the things that they end.
ENDINGS: dict[str, Callable[[Origin], Iterator[str]]] = {
    "key": _keys,
    "invite": _invites,
    "member": _members,
    "widget token": _widget_tokens,
    "trigger": _triggers,
    "campaign": _campaigns,
    "scheduled text": _scheduled_texts,
    "call in progress": _calls,
    "webhook": _webhooks,
    "MCP server": _mcp_servers,
    "agent": _agents,
    "subscription": _subscription,
    "number": _numbers,
    "account at the carrier": _inventory,
}


def _every(page: _Page[_T]) -> Iterator[_T]:
    """Yields the things of all pages. Each page is read before its things are ended."""
    found, after = page(None)
    yield from found
    while after:
        found, after = page(after)
        yield from found


def _gone(end: Callable[[], object], id_: str) -> Iterator[str]:
    """Ends one thing, and yields its id. A thing that has gone or ended meanwhile yields nothing."""
    try:
        end()
    except (NotFound, Invalid):
        return
    yield id_
