"""`switchboard numbers`: telephone numbers and their rent."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, operator_origin, print_rows
from switchboard.numbers import rent
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    group = CommandGroup(nouns, "numbers", "telephone numbers and their rent")
    group.add_command("list", _list, "list an organization's numbers and their rent").add_argument("org", metavar="ORG")
    group.add_command(
        "begin-rent",
        _begin_rent,
        "charge bought numbers from their next month on that have no rent yet; the command may run again",
    ).add_argument("org", metavar="ORG")


def _list(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, [_row(number) for number in numbers.list_numbers(org.id)])


def _begin_rent(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, [_row(number) for number in rent.begin_missing_rents(operator_origin(org.id))])


def _row(number: Number) -> dict[str, Any]:
    return {
        "number": number.id,
        "e164": number.e164,
        "status": number.status.value,
        "monthly_cost_cents": number.monthly_cost_cents,
        "rent_since": number.rent.since if number.rent else None,
        "next_charge": rent.find_next_due(number),
    }
