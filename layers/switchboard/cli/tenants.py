"""`switchboard tenant` and `switchboard drill`: Athos tenants with their keys, their quota and their drills."""

from __future__ import annotations

from typing import Any

import click

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind, Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.cli.arguments import POSITIVE, SLUG, TIME
from switchboard.cli.commands import (
    command_group,
    operator_origin,
    organization_argument,
    print_note,
    print_rows,
    require_one,
)
from switchboard.cli.organizations import PLAN, list_all_organizations
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import sessions
from switchboard.usage import service as usage

_QUOTA = "roleplays_per_month"

tenant_command = command_group("tenant")
drill_command = command_group("drill")


@tenant_command.command("create")
@click.argument("name", metavar="NAME")
@click.option("--slug", type=SLUG, required=True, help="Its unique short name, which all commands take as ORG.")
@click.option("--plan", type=PLAN, default=PlanName.FREE, help="free by default.")
def create_tenant(name: str, slug: str, plan: PlanName) -> None:
    """Create an organization with a tenant key; prints the key, once."""
    org = organizations.new_organization(name, slug, plan)
    origin = operator_origin(org.id)
    key, key_writes = keys.key_writes(origin, KeyKind.ATHOS, "tenant key")
    commit(organizations.organization_writes(origin, org), key_writes)
    print_rows({"organization": org.id, "slug": org.slug, "plan": org.plan.value, "athos_key": key.text})
    print_note("The key is shown only once: keep it now.")


@tenant_command.command("list")
def list_tenants() -> None:
    """List organizations with their roleplays, newest first."""
    print_rows([_row(org) for org in list_all_organizations()], "There are no organizations.")


@tenant_command.command("show")
@organization_argument
def show_tenant(org: Organization) -> None:
    """Show a tenant."""
    print_rows(_row(org))


@tenant_command.command("key")
@organization_argument
@click.option("--name", metavar="N", default="tenant key", help="Its name in lists; `tenant key` by default.")
@click.option("--expires", type=TIME, metavar="ISO", help="When it stops working.")
def create_key(org: Organization, name: str, expires: str | None) -> None:
    """Create another key for a tenant, at most five active ones; prints it, once."""
    if expires and expires <= clock.now_iso():
        raise Invalid("The key would expire in the past: give --expires a future time.")
    made, writes = keys.key_writes(operator_origin(org.id), KeyKind.ATHOS, name, expires_at=expires)
    commit(writes)
    print_rows({"organization": org.id, "key": made.key.id, "expires_at": made.key.expires_at, "text": made.text})
    print_note("The key's text is shown only once: keep it now.")


@tenant_command.command("activate")
@organization_argument
def activate_tenant(org: Organization) -> None:
    """Activate a tenant again."""
    print_rows(_row(organizations.set_status(operator_origin(org.id), "active")))


@tenant_command.command("deactivate")
@organization_argument
def deactivate_tenant(org: Organization) -> None:
    """Suspend a tenant: all keys of its organization stop working."""
    print_rows(_row(organizations.set_status(operator_origin(org.id), "suspended")))


@tenant_command.command("quota")
@require_one("monthly", "plan")
@organization_argument
@click.option("--monthly", type=POSITIVE, metavar="N", help="The number of roleplays per month.")
@click.option("--plan", is_flag=True, help="Use the plan's number.")
def set_quota(org: Organization, monthly: int | None, *, plan: bool) -> None:  # noqa: ARG001 it is the choice of no number
    """Set a tenant's number of roleplays per month."""
    organizations.set_limit(operator_origin(org.id), _QUOTA, monthly)
    usage.rebalance(org.id)
    print_rows(_row(organizations.get_organization(org.id)))


@drill_command.command("list")
@organization_argument
def list_drills(org: Organization) -> None:
    """List the drills of a tenant."""
    print_rows(
        [
            {"drill": offer.drill.key, "edition": offer.drill.version, "on": offer.on, "title": offer.drill.title}
            for offer in roleplay.list_drill_offers(org.id)
        ],
        "The catalog has no drills.",
    )


@drill_command.command("on")
@organization_argument
@click.argument("drill", metavar="KEY")
def switch_on(org: Organization, drill: str) -> None:
    """Switch a drill on for a tenant."""
    _switch_drill(org, drill, on=True)


@drill_command.command("off")
@organization_argument
@click.argument("drill", metavar="KEY")
def switch_off(org: Organization, drill: str) -> None:
    """Switch a drill off."""
    _switch_drill(org, drill, on=False)


def _switch_drill(org: Organization, drill: str, *, on: bool) -> None:
    roleplay.switch_drill(operator_origin(org.id), drill, on=on)
    print_rows({"organization": org.id, "drill": drill, "on": on})


def _row(org: Organization) -> dict[str, Any]:
    return {
        "organization": org.id,
        "slug": org.slug,
        "name": org.name,
        "plan": org.plan.value,
        "status": org.status,
        "roleplays": usage.used_in_month(org.id, clock.now_iso()[:7], sessions.ROLEPLAY_COUNTER),
        "quota": org.terms.roleplays_per_month,
    }
