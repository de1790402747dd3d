"""`switchboard key`: API keys of every kind."""

from __future__ import annotations

import argparse
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from switchboard.accounts import keys, organizations
from switchboard.accounts.models import ApiKey, KeyKind, KeyRestrictions
from switchboard.agents import service as agents
from switchboard.aws.writes import commit
from switchboard.cli.commands import (
    CommandGroup,
    consent_argument,
    operator_origin,
    positive_argument,
    print_note,
    print_rows,
    time_argument,
)
from switchboard.compliance import ledgers
from switchboard.dialects.opticomm import dialect
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.webhooks import callbacks

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_KINDS = {kind.name.lower().replace("_", "-"): kind for kind in KeyKind}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PAGE = 100
_OPTICOMM_ONLY = ("permission", "agent_allowed", "per_minute", "per_day", "consent")


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    key = CommandGroup(nouns, "key", "API keys")
    create = key.add_command("create", _create, "create a key; prints it, once")
    create.add_argument("org", metavar="ORG")
    create.add_argument("--kind", choices=sorted(_KINDS), required=True)
    create.add_argument("--agent", metavar="ID", help="the agent that an agent key acts as")
    create.add_argument("--name", metavar="N", help="its name in lists")
    create.add_argument("--expires", type=time_argument, metavar="ISO")
    create.add_argument(
        "--ip", type=_network, action="append", metavar="CIDR", help="allow only this network; repeatable"
    )
    calls = create.add_argument_group("for OptiComm keys")
    calls.add_argument("--permission", choices=dialect.ACTIONS, action="append", help="allow only this; repeatable")
    calls.add_argument("--agent-allowed", action="append", metavar="ID", help="allow only this flow; repeatable")
    calls.add_argument("--per-minute", type=positive_argument, metavar="N", help="requests per minute; 60 by default")
    calls.add_argument("--per-day", type=positive_argument, metavar="N", help="calls per day; 1,000 by default")
    calls.add_argument(
        "--consent",
        type=consent_argument,
        metavar="SOURCE@DATE",
        help="the consent for calls without a consent of their own",
    )
    key.add_command("list", _list, "list an organization's keys, newest first").add_argument("org", metavar="ORG")
    revoke = key.add_command("revoke", _revoke, "revoke a key; caches may accept it for some more seconds")
    revoke.add_argument("org", metavar="ORG")
    revoke.add_argument("key", metavar="KEY", help="the key's id, key_…")


def _create(args: argparse.Namespace) -> None:
    kind = _KINDS[args.kind]
    if (kind is KeyKind.AGENT) != bool(args.agent):
        args.usage_error("give --agent with --kind agent, and with no other kind")
    if kind not in dialect.KEYS and any(getattr(args, name) for name in _OPTICOMM_ONLY):
        args.usage_error(f"give {_option(_OPTICOMM_ONLY)} only with an OptiComm --kind")
    org = organizations.get_organization(args.org)
    if args.agent:
        agents.get_agent(org.id, args.agent)
    if args.expires and args.expires <= clock.now_iso():
        raise Invalid("The key would expire in the past: give --expires a future time.")
    made, writes = keys.key_writes(
        operator_origin(org.id),
        kind,
        args.name or f"{args.kind} key",
        agent_id=args.agent,
        expires_at=args.expires,
        scopes=args.permission or (),
        restrictions=_restrictions(args),
    )
    commit(writes)
    shown = {**_row(made.key), "text": made.text}
    if kind in dialect.KEYS:
        shown["callback_secret"] = callbacks.callback_secret(org.id, made.key.id)
    print_rows(args, shown)
    print_note("The key's text is shown only once: keep it now.")


def _restrictions(args: argparse.Namespace) -> KeyRestrictions:
    source, day = args.consent or (None, None)
    basis = ledgers.parse_standing_consent(source, day, "key") if source and day else None
    return KeyRestrictions(
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
    org = organizations.get_organization(args.org)
    found, after = keys.list_keys(org.id, _PAGE, None)
    while after:
        more, after = keys.list_keys(org.id, _PAGE, after)
        found += more
    print_rows(args, [_row(key) for key in found])


def _revoke(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    print_rows(args, _row(keys.revoke_key(operator_origin(org.id), args.key)))


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
