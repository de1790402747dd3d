"""`switchboard team` and `switchboard person`: the members of an organization, and people's sessions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, enum_argument, operator_origin, print_note, print_rows
from switchboard.people import sessions
from switchboard.team import invites, members
from switchboard.team.permissions import Role

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    noun = CommandGroup(nouns, "team", "members and invites of an organization")
    noun.add_command("list", _list, "list members and open invites").add_argument("org", metavar="ORG")
    invite = noun.add_command("invite", _invite, "invite a person, for example the first admin of an organization")
    invite.add_argument("org", metavar="ORG")
    invite.add_argument("email", metavar="EMAIL")
    invite.add_argument(
        "--role",
        type=enum_argument(Role),
        choices=list(Role),
        default=Role.ADMIN,
        help="the person's role; admin by default",
    )
    person = CommandGroup(nouns, "person", "people and their sessions")
    out = person.add_command("sign-out", _sign_out, "end all sessions of a person")
    out.add_argument("person", metavar="PERSON", help="the person's id, usr_…, from `team list`")


def _list(args: argparse.Namespace) -> None:
    found = members.list_team(organizations.get_organization(args.org).id)
    rows = [
        {"person": one.user_id, "role": one.role.value, "email": one.email, "since": one.joined_at, "name": one.name}
        for one in found.members
    ]
    rows += [
        {"person": one.id, "role": one.role.value, "email": one.email, "since": one.created_at, "name": "(invited)"}
        for one in found.invites
    ]
    print_rows(args, rows)


def _invite(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    made = invites.create_invite(operator_origin(org.id), org, "Switchboard", args.email, args.role)
    print_rows(args, {"invite": made.id, "email": made.email, "role": made.role.value, "expires_at": made.expires_at})
    print_note("The person can join by the link in the mail, or in the console after a sign-in with that address.")


def _sign_out(args: argparse.Namespace) -> None:
    sessions.sign_out_everywhere(args.person)
    print_note("The person is signed out from the next request on.")
