"""`switchboard law`: the gate's built-in rows of law, and the rows that an operator adds while the system runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar, get_args

import click

from switchboard.cli.arguments import DAY, POSITIVE, OneOf, Parsed
from switchboard.cli.commands import command_group, operator_origin, print_rows
from switchboard.compliance import amendment_service
from switchboard.compliance.amendments import WEEKDAYS, Amendment, Channel
from switchboard.compliance.data import review
from switchboard.kit import clock

F = TypeVar("F", bound=Callable[..., Any])
#: Rows of law belong to no organization.
_EVERYBODY = "org_platform"

law_command = command_group("law")


def _weekdays(text: str) -> tuple[str, ...]:
    days = tuple(text.lower().split(","))
    if not set(days) <= set(WEEKDAYS):
        raise ValueError(f"{text!r} is not a list of weekdays: use {','.join(WEEKDAYS)}")
    return days


def _place(command: F) -> F:
    """Adds the argument PLACE and the options that every row has."""
    for parameter in reversed(
        (
            click.argument("place", metavar="PLACE"),
            click.option("--source", required=True, metavar="TEXT", help="The source of the rule."),
            click.option("--review-by", type=DAY, metavar="DAY", help="The day of its next review."),
            click.option(
                "--channel",
                type=OneOf("a channel", get_args(Channel)),
                help="Only calls, or only texts; both by default.",
            ),
        )
    ):
        command = parameter(command)
    return command


def _period(command: F) -> F:
    """Adds the options of the days on which a row applies."""
    command = click.option("--until", "last", type=DAY, metavar="DAY", help="The last day; none by default.")(command)
    return click.option("--from", "first", type=DAY, metavar="DAY", help="The first day; today by default.")(command)


@law_command.command("rows", offline=True)
def list_built_in_rows() -> None:
    """List the built-in rows of this release."""
    today = clock.now().date()
    rows: list[dict[str, Any]] = [
        {
            "row": due.what,
            "review_by": due.review_by.isoformat(),
            "overdue": due.review_by < today,
            "checked": due.checked,
            "not_checked": due.not_checked,
            "source": due.source,
        }
        for due in review.list_review_items()
    ]
    print_rows(rows)


@law_command.command("list")
def list_rows() -> None:
    """List the rows that operators added."""
    print_rows([_row(row) for row in amendment_service.list_amendments()], "Operators have added no rows.")


@law_command.command("overdue")
def list_overdue_rows() -> int:
    """List rows with an overdue review; exits with 1 if there are any."""
    today = clock.now().date()
    built_in = [{"row": due.what, "review_by": due.review_by.isoformat()} for due in review.list_overdue_items(today)]
    added = [
        {"row": row.id, "review_by": str(row.review_by)} for row in amendment_service.list_overdue_amendments(today)
    ]
    found = [*built_in, *added]
    print_rows(found, "Nothing is overdue.")
    return 1 if found else 0


@law_command.command("close")
@_place
@click.argument("first", type=DAY, metavar="FIRST")
@click.argument("last", type=DAY, metavar="LAST")
def close(**values: Any) -> None:
    """Forbid calls to a place from the day FIRST to LAST: an emergency, a proclaimed holiday.

    PLACE is a country, for example CA, or a state, for example US-FL. The days are in local time.
    """
    _add("closure", **values)


@law_command.command("narrow")
@_place
@click.argument("start", metavar="START")
@click.argument("end", metavar="END")
@click.option(
    "--days",
    type=Parsed("days", _weekdays),
    default=WEEKDAYS,
    metavar="LIST",
    help="For example mon,tue; all by default.",
)
@_period
def narrow(**values: Any) -> None:
    """Allow calls to a PLACE only from START to END, for example 09:00 18:00, in the recipient's local time."""
    _add("window", **values)


@law_command.command("cap")
@_place
@click.argument("calls", type=POSITIVE, metavar="CALLS")
@click.argument("hours", type=POSITIVE, metavar="HOURS")
@_period
def cap(**values: Any) -> None:
    """Limit the calls to a PLACE about one subject to 1 to 3 CALLS in 1 to 24 HOURS."""
    _add("cap", **values)


def _add(kind: str, *, first: date | None, last: date | None, **values: Any) -> None:
    actor = operator_origin(_EVERYBODY).actor
    print_rows(_row(amendment_service.add_amendment(actor, kind=kind, first=first, last=last, **values)))


@law_command.command("remove")
@click.argument("row", metavar="ID")
def remove(row: str) -> None:
    """Remove a row that an operator added."""
    print_rows(_row(amendment_service.remove_amendment(operator_origin(_EVERYBODY).actor, row)))


def _row(row: Amendment) -> dict[str, Any]:
    asks = {
        "closure": "closed",
        "window": f"{row.start}-{row.end} {','.join(row.days)}",
        "cap": f"{row.calls} calls in {row.hours} h",
    }
    return {
        "row": row.id,
        "place": row.place,
        "asks": asks[row.kind],
        "first": row.first.isoformat(),
        "last": row.last.isoformat() if row.last else None,
        "channel": row.channel,
        "review_by": row.review_by.isoformat() if row.review_by else None,
        "by": row.created_by,
        "source": row.source,
    }
