"""`switchboard gate`: the compliance gate's verdicts and lists, and an organization's own calling hours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from switchboard.accounts.models import Organization
from switchboard.cli.arguments import OneOf
from switchboard.cli.commands import (
    command_group,
    forbid_two,
    is_json,
    operator_origin,
    organization_argument,
    print_rows,
)
from switchboard.compliance import calling_hours, explanation, ledgers
from switchboard.compliance import service as compliance

if TYPE_CHECKING:
    from pydantic import BaseModel

_Page = Callable[[str, int, "str | None"], "tuple[Sequence[BaseModel], str | None]"]
#: The ledgers that can be listed.
_LEDGERS: dict[str, _Page] = {
    "blocked": ledgers.list_blocked_numbers,
    "opt-outs": ledgers.list_opt_outs,
    "consents": ledgers.list_consents,
}
_PAGE = 100

gate_command = command_group("gate")


@gate_command.command("explain")
@organization_argument
@click.argument("subject", metavar="ID")
def explain(org: Organization, subject: str) -> None:
    """Explain why a call or text was allowed or refused. ID is the id of the call or message."""
    verdict = compliance.get_verdict(org.id, subject)
    if is_json():
        print_rows(verdict.model_dump(mode="json"))
    else:
        click.echo(explanation.explain_verdict(verdict))


@gate_command.command("block")
@organization_argument
@click.argument("number", metavar="E164")
def block(org: Organization, number: str) -> None:
    """Block all calls and texts to a number."""
    print_rows(ledgers.block_number(operator_origin(org.id), number).model_dump())


@gate_command.command("unblock")
@organization_argument
@click.argument("number", metavar="E164")
def unblock(org: Organization, number: str) -> None:
    """Remove a block."""
    print_rows({"unblocked": ledgers.unblock_number(operator_origin(org.id), number)})


@gate_command.command("opt-out")
@organization_argument
@click.argument("number", metavar="E164")
def opt_out(org: Organization, number: str) -> None:
    """Record that a number's holder wants no more calls and texts."""
    print_rows(ledgers.record_opt_out(operator_origin(org.id), number, "manual").model_dump())


@gate_command.command("hours")
@forbid_two("hours", "off")
@organization_argument
@click.option(
    "--set",
    "hours",
    nargs=2,
    metavar="START END",
    help="For example 09:00 18:00, in the recipient's local time.",
)
@click.option("--off", is_flag=True, help="Remove them: only the legal hours apply.")
def hours(org: Organization, hours: tuple[str, str] | None, *, off: bool) -> None:
    """Show, set or remove an organization's own calling hours."""
    if hours or off:
        start, end = hours or (None, None)
        found = calling_hours.set_calling_hours(operator_origin(org.id), start, end)
    else:
        found = calling_hours.get_calling_hours(org.id)
    print_rows(found.model_dump() if found else {"start": None, "end": None})


@gate_command.command("list")
@organization_argument
@click.argument("ledger", type=OneOf("a list", _LEDGERS), default="blocked", metavar="[LIST]")
def list_numbers(org: Organization, ledger: str) -> None:
    """List numbers of a LIST: blocked (the default), opt-outs or consents."""
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        found, after = _LEDGERS[ledger](org.id, _PAGE, after)
        rows += [entry.model_dump(mode="json") for entry in found]
        if after is None:
            break
    print_rows(rows, f"The list `{ledger}` is empty.")
