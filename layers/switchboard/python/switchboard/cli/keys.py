"""`switchboard key`: API keys of every kind."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from switchboard.accounts import service as accounts
from switchboard.accounts.models import ApiKey, KeyKind
from switchboard.agents import service as agents
from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.cli.command import Noun, moment, note, operator, show
from switchboard.errors import Invalid

if TYPE_CHECKING:
    from switchboard.cli.command import Nouns

_KINDS = {kind.name.lower().replace("_", "-"): kind for kind in KeyKind}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PAGE = 100


def add_to(nouns: Nouns) -> None:
    """Add the commands."""
    key = Noun(nouns, "key", "API keys")
    create = key.verb("create", _create, "create a key; prints it, once")
    create.add_argument("org", metavar="ORG")
    create.add_argument("--kind", choices=sorted(_KINDS), required=True)
    create.add_argument("--agent", metavar="ID", help="the agent that an agent key acts as")
    create.add_argument("--name", metavar="N", help="what it is called in lists")
    create.add_argument("--expires", type=moment, metavar="ISO")
    key.verb("list", _list, "list an organisation's keys, newest first").add_argument("org", metavar="ORG")
    revoke = key.verb("revoke", _revoke, "make a key open nothing, within the key cache's seconds")
    revoke.add_argument("org", metavar="ORG")
    revoke.add_argument("key", metavar="KEY", help="its id, key_…")


def _create(args: argparse.Namespace) -> None:
    kind = _KINDS[args.kind]
    if (kind is KeyKind.AGENT) != bool(args.agent):
        args.usage_error("--agent goes with --kind agent, and only with it")
    org = accounts.organisation(args.org)
    if args.agent:
        agents.get(org.id, args.agent)
    if args.expires and args.expires <= clock.stamp():
        raise Invalid("The key would have expired already.")
    made, writes = accounts.new_key(
        operator(org.id), kind, args.name or f"{args.kind} key", agent_id=args.agent, expires_at=args.expires
    )
    commit(writes)
    show(args, {**_row(made.key), "text": made.text})
    note("The key's text is shown this once.")


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
        "name": key.name,
    }
