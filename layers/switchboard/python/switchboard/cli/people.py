"""`switchboard team` and `switchboard person`: who works in an organisation, and their sessions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.accounts import service as accounts
from switchboard.cli.command import Noun, note, one_of, operator, show
from switchboard.people import service as people
from switchboard.team import invites, members
from switchboard.team.permissions import Role

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    noun = Noun(nouns, "team", "who works in an organisation, and who is invited")
    noun.verb("list", _list, "list members and open invites").add_argument("org", metavar="ORG")
    invite = noun.verb("invite", _invite, "invite somebody, such as the first admin of an organisation")
    invite.add_argument("org", metavar="ORG")
    invite.add_argument("email", metavar="EMAIL")
    invite.add_argument(
        "--role", type=one_of(Role), choices=list(Role), default=Role.ADMIN, help="what they may do; admin by default"
    )
    person = Noun(nouns, "person", "people and their sessions")
    out = person.verb("sign-out", _sign_out, "end all sessions of a person")
    out.add_argument("person", metavar="PERSON", help="an id, usr_…, as `team list` shows it")


def _list(args: argparse.Namespace) -> None:
    found = members.list_team(accounts.organisation(args.org).id)
    rows = [
        {"person": one.user_id, "role": one.role.value, "email": one.email, "since": one.joined_at, "name": one.name}
        for one in found.members
    ]
    rows += [
        {"person": one.id, "role": one.role.value, "email": one.email, "since": one.created_at, "name": "(invited)"}
        for one in found.invites
    ]
    show(args, rows)


def _invite(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    made = invites.create_invite(operator(org.id), org, "Switchboard", args.email, args.role)
    show(args, {"invite": made.id, "email": made.email, "role": made.role.value, "expires_at": made.expires_at})
    note("The mail has a link by which they join; it is in the console, too, once they sign in with that address.")


def _sign_out(args: argparse.Namespace) -> None:
    people.sign_out_everywhere(args.person)
    note("Their sessions are over, from the next request on.")
