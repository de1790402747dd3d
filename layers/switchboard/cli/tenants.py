"""`switchboard tenant` and `switchboard drill`: Athos tenants with their keys, their quota and their drills."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind, Organization
from switchboard.accounts.organizations import Status
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.cli.commands import (
    CommandGroup,
    enum_argument,
    operator_origin,
    positive_argument,
    print_note,
    print_rows,
    slug_argument,
    time_argument,
)
from switchboard.cli.organizations import list_all_organizations
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import sessions
from switchboard.usage import service as usage

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_QUOTA = "roleplays_per_month"


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    _add_tenant(CommandGroup(nouns, "tenant", "tenants of the roleplay API, their keys and their quota"))
    _add_drill(CommandGroup(nouns, "drill", "drills of the catalog, per tenant"))


def _add_tenant(tenant: CommandGroup) -> None:
    create = tenant.add_command("create", _create, "create an organization with a tenant key; prints the key, once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--slug", type=slug_argument, required=True)
    create.add_argument(
        "--plan", type=enum_argument(PlanName), choices=list(PlanName), default=PlanName.FREE, help="free by default"
    )
    tenant.add_command("list", _list, "list organizations with their roleplays, newest first")
    tenant.add_command("show", _show, "show a tenant").add_argument("org", metavar="ORG")
    key = tenant.add_command("key", _key, "create another key for a tenant, at most five active ones; prints it, once")
    key.add_argument("org", metavar="ORG")
    key.add_argument("--name", metavar="N", default="tenant key", help="its name in lists; `tenant key` by default")
    key.add_argument("--expires", type=time_argument, metavar="ISO")
    for name, status, told in (
        ("activate", "active", "activate a tenant again"),
        ("deactivate", "suspended", "suspend a tenant: all keys of its organization stop working"),
    ):
        verb = tenant.add_command(name, _set_status, told)
        verb.set_defaults(status=status)
        verb.add_argument("org", metavar="ORG")
    quota = tenant.add_command("quota", _set_quota, "set a tenant's number of roleplays per month")
    quota.add_argument("org", metavar="ORG")
    amount = quota.add_mutually_exclusive_group(required=True)
    amount.add_argument("--monthly", type=positive_argument, metavar="N")
    amount.add_argument("--plan", action="store_true", help="use the plan's number")


def _add_drill(drill: CommandGroup) -> None:
    drill.add_command("list", _drills, "list the drills of a tenant").add_argument("org", metavar="ORG")
    for name, on, told in (("on", True, "switch a drill on for a tenant"), ("off", False, "switch a drill off")):
        verb = drill.add_command(name, _switch, told)
        verb.set_defaults(on=on)
        verb.add_argument("org", metavar="ORG")
        verb.add_argument("drill", metavar="KEY")


def _create(args: argparse.Namespace) -> None:
    org = organizations.new_organization(args.name, args.slug, args.plan)
    origin = operator_origin(org.id)
    key, writes = keys.key_writes(origin, KeyKind.ATHOS, "tenant key")
    commit(organizations.organization_writes(origin, org), writes)
    print_rows(args, {"organization": org.id, "slug": org.slug, "plan": org.plan.value, "athos_key": key.text})
    print_note("The key is shown only once: keep it now.")


def _list(args: argparse.Namespace) -> None:
    print_rows(args, [_row(org) for org in list_all_organizations()])


def _show(args: argparse.Namespace) -> None:
    print_rows(args, _row(organizations.get_organization(args.org)))


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


def _key(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    if args.expires and args.expires <= clock.now_iso():
        raise Invalid("The key would expire in the past: give --expires a future time.")
    made, writes = keys.key_writes(operator_origin(org.id), KeyKind.ATHOS, args.name, expires_at=args.expires)
    commit(writes)
    print_rows(args, {"organization": org.id, "key": made.key.id, "expires_at": made.key.expires_at, "text": made.text})
    print_note("The key's text is shown only once: keep it now.")


def _set_status(args: argparse.Namespace) -> None:
    status: Status = args.status
    org = organizations.get_organization(args.org)
    organizations.set_status(operator_origin(org.id), status)
    print_rows(args, _row(organizations.get_organization(org.id)))


def _set_quota(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    organizations.set_limit(operator_origin(org.id), _QUOTA, None if args.plan else args.monthly)
    usage.rebalance(org.id)
    print_rows(args, _row(organizations.get_organization(org.id)))


def _drills(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(
        args,
        [
            {"drill": offer.drill.key, "edition": offer.drill.version, "on": offer.on, "title": offer.drill.title}
            for offer in roleplay.list_drill_offers(org.id)
        ],
    )


def _switch(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    roleplay.switch_drill(operator_origin(org.id), args.drill, on=args.on)
    print_rows(args, {"organization": org.id, "drill": args.drill, "on": args.on})
