"""`switchboard recording`: recordings that were lost, or that their provider still keeps."""

from __future__ import annotations

import click

from switchboard.accounts.models import Organization
from switchboard.calls import recordings_at_provider
from switchboard.cli.commands import command_group, operator_origin, organization_argument, print_rows

recording_command = command_group("recording")


@recording_command.command("fetch")
@organization_argument
@click.argument("call", metavar="CALL")
def fetch(org: Organization, call: str) -> None:
    """Fetch the lost recordings of a call again. CALL is its id, as in the log."""
    found = recordings_at_provider.fetch_lost_again(operator_origin(org.id).actor, org.id, call)
    print_rows([{"recording": one, "state": "awaited"} for one in found], "The call has no lost recordings.")


@recording_command.command("forget")
@organization_argument
@click.argument("call", metavar="CALL")
def forget(org: Organization, call: str) -> None:
    """Delete the provider's copies of the stored recordings of a call."""
    found = recordings_at_provider.forget_again(org.id, call)
    rows = [{"recording": one, "state": "being deleted at the provider"} for one in found]
    print_rows(rows, "The call has no stored recordings.")
