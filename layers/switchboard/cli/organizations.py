"""`switchboard org`: organizations, their plans and their caps."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from switchboard.accounts import keys, organizations, slugs
from switchboard.accounts.models import KeyKind, Organization
from switchboard.accounts.plans import Plan, PlanName
from switchboard.aws.writes import commit
from switchboard.cli.arguments import EMAIL, SLUG, OneOf, Parsed, read_positive
from switchboard.cli.commands import (
    command_group,
    confirm_destruction,
    forbid_two,
    is_json,
    operator_origin,
    organization_argument,
    print_note,
    print_rows,
    require_one,
)
from switchboard.usage import service as usage

if TYPE_CHECKING:
    from switchboard.offboarding.models import Deletion

_LIMITS = tuple(field.name for field in fields(Plan) if field.name not in ("name", "sliced", "has_overage"))
_LARGEST_CAP = 100_000_000
_PAGE = 100
PLAN = OneOf("a plan", PlanName)


def _limit(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not equals or name not in _LIMITS:
        raise ValueError(f"{text!r} is not NAME=VALUE: use one of the names {', '.join(_LIMITS)}")
    return name, read_positive(value)


def _cents(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_CAP):
        raise ValueError(f"{text!r} is not an amount in cents from 0 to {_LARGEST_CAP}")
    return int(text)


org_command = command_group("org")


@org_command.command("create")
@click.argument("name", metavar="NAME")
@click.option("--slug", type=SLUG, required=True, help="Its unique short name, which all commands take as ORG.")
@click.option("--plan", type=PLAN, default=PlanName.FREE, help="free by default.")
@click.option("--owner", type=EMAIL, metavar="EMAIL", help="Its owner, who can own no second organization.")
def create_organization(name: str, slug: str, plan: PlanName, owner: str | None) -> None:
    """Create an organization; prints its master key, once."""
    org = organizations.new_organization(name, slug, plan, owner)
    origin = operator_origin(org.id)
    master, key_writes = keys.key_writes(origin, KeyKind.MASTER, "master key")
    commit(organizations.organization_writes(origin, org), key_writes)
    print_rows({"organization": org.id, "slug": org.slug, "plan": org.plan.value, "master_key": master.text})
    print_note("The key is shown only once: keep it now.")


@org_command.command("list")
def list_organizations() -> None:
    """List organizations, newest first."""
    print_rows([_row(org) for org in list_all_organizations()], "There are no organizations.")


def list_all_organizations() -> list[Organization]:
    """All organizations, newest first."""
    found, start = organizations.list_organizations(_PAGE)
    while start:
        more, start = organizations.list_organizations(_PAGE, start)
        found += more
    return found


@org_command.command("show")
@organization_argument
def show_organization(org: Organization) -> None:
    """Show an organization."""
    print_rows(_whole(org))


@org_command.command("set-plan")
@forbid_two("limits", "no_limits")
@organization_argument
@click.argument("plan", metavar="PLAN", type=PLAN)
@click.option(
    "--limit",
    "limits",
    type=Parsed("limit", _limit),
    multiple=True,
    metavar="NAME=VALUE",
    help=f"A limit that replaces the plan's: {', '.join(_LIMITS)}; repeatable, and earlier limits are removed.",
)
@click.option("--no-limits", is_flag=True, help="Remove all earlier limits: the plan's limits apply.")
def set_plan(org: Organization, plan: PlanName, limits: tuple[tuple[str, int], ...], *, no_limits: bool) -> None:
    """Move an organization to a plan: free, starter, growth, scale or enterprise."""
    agreed = {} if no_limits else dict(limits) or None
    organizations.set_plan(operator_origin(org.id), plan, agreed)
    usage.rebalance(org.id)
    print_rows(_whole(organizations.get_organization(org.id)))


@org_command.command("set-cap")
@require_one("cents", "off")
@organization_argument
@click.option("--cents", type=Parsed("cents", _cents), metavar="N", help="The cap of a month.")
@click.option("--off", is_flag=True, help="Remove the cap.")
def set_cap(org: Organization, cents: int | None, *, off: bool) -> None:
    """Set or remove an organization's monthly spending cap."""
    changes = {"enabled": False} if off else {"enabled": True, "monthly_cap_cents": cents}
    usage.change_hard_cap(operator_origin(org.id), changes)
    print_rows(_whole(organizations.get_organization(org.id)))


