"""`switchboard key`: API keys of every kind."""

from __future__ import annotations

import argparse
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from switchboard.accounts import service as accounts
from switchboard.accounts.models import ApiKey, KeyKind, Restrictions
from switchboard.agents import service as agents
from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.cli.command import Noun, consent, moment, note, operator, positive, show
from switchboard.compliance import ledgers
from switchboard.edge.dialects import opticomm
from switchboard.errors import Invalid
from switchboard.webhooks import callbacks

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns

_KINDS = {kind.name.lower().replace("_", "-"): kind for kind in KeyKind}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PAGE = 100
_OPTICOMM_ONLY = ("permission", "agent_allowed", "per_minute", "per_day", "consent")


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    key = Noun(nouns, "key", "API keys")
    create = key.verb("create", _create, "create a key; prints it, once")
    create.add_argument("org", metavar="ORG")
    create.add_argument("--kind", choices=sorted(_KINDS), required=True)
    create.add_argument("--agent", metavar="ID", help="the agent that an agent key acts as")
    create.add_argument("--name", metavar="N", help="its name in lists")
    create.add_argument("--expires", type=moment, metavar="ISO")
    create.add_argument(
        "--ip", type=_network, action="append", metavar="CIDR", help="allow only this network; repeatable"
    )
    calls = create.add_argument_group("for OptiComm keys")
    calls.add_argument("--permission", choices=opticomm.ACTIONS, action="append", help="allow only this; repeatable")
    calls.add_argument("--agent-allowed", action="append", metavar="ID", help="allow only this flow; repeatable")
    calls.add_argument("--per-minute", type=positive, metavar="N", help="requests per minute; 60 by default")
    calls.add_argument("--per-day", type=positive, metavar="N", help="calls per day; 1,000 by default")
    calls.add_argument(
        "--consent", type=consent, metavar="SOURCE@DATE", help="the consent for calls without a consent of their own"
    )
    key.verb("list", _list, "list an organization's keys, newest first").add_argument("org", metavar="ORG")
    revoke = key.verb("revoke", _revoke, "revoke a key; caches may accept it for some more seconds")
    revoke.add_argument("org", metavar="ORG")
    revoke.add_argument("key", metavar="KEY", help="the key's id, key_…")


def _create(args: argparse.Namespace) -> None:
    kind = _KINDS[args.kind]
    if (kind is KeyKind.AGENT) != bool(args.agent):
        args.usage_error("give --agent with --kind agent, and with no other kind")
    if kind not in opticomm.KEYS and any(getattr(args, name) for name in _OPTICOMM_ONLY):
        args.usage_error(f"give {_option(_OPTICOMM_ONLY)} only with an OptiComm --kind")
    org = accounts.organisation(args.org)
    if args.agent:
        agents.get(org.id, args.agent)
    if args.expires and args.expires <= clock.stamp():
        raise Invalid("The key would expire in the past: give --expires a future time.")
    made, writes = accounts.new_key(
        operator(org.id),
        kind,
        args.name or f"{args.kind} key",
        agent_id=args.agent,
        expires_at=args.expires,
        scopes=args.permission or (),
        restrictions=_restrictions(args),
    )
    commit(writes)
    shown = {**_row(made.key), "text": made.text}
    if kind in opticomm.KEYS:
        shown["callback_secret"] = callbacks.secret_of(org.id, made.key.id)
    show(args, shown)
    note("The key's text is shown only once: keep it now.")


def _restrictions(args: argparse.Namespace) -> Restrictions:
    source, day = args.consent or (None, None)
    basis = ledgers.basis(source, day, "key") if source and day else None
    return Restrictions(
        ip_allowlist=args.ip or [],
        agents=args.agent_allowed or [],
        requests_per_minute=args.per_minute,
        requests_per_day=args.per_day,
        consent_source=basis.source if basis else None,
        consent_date=basis.date if basis else None,
    )


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _option(names: tuple[str, ...]) -> str:
    return ", ".join("--" + name.replace("_", "-") for name in names)


def _list(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    found, after = accounts.keys(org.id, _PAGE, None)
    while after:
        more, after = accounts.keys(org.id, _PAGE, after)
        found += more
    show(args, [_row(key) for key in found])


def _revoke(args: argparse.Namespace) -> None:
    org = accounts.organisation(args.org)
    show(args, _row(accounts.revoke_key(operator(org.id), args.key)))


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "key": key.id,
        "kind": _NAMES[key.kind],
        "prefix": key.prefix,
        "agent": key.agent_id,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "permissions": " ".join(key.scopes) or None,
        "only": key.restrictions.model_dump(exclude_defaults=True) or None,
        "name": key.name,
    }
