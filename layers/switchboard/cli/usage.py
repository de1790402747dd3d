"""`switchboard usage`: an organization's usage and its cost."""

from __future__ import annotations

import click

from switchboard.accounts.models import Organization
from switchboard.cli.arguments import MONTH
from switchboard.cli.commands import command_group, organization_argument, print_rows
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT

usage_command = command_group("usage")


@usage_command.command("show")
@organization_argument
@click.option("--month", type=MONTH, metavar="YYYY-MM", help="In UTC; this month by default.")
def show_usage(org: Organization, month: str | None) -> None:
    """Show a month's usage and its cost."""
    found = usage.get_monthly_usage(org.id, month)
    cap = org.hard_cap.monthly_cap_cents if org.hard_cap.enabled else None
    cents = found.spent_micros / MICROS_PER_CENT
    print_rows({"organization": org.id, "month": found.period, **found.units, "spent_cents": cents, "cap_cents": cap})