@org_command.command("suspend")
@organization_argument
def suspend_organization(org: Organization) -> None:
    """Suspend an organization: its keys stop working, and its waiting work is not done."""
    print_rows(_row(organizations.set_status(operator_origin(org.id), "suspended")))


@org_command.command("resume")
@organization_argument
def resume_organization(org: Organization) -> None:
    """Make a suspended organization active again."""
    print_rows(_row(organizations.set_status(operator_origin(org.id), "active")))


@org_command.command("rename")
@organization_argument
@click.option("--name", metavar="NAME", help="Its new name.")
@click.option("--slug", type=SLUG, help="Its new slug. Its old slug is free at once.")
def rename_organization(org: Organization, name: str | None, slug: str | None) -> None:
    """Give an organization another name, another slug, or both."""
    if not (name or slug):
        raise click.UsageError("give --name, --slug or both")
    print_rows(_row(slugs.rename_organization(operator_origin(org.id), name, slug)))


@org_command.command("delete")
@organization_argument
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the slug.")
def delete_organization(org: Organization, *, is_sure: bool) -> None:
    """Delete an organization and its data for good, in the background.

    From now on its keys and members are refused, and no accepted work is done. A worker ends its calls, campaigns,
    subscription and numbers, and deletes its data an hour later. Given again, the command tries again at once what the
    worker could not end.
    """
    # For a short start: a deletion needs the services of many nouns.
    from switchboard.offboarding import service as offboarding

    confirm_destruction(
        f"{org.name} ({org.id}) is deleted for good. Its numbers go back to the carrier, and nobody can get them back.",
        org.slug,
        is_sure=is_sure,
    )
    print_rows(_deletion_row(offboarding.begin_deletion(operator_origin(org.id))))
    print_note(f"`switchboard org deletion {org.id}` shows how far it is, and what stays.")


@org_command.command("deletion")
@organization_argument
def show_deletion(org: Organization) -> None:
    """Show how far the deletion of an organization is, and what stays. ORG is its id: its slug is soon free."""
    from switchboard.offboarding import service as offboarding
    from switchboard.offboarding.kept import KEPT

    found = offboarding.get_deletion(org.id)
    kept = [{"stays": one.thing, "until": one.until, "why": one.why} for one in KEPT]
    if is_json():
        print_rows({**_deletion_row(found), "ended": found.ended, "trouble": found.trouble, "kept": kept})
        return
    print_rows(_deletion_row(found))
    for rows in (
        [{"ended": kind, "number": number} for kind, number in found.ended.items()],
        [{"cannot end": kind, "because": why} for kind, why in found.trouble.items()],
        kept,
    ):
        if rows:
            click.echo()
            print_rows(rows)


def _deletion_row(found: Deletion) -> dict[str, Any]:
    return {
        "organization": found.org_id,
        "phase": found.phase.value,
        "next": found.due,
        "rows": found.rows,
        "objects": found.objects,
        "passes": found.passes,
        "begun_at": found.created_at,
        "erased_at": found.erased_at,
        "completed_at": found.completed_at,
    }


def _row(org: Organization) -> dict[str, Any]:
    return {
        "organization": org.id,
        "slug": org.slug,
        "name": org.name,
        "plan": org.plan.value,
        "status": org.status,
        "created_at": org.created_at,
    }


def _whole(org: Organization) -> dict[str, Any]:
    return {
        **_row(org),
        "owner": org.owner_email,
        "limits": {name: getattr(org.terms, name) for name in _LIMITS},
        "agreed": org.limits,
        "cap_cents": org.hard_cap.monthly_cap_cents if org.hard_cap.enabled else None,
        "updated_at": org.updated_at,
    }
