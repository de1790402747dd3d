"""`switchboard numbers`: telephone numbers and their rent."""

from __future__ import annotations

from typing import Any

from switchboard.accounts.models import Organization
from switchboard.cli.commands import command_group, operator_origin, organization_argument, print_rows
from switchboard.numbers import rent
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number

numbers_command = command_group("numbers")


@numbers_command.command("list")
@organization_argument
def list_numbers(org: Organization) -> None:
    """List an organization's numbers and their rent."""
    print_rows([_row(number) for number in numbers.list_numbers(org.id)], "The organization has no numbers.")


@numbers_command.command("begin-rent")
@organization_argument
def begin_rent(org: Organization) -> None:
    """Charge bought numbers from their next month on that have no rent yet. The command may run again."""
    found = rent.begin_missing_rents(operator_origin(org.id))
    print_rows([_row(number) for number in found], "All bought numbers have a rent.")


def _row(number: Number) -> dict[str, Any]:
    return {
        "number": number.id,
        "e164": number.e164,
        "status": number.status.value,
        "monthly_cost_cents": number.monthly_cost_cents,
        "rent_since": number.rent.since if number.rent else None,
        "next_charge": rent.find_next_due(number),
    }
