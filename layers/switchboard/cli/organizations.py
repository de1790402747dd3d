"""`switchboard org`: organizations, their plans and their caps."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind, Organization
from switchboard.accounts.plans import Plan, PlanName
from switchboard.aws.writes import commit
from switchboard.cli.commands import (
    CommandGroup,
    enum_argument,
    operator_origin,
    positive_argument,
    print_note,
    print_rows,
    slug_argument,
)
from switchboard.email import address
from switchboard.usage import service as usage

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_LIMITS = tuple(field.name for field in fields(Plan) if field.name not in ("name", "sliced", "has_overage"))
_LARGEST_CAP = 100_000_000
_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    org = CommandGroup(nouns, "org", "organizations, their plans and their caps")
    create = org.add_command("create", _create, "create an organization; prints its master key, once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--slug", type=slug_argument, required=True)
    create.add_argument(
        "--plan", type=enum_argument(PlanName), choices=list(PlanName), default=PlanName.FREE, help="free by default"
    )
    create.add_argument("--owner", type=_address, metavar="EMAIL", help="its owner, who can own no second organization")
    org.add_command("list", _list, "list organizations, newest first")
    org.add_command("show", _show, "show an organization").add_argument("org", metavar="ORG")
    plan = org.add_command("set-plan", _set_plan, "move an organization to a plan")
    plan.add_argument("org", metavar="ORG")
    plan.add_argument(
        "plan", type=enum_argument(PlanName), choices=list(PlanName), metavar="PLAN", help=", ".join(PlanName)
    )
    agreed = plan.add_mutually_exclusive_group()
    agreed.add_argument(
        "--limit",
        type=_limit,
        action="append",
        metavar="NAME=VALUE",
        help=f"a limit that replaces the plan's: {', '.join(_LIMITS)}; repeatable, and earlier limits are removed",
    )
    agreed.add_argument("--no-limits", action="store_true", help="remove all earlier limits: the plan's limits apply")
    cap = org.add_command("set-cap", _set_cap, "set or remove an organization's monthly spending cap")
    cap.add_argument("org", metavar="ORG")
    amount = cap.add_mutually_exclusive_group(required=True)
    amount.add_argument("--cents", type=_cents, metavar="N")
    amount.add_argument("--off", action="store_true")


def _create(args: argparse.Namespace) -> None:
    org = organizations.new_organization(args.name, args.slug, args.plan, args.owner)
    origin = operator_origin(org.id)
    master, key_writes = keys.key_writes(origin, KeyKind.MASTER, "master key")
    commit(organizations.organization_writes(origin, org), key_writes)
    print_rows(args, {"organization": org.id, "slug": org.slug, "plan": org.plan.value, "master_key": master.text})
    print_note("The key is shown only once: keep it now.")


def _list(args: argparse.Namespace) -> None:
    print_rows(args, [_row(org) for org in list_all_organizations()])


def list_all_organizations() -> list[Organization]:
    """All organizations, newest first."""
    found, start = organizations.list_organizations(_PAGE)
    while start:
        more, start = organizations.list_organizations(_PAGE, start)
        found += more
    return found


def _row(org: Organization) -> dict[str, Any]:
    return {
        "organization": org.id,
        "slug": org.slug,
        "name": org.name,
        "plan": org.plan.value,
        "status": org.status,
        "created_at": org.created_at,
    }


def _show(args: argparse.Namespace) -> None:
    print_rows(args, _whole(organizations.get_organization(args.org)))


def _whole(org: Organization) -> dict[str, Any]:
    return {
        **_row(org),
        "owner": org.owner_email,
        "limits": {name: getattr(org.terms, name) for name in _LIMITS},
        "agreed": org.limits,
        "cap_cents": org.hard_cap.monthly_cap_cents if org.hard_cap.enabled else None,
        "updated_at": org.updated_at,
    }


def _set_plan(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    limits = {} if args.no_limits else dict(args.limit) if args.limit else None
    organizations.set_plan(operator_origin(org.id), args.plan, limits)
    usage.rebalance(org.id)
    print_rows(args, _whole(organizations.get_organization(org.id)))


def _set_cap(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    changes = {"enabled": False} if args.off else {"enabled": True, "monthly_cap_cents": args.cents}
    usage.change_hard_cap(operator_origin(org.id), changes)
    print_rows(args, _whole(organizations.get_organization(org.id)))


def _address(text: str) -> str:
    try:
        return address.normalize(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _limit(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not equals or name not in _LIMITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE: use one of the names {', '.join(_LIMITS)}")
    return name, positive_argument(value)


def _cents(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_CAP):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount in cents from 0 to {_LARGEST_CAP}")
    return int(text)
