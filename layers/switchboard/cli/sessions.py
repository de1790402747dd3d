"""`switchboard session`: sessions of the console, for scripts on a local stack."""

from __future__ import annotations

import click

from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.cli.commands import command_group, organization_argument, print_note, print_rows
from switchboard.errors import Forbidden, NotFound
from switchboard.kit import settings
from switchboard.people import service as people
from switchboard.people import sessions
from switchboard.team import members

session_command = command_group("session")


@session_command.command("create")
@organization_argument
@click.argument("person", metavar="PERSON")
def create_session(org: Organization, person: str) -> None:
    """Create a session of a member, for scripts; prints its cookie, once. On a local stack only.

    PERSON is the id usr_… or the address of a member, as in `team list`.
    """
    # A deployment's operator must not act under the name of a customer: the person signs in.
    if settings.text("STAGE") != "local":
        raise Forbidden("Sessions can be created on a local stack only: on a deployment the person signs in.")
    found = [one for one in members.list_team(org.id).members if person in (one.user_id, one.email)]
    if not found:
        raise NotFound(f"{person} is no member of {org.name}: see `switchboard team list`.")
    user = reads.read_ref(people.user_ref(found[0].user_id))
    assert user is not None, "a member is a person"
    cookie = sessions.open_session(user, org.id)
    print_rows({"person": found[0].user_id, "organization": org.id, "cookie": f"bh_hum_session={cookie}"})
    print_note("Send it in the header Cookie. It is shown only once: keep it now.")
