"""`switchboard mail`: suppressed addresses, which get no more mail."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, operator_origin, print_rows
from switchboard.email import suppressions
from switchboard.email.address import normalize
from switchboard.errors import Invalid

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_PAGE = 100
_PLATFORM = "platform"


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    noun = CommandGroup(nouns, "mail", "suppressed addresses, which get no more mail")
    listed = noun.add_command("suppressed", _list, "list an organization's suppressed addresses with their reasons")
    listed.add_argument("org", metavar="ORG")
    for name, run, told in (
        ("check", _check, "show whether an address is suppressed"),
        ("suppress", _suppress, "send no more mail to an address"),
        ("lift", _lift, "allow mail to a suppressed address again"),
    ):
        verb = noun.add_command(name, run, told)
        verb.add_argument("org", metavar="ORG", help=f"an organization, or {_PLATFORM} for the platform's own mail")
        verb.add_argument("address", metavar="ADDRESS", type=_address)


def _address(text: str) -> str:
    try:
        return normalize(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _list(args: argparse.Namespace) -> None:
    if args.org == _PLATFORM:
        raise Invalid(
            "The platform stores only digests of addresses: check one address with `mail check platform ADDRESS`."
        )
    org = organizations.get_organization(args.org)
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        found, after = suppressions.list_suppressions(org.id, _PAGE, after)
        rows += [entry.model_dump(mode="json") for entry in found]
        if after is None:
            break
    print_rows(args, rows)


def _check(args: argparse.Namespace) -> None:
    if args.org == _PLATFORM:
        found = suppressions.get_system_suppression(args.address)
    else:
        entry = suppressions.find_suppression(organizations.get_organization(args.org).id, args.address)
        found = entry.model_dump(mode="json") if entry else None
    print_rows(args, {"suppressed": found is not None, **(found or {})})


def _suppress(args: argparse.Namespace) -> None:
    if args.org == _PLATFORM:
        suppressions.add_system_suppression(args.address)
        print_rows(args, {"suppressed": True, "address": args.address})
        return
    org = organizations.get_organization(args.org)
    print_rows(args, suppressions.add_suppression(operator_origin(org.id), args.address).model_dump(mode="json"))


def _lift(args: argparse.Namespace) -> None:
    if args.org == _PLATFORM:
        suppressions.lift_system_suppression(args.address)
    else:
        suppressions.lift_suppression(operator_origin(organizations.get_organization(args.org).id), args.address)
    print_rows(args, {"lifted": args.address})
