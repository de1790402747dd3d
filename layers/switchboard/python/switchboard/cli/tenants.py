"""`switchboard tenant` and `switchboard drill`: Athos tenants with their keys, their quota and their drills."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import service as accounts
from switchboard.accounts.models import KeyKind, Organisation
from switchboard.accounts.plans import PlanName
from switchboard.accounts.service import Status
from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.cli import organisations
from switchboard.cli.command import Noun, moment, note, one_of, operator, positive, show, slug
from switchboard.errors import Invalid
from switchboard.roleplay import service as roleplay
from switchboard.roleplay import sessions
from switchboard.usage import service as usage

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns

_QUOTA = "roleplays_per_month"


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    _add_tenant(Noun(nouns, "tenant", "tenants of the roleplay API, their keys and their quota"))
    _add_drill(Noun(nouns, "drill", "drills of the catalog, per tenant"))


def _add_tenant(tenant: Noun) -> None:
    create = tenant.verb("create", _create, "create an organization with a tenant key; prints the key, once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--slug", type=slug, required=True)
    create.add_argument(
        "--plan", type=one_of(PlanName), choices=list(PlanName), default=PlanName.FREE, help="free by default"
    )
    tenant.verb("list", _list, "list organizations with their roleplays, newest first")
    tenant.verb("show", _show, "show a tenant").add_argument("org", metavar="ORG")
    key = tenant.verb("key", _key, "create another key for a tenant, at most five active ones; prints it, once")
    key.add_argument("org", metavar="ORG")
    key.add_argument("--name", metavar="N", default="tenant key", help="its name in lists; `tenant key` by default")
    key.add_argument("--expires", type=moment, metavar="ISO")
    for name, status, told in (
        ("activate", "active", "activate a tenant again"),
        ("deactivate", "suspended", "suspend a tenant: all keys of its organization stop working"),
    ):
        verb = tenant.verb(name, _set_status, told)
        verb.set_defaults(status=status)
        verb.add_argument("org", metavar="ORG")
    quota = tenant.verb("quota", _set_quota, "set a tenant's number of roleplays per month")
    quota.add_argument("org", metavar="ORG")
    amount = quota.add_mutually_exclusive_group(required=True)
    amount.add_argument("--monthly", type=positive, metavar="N")
    amount.add_argument("--plan", action="store_true", help="use the plan's number")


def _add_drill(drill: Noun) -> None:
    drill.verb("list", _drills, "list the drills of a tenant").add_argument("org", metavar="ORG")
    for name, on, told in (("on", True, "switch a drill on for a tenant"), ("off", False, "switch a drill off")):
        verb = drill.verb(name, _switch, told)
        verb.set_defaults(on=on)
        verb.add_argument("org", metavar="ORG")
        verb.add_argument("drill", metavar="KEY")


def _create(args: argparse.Namespace) -> None:
    org = accounts.new_organisation(args.name, args.slug, args.plan)
    origin = operator(org.id)
    key, writes = accounts.new_key(origin, KeyKind.ATHOS, "tenant key")
    commit(accounts.opening(origin, org), writes)
    show(args, {"organization": org.id, "slug": org.slug, "plan": org.plan.value, "athos_key": key.text})
    note("The key is shown only once: keep it now.")


def _list(args: argparse.Namespace) -> None:
    show(args, [_row(org) for org in organisations.every()])


def _show(args: argparse.Namespace) -> None:
    show(args, _row(accounts.organisation(args.org)))


def _row(org: Organisation) -> dict[str, Any]:
    return {
        "organization": org.id,
        "slug": org.slug,
        "name": org.name,
        "plan": org.plan.value,
        "status": org.status,
        "roleplays": usage.taken(org.id, clock.stamp()[:7], sessions.COUNTER),
        "quota": org.terms.roleplays_per_month,
    }


def _key(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    if args.expires and args.expires <= clock.stamp():
        raise Invalid("The key would expire in the past: give --expires a future time.")
    made, writes = accounts.new_key(operator(org.id), KeyKind.ATHOS, args.name, expires_at=args.expires)
    commit(writes)
    show(args, {"organization": org.id, "key": made.key.id, "expires_at": made.key.expires_at, "text": made.text})
    note("The key's text is shown only once: keep it now.")


def _set_status(args: argparse.Namespace) -> None:
    status: Status = args.status
    org = accounts.organisation(args.org)
    accounts.set_status(operator(org.id), status)
    show(args, _row(accounts.organisation(org.id)))


def _set_quota(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    accounts.set_limit(operator(org.id), _QUOTA, None if args.plan else args.monthly)
    usage.rebalance(org.id)
    show(args, _row(accounts.organisation(org.id)))


def _drills(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    show(
        args,
        [
            {"drill": offer.drill.key, "edition": offer.drill.version, "on": offer.on, "title": offer.drill.title}
            for offer in roleplay.offers(org.id)
        ],
    )


def _switch(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    roleplay.switch_drill(operator(org.id), args.drill, on=args.on)
    show(args, {"organization": org.id, "drill": args.drill, "on": args.on})
