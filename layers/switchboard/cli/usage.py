"""`switchboard usage`: an organization's usage and its cost."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, month_argument, print_rows
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    verb = CommandGroup(nouns, "usage", "an organization's usage").add_command(
        "show", _show, "show a month's usage and its cost"
    )
    verb.add_argument("org", metavar="ORG")
    verb.add_argument("--month", type=month_argument, metavar="YYYY-MM", help="in UTC; this month by default")


def _show(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    found = usage.get_monthly_usage(org.id, args.month)
    cap = org.hard_cap.monthly_cap_cents if org.hard_cap.enabled else None
    cents = found.spent_micros / MICROS_PER_CENT
    print_rows(
        args, {"organization": org.id, "month": found.period, **found.units, "spent_cents": cents, "cap_cents": cap}
    )
