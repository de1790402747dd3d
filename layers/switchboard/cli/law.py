"""`switchboard law`: the gate's built-in rows of law, and the rows that an operator adds while the system runs."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

from switchboard.cli.commands import CommandGroup, operator_origin, positive_argument, print_note, print_rows
from switchboard.compliance import amendment_service
from switchboard.compliance.amendments import WEEKDAYS, Amendment, Channel
from switchboard.compliance.data import review
from switchboard.kit import clock

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

#: Rows of law belong to no organization.
_EVERYBODY = "org_platform"


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    law = CommandGroup(nouns, "law", "rows of law: the times and places where people may be called")
    law.add_command("rows", _rows, "list the built-in rows of this release", offline=lambda _: True)
    law.add_command("list", _list, "list the rows that operators added")
    law.add_command("overdue", _overdue, "list rows with an overdue review; exits with 1 if there are any")
    close = law.add_command("close", _close, "forbid calls to a place on some days: an emergency, a proclaimed holiday")
    _add_place(close)
    close.add_argument("first", type=_day, metavar="FIRST", help="the first day, in local time")
    close.add_argument("last", type=_day, metavar="LAST", help="the last day")
    narrow = law.add_command("narrow", _narrow, "allow calls to a place only in a part of the day")
    _add_place(narrow)
    narrow.add_argument("start", metavar="START", help="for example 09:00, in the recipient's local time")
    narrow.add_argument("end", metavar="END", help="for example 18:00")
    narrow.add_argument(
        "--days", type=_weekdays, default=WEEKDAYS, metavar="LIST", help="for example mon,tue; all by default"
    )
    cap = law.add_command("cap", _cap, "limit the calls about one subject to a number in some hours")
    _add_place(cap)
    cap.add_argument("calls", type=positive_argument, metavar="CALLS", help="1 to 3")
    cap.add_argument("hours", type=positive_argument, metavar="HOURS", help="1 to 24")
    for verb in (narrow, cap):
        verb.add_argument("--from", dest="first", type=_day, metavar="DAY", help="the first day; today by default")
        verb.add_argument("--until", dest="last", type=_day, metavar="DAY", help="the last day; none by default")
    removed = law.add_command("remove", _remove, "remove a row that an operator added")
    removed.add_argument("row", metavar="ID")


def _add_place(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("place", metavar="PLACE", help="a country, for example CA, or a state, for example US-FL")
    verb.add_argument("--source", required=True, metavar="TEXT", help="the source of the rule")
    verb.add_argument("--review-by", type=_day, metavar="DAY", help="the day of its next review")
    verb.add_argument("--channel", choices=get_args(Channel), help="only calls, or only texts; both by default")


def _rows(args: argparse.Namespace) -> None:
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
    print_rows(args, rows)


def _list(args: argparse.Namespace) -> None:
    print_rows(args, [_row(row) for row in amendment_service.list_amendments()])


def _overdue(args: argparse.Namespace) -> int:
    today = clock.now().date()
    built_in = [{"row": due.what, "review_by": due.review_by.isoformat()} for due in review.list_overdue_items(today)]
    added = [
        {"row": row.id, "review_by": str(row.review_by)} for row in amendment_service.list_overdue_amendments(today)
    ]
    found = [*built_in, *added]
    print_rows(args, found)
    if not found:
        print_note("Nothing is overdue.")
    return 1 if found else 0


def _close(args: argparse.Namespace) -> None:
    _add(args, "closure", first=args.first, last=args.last)


def _narrow(args: argparse.Namespace) -> None:
    _add(args, "window", first=args.first, last=args.last, start=args.start, end=args.end, days=args.days)


def _cap(args: argparse.Namespace) -> None:
    _add(args, "cap", first=args.first, last=args.last, calls=args.calls, hours=args.hours)


def _add(args: argparse.Namespace, kind: str, **more: Any) -> None:
    row = amendment_service.add_amendment(
        operator_origin(_EVERYBODY).actor,
        kind=kind,
        place=args.place,
        source=args.source,
        review_by=args.review_by,
        channel=args.channel,
        **more,
    )
    print_rows(args, _row(row))


def _remove(args: argparse.Namespace) -> None:
    print_rows(args, _row(amendment_service.remove_amendment(operator_origin(_EVERYBODY).actor, args.row)))


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


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day: write it like 2026-01-31") from None


def _weekdays(text: str) -> tuple[str, ...]:
    days = tuple(text.lower().split(","))
    if not set(days) <= set(WEEKDAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of weekdays: use {','.join(WEEKDAYS)}")
    return days
