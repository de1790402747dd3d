"""`switchboard gate`: the compliance gate's verdicts and lists, and an organization's own calling hours."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from switchboard.accounts import organizations
from switchboard.cli.commands import CommandGroup, operator_origin, print_rows
from switchboard.compliance import calling_hours, explanation, ledgers
from switchboard.compliance import service as compliance

if TYPE_CHECKING:
    from pydantic import BaseModel

    from switchboard.cli.commands import Nouns

_Page = Callable[[str, int, "str | None"], "tuple[Sequence[BaseModel], str | None]"]
#: The ledgers that can be listed.
_LEDGERS: dict[str, _Page] = {
    "blocked": ledgers.list_blocked_numbers,
    "opt-outs": ledgers.list_opt_outs,
    "consents": ledgers.list_consents,
}
#: The ledger that `list` shows by default.
_DEFAULT = "blocked"
_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    noun = CommandGroup(nouns, "gate", "the compliance gate")
    explain = noun.add_command("explain", _explain, "explain why a call or text was allowed or refused")
    explain.add_argument("org", metavar="ORG")
    explain.add_argument("subject", metavar="ID", help="the id of the call or message")
    for name, run, told in (
        ("block", _block, "block all calls and texts to a number"),
        ("unblock", _unblock, "remove a block"),
        ("opt-out", _opt_out, "record that a number's holder wants no more calls and texts"),
    ):
        verb = noun.add_command(name, run, told)
        verb.add_argument("org", metavar="ORG")
        verb.add_argument("number", metavar="E164")
    hours = noun.add_command("hours", _hours, "show, set or remove an organization's own calling hours")
    hours.add_argument("org", metavar="ORG")
    change = hours.add_mutually_exclusive_group()
    change.add_argument(
        "--set", nargs=2, metavar=("START", "END"), help="for example 09:00 18:00, in the recipient's local time"
    )
    change.add_argument("--off", action="store_true", help="remove them: only the legal hours apply")
    listed = noun.add_command("list", _list, "list numbers that are blocked, opted out, or consented")
    listed.add_argument("org", metavar="ORG")
    listed.add_argument(
        "ledger", choices=list(_LEDGERS), nargs="?", default=_DEFAULT, help=f"which list; {_DEFAULT} by default"
    )


def _explain(args: argparse.Namespace) -> None:
    verdict = compliance.get_verdict(args.org, args.subject)
    if getattr(args, "json", False):
        print_rows(args, verdict.model_dump(mode="json"))
    else:
        print(explanation.explain_verdict(verdict))


def _hours(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    if args.set or args.off:
        start, end = args.set or (None, None)
        found = calling_hours.set_calling_hours(operator_origin(org.id), start, end)
    else:
        found = calling_hours.get_calling_hours(org.id)
    print_rows(args, found.model_dump() if found else {"start": None, "end": None})


def _list(args: argparse.Namespace) -> None:
    org, page = organizations.get_organization(args.org), _LEDGERS[args.ledger]
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        found, after = page(org.id, _PAGE, after)
        rows += [entry.model_dump(mode="json") for entry in found]
        if after is None:
            break
    print_rows(args, rows)


def _block(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, ledgers.block_number(operator_origin(org.id), args.number).model_dump())


def _unblock(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, {"unblocked": ledgers.unblock_number(operator_origin(org.id), args.number)})


def _opt_out(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, ledgers.record_opt_out(operator_origin(org.id), args.number, "manual").model_dump())
