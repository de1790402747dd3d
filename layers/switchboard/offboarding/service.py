"""Deletes an organization: nobody can act for it any more, and what can be erased is erased.

The order is the order of harm. The status comes first: from then on every key and session is refused, and no accepted
work is done. Credentials and members follow, then connections to other systems, then content. Numbers come last,
because only they need a provider, which may be down.

Each step deletes one thing in one commit. A deletion that was stopped between any two steps continues with its next
run, which finds only what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from switchboard.accounts import keys, organizations
from switchboard.agents import service as agents
from switchboard.contacts import service as contacts
from switchboard.errors import NotFound
from switchboard.events.models import Origin
from switchboard.mcp_servers import service as mcp_servers
from switchboard.numbers import registration
from switchboard.numbers import service as numbers
from switchboard.team import invites, members
from switchboard.triggers import service as triggers
from switchboard.voicemails import deletion as voicemails
from switchboard.webhooks import service as webhooks
from switchboard.widgets import service as widgets

_T = TypeVar("_T")
#: A page of a list, from a cursor.
_Page = Callable[[str | None], tuple[list[_T], str | None]]
_PAGE = 100


def delete_organization(origin: Origin) -> Iterator[str]:
    """Deletes an organization. Yields the kind of each thing that it has deleted.

    A second run yields nothing. Raises NotFound, and Unavailable if the provider of numbers does not answer.
    """
    if organizations.get_organization(origin.org_id).status != "deleted":
        organizations.set_status(origin, "deleted")
        yield "organization"
    for kind, delete in _STEPS.items():
        for _ in delete(origin):
            yield kind


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


def _webhooks(origin: Origin) -> Iterator[str]:
    for seen in _every(lambda after: webhooks.list_endpoints(origin.org_id, None, _PAGE, after)):
        # The endpoint of a call's own callback expires by itself.
        if not seen.endpoint.key_id:
            yield from _gone(lambda: webhooks.delete_endpoint(origin, seen.endpoint.id), seen.endpoint.id)  # noqa: B023


def _triggers(origin: Origin) -> Iterator[str]:
    for found in _every(lambda after: triggers.list_triggers(origin.org_id, _PAGE, after)):
        yield from _gone(lambda: triggers.delete_trigger(origin, found.trigger.id), found.trigger.id)  # noqa: B023


def _widget_tokens(origin: Origin) -> Iterator[str]:
    for token in widgets.list_tokens(origin.org_id):
        if not token.revoked_at:
            widgets.revoke_token(origin, token.id)
            yield token.id


def _mcp_servers(origin: Origin) -> Iterator[str]:
    for server in mcp_servers.list_servers(origin.org_id):
        yield from _gone(lambda: mcp_servers.delete_server(origin, server.id), server.id)  # noqa: B023 as above


def _agents(origin: Origin) -> Iterator[str]:
    for agent in _every(lambda after: agents.list_agents(origin.org_id, _PAGE, after)):
        if agent.status != "deleted":
            agents.delete_agent(origin, agent.id)
            yield agent.id


def _contacts(origin: Origin) -> Iterator[str]:
    for known in _every(lambda after: contacts.list_contacts(origin.org_id, None, _PAGE, after)):
        yield from _gone(lambda: contacts.delete_contact(origin, known.contact.id), known.contact.id)  # noqa: B023


def _voicemails(origin: Origin) -> Iterator[str]:
    for voicemail_id in voicemails.list_voicemail_ids(origin.org_id):
        yield from _gone(lambda: voicemails.delete_voicemail(origin, voicemail_id), voicemail_id)  # noqa: B023


def _numbers(origin: Origin) -> Iterator[str]:
    for number in numbers.list_numbers(origin.org_id):
        if number.active:
            registration.release_number(origin, number)
            yield number.id


#: The steps in their order, by the kind of the things that they delete.
_STEPS: dict[str, Callable[[Origin], Iterator[str]]] = {
    "key": _keys,
    "invite": _invites,
    "member": _members,
    "webhook": _webhooks,
    "trigger": _triggers,
    "widget token": _widget_tokens,
    "MCP server": _mcp_servers,
    "agent": _agents,
    "contact": _contacts,
    "voicemail": _voicemails,
    "number": _numbers,
}


def _every(page: _Page[_T]) -> Iterator[_T]:
    """Yields the things of all pages. Each page is read before its things are deleted."""
    found, after = page(None)
    yield from found
    while after:
        found, after = page(after)
        yield from found


def _gone(delete: Callable[[], object], id_: str) -> Iterator[str]:
    """Deletes one thing, and yields its id. A thing that is gone already yields nothing."""
    try:
        delete()
    except NotFound:
        return
    yield id_
