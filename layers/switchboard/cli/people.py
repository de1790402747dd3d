"""`switchboard team` and `switchboard person`: the members of an organization, and people's sessions."""

from __future__ import annotations

import click

from switchboard.accounts.models import Organization
from switchboard.cli import deployments
from switchboard.cli.arguments import OneOf
from switchboard.cli.commands import (
    command_group,
    confirm_destruction,
    operator_origin,
    options_of,
    organization_argument,
    print_note,
    print_rows,
)
from switchboard.people import sessions
from switchboard.team import invites, members
from switchboard.team.permissions import Role

team_command = command_group("team")
person_command = command_group("person")


@team_command.command("list")
@organization_argument
def list_team(org: Organization) -> None:
    """List members and open invites."""
    found = members.list_team(org.id)
    rows = [
        {
            "person": one.user_id,
            "invite": None,
            "role": one.role.value,
            "email": one.email,
            "since": one.joined_at,
            "name": one.name,
        }
        for one in found.members
    ]
    rows += [
        {
            "person": None,
            "invite": one.id,
            "role": one.role.value,
            "email": one.email,
            "since": one.created_at,
            "name": None,
        }
        for one in found.invites
    ]
    print_rows(rows, "The organization has no members: invite one with `team invite`.")


@team_command.command("invite")
@organization_argument
@click.argument("email", metavar="EMAIL")
@click.option("--role", type=OneOf("a role", Role), default=Role.ADMIN, help="The person's role; admin by default.")
def invite_person(org: Organization, email: str, role: Role) -> None:
    """Invite a person, for example the first admin of an organization."""
    made = invites.create_invite(operator_origin(org.id), org, "Switchboard", email, role)
    print_rows({"invite": made.id, "email": made.email, "role": made.role.value, "expires_at": made.expires_at})
    print_note("The person can join by the link in the mail, or in the console after a sign-in with that address.")


@person_command.command("sign-out")
@click.argument("person", metavar="PERSON")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask, also if scripts use a session of this person.")
def sign_out(person: str, *, is_sure: bool) -> None:
    """End all sessions of a person: the id usr_… from `team list`."""
    demo = deployments.find_demo_session(options_of(click.get_current_context()).local, person)
    if demo:
        confirm_destruction(
            f"{demo} in demo.env is a session of this person. The commands of the tour that use it stop working."
            " `switchboard session create` makes a new one.",
            "sign-out",
            is_sure=is_sure,
        )
    sessions.sign_out_everywhere(person)
    print_note("The person is signed out from the next request on.")
