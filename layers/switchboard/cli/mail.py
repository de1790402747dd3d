"""`switchboard mail`: suppressed addresses, which get no more mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from switchboard.accounts import slugs
from switchboard.cli.arguments import EMAIL
from switchboard.cli.commands import command_group, operator_origin, print_rows
from switchboard.email import suppressions
from switchboard.errors import Invalid

F = TypeVar("F", bound=Callable[..., Any])
_PAGE = 100
_PLATFORM = "platform"

mail_command = command_group("mail")


def _address_arguments(command: F) -> F:
    """Adds the arguments ORG, which may be `platform` for the platform's own mail, and ADDRESS."""
    command = click.argument("address", metavar="ADDRESS", type=EMAIL)(command)
    return click.argument("owner", metavar="ORG|platform")(command)


@mail_command.command("suppressed")
@click.argument("owner", metavar="ORG")
def list_suppressed(owner: str) -> None:
    """List an organization's suppressed addresses with their reasons."""
    if owner == _PLATFORM:
        raise Invalid(
            "The platform stores only digests of addresses: check one address with `mail check platform ADDRESS`."
        )
    org = slugs.find_organization(owner)
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        found, after = suppressions.list_suppressions(org.id, _PAGE, after)
        rows += [entry.model_dump(mode="json") for entry in found]
        if after is None:
            break
    print_rows(rows, "No address is suppressed.")


@mail_command.command("check")
@_address_arguments
def check_address(owner: str, address: str) -> None:
    """Show whether an address is suppressed."""
    if owner == _PLATFORM:
        found = suppressions.get_system_suppression(address)
    else:
        entry = suppressions.find_suppression(slugs.find_organization(owner).id, address)
        found = entry.model_dump(mode="json") if entry else None
    print_rows({"suppressed": found is not None, **(found or {})})


@mail_command.command("suppress")
@_address_arguments
def suppress_address(owner: str, address: str) -> None:
    """Send no more mail to an address."""
    if owner == _PLATFORM:
        suppressions.add_system_suppression(address)
        print_rows({"suppressed": True, "address": address})
        return
    origin = operator_origin(slugs.find_organization(owner).id)
    print_rows(suppressions.add_suppression(origin, address).model_dump(mode="json"))


@mail_command.command("lift")
@_address_arguments
def lift_suppression(owner: str, address: str) -> None:
    """Allow mail to a suppressed address again."""
    if owner == _PLATFORM:
        suppressions.lift_system_suppression(address)
    else:
        suppressions.lift_suppression(operator_origin(slugs.find_organization(owner).id), address)
    print_rows({"lifted": address})
