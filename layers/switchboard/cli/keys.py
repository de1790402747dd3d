"""`switchboard key`: API keys of every kind."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import click

from switchboard.accounts import keys
from switchboard.accounts.models import ApiKey, KeyKind, KeyRestrictions, Organization
from switchboard.agents import service as agents
from switchboard.aws.writes import commit
from switchboard.cli.arguments import CONSENT, POSITIVE, TIME, OneOf, Parsed
from switchboard.cli.commands import command_group, operator_origin, organization_argument, print_note, print_rows
from switchboard.compliance import ledgers
from switchboard.dialects.opticomm import dialect
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.webhooks import callbacks

_KINDS = {kind.name.lower().replace("_", "-"): kind for kind in KeyKind}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PAGE = 100
_OPTICOMM_ONLY = "--permission, --agent-allowed, --per-minute, --per-day, --consent"

key_command = command_group("key")


@key_command.command("create")
@organization_argument
@click.option("--kind", type=OneOf("a kind of key", sorted(_KINDS)), required=True)
@click.option("--agent", "agent_id", metavar="ID", help="The agent that an agent key acts as.")
@click.option("--name", metavar="N", help="Its name in lists.")
@click.option("--expires", type=TIME, metavar="ISO", help="When it stops working.")
@click.option(
    "--ip",
    "networks",
    type=Parsed("network", lambda text: str(ip_network(text.strip()))),
    multiple=True,
    metavar="CIDR",
    help="Allow only this network; repeatable.",
)
@click.option(
    "--permission",
    "permissions",
    type=OneOf("a permission", dialect.ACTIONS),
    multiple=True,
    help="OptiComm: allow only this; repeatable.",
)
@click.option(
    "--agent-allowed", "flows", metavar="ID", multiple=True, help="OptiComm: allow only this flow; repeatable."
)
@click.option("--per-minute", type=POSITIVE, metavar="N", help="OptiComm: requests per minute; 60 by default.")
@click.option("--per-day", type=POSITIVE, metavar="N", help="OptiComm: calls per day; 1,000 by default.")
@click.option(
    "--consent",
    type=CONSENT,
    metavar="SOURCE@DATE",
    help="OptiComm: the consent for calls without a consent of their own.",
)
def create_key(
    org: Organization,
    kind: str,
    agent_id: str | None,
    name: str | None,
    expires: str | None,
    networks: tuple[str, ...],
    permissions: tuple[str, ...],
    flows: tuple[str, ...],
    per_minute: int | None,
    per_day: int | None,
    consent: tuple[str, str] | None,
) -> None:
    """Create a key; prints it, once."""
    chosen = _KINDS[kind]
    if (chosen is KeyKind.AGENT) != bool(agent_id):
        raise click.UsageError("give --agent with --kind agent, and with no other kind")
    if chosen not in dialect.KEYS and any((permissions, flows, per_minute, per_day, consent)):
        raise click.UsageError(f"give {_OPTICOMM_ONLY} only with an OptiComm --kind")
    if agent_id:
        agents.get_agent(org.id, agent_id)
    if expires and expires <= clock.now_iso():
        raise Invalid("The key would expire in the past: give --expires a future time.")
    basis = ledgers.parse_standing_consent(*consent, "key") if consent else None
    restrictions = KeyRestrictions(
        ip_allowlist=list(networks),
        agents=list(flows),
        requests_per_minute=per_minute,
        requests_per_day=per_day,
        consent_source=basis.source if basis else None,
        consent_date=basis.date if basis else None,
    )
    made, writes = keys.key_writes(
        operator_origin(org.id),
        chosen,
        name or f"{kind} key",
        agent_id=agent_id,
        expires_at=expires,
        scopes=permissions,
        restrictions=restrictions,
    )
    commit(writes)
    shown = {**_row(made.key), "text": made.text}
    if chosen in dialect.KEYS:
        shown["callback_secret"] = callbacks.callback_secret(org.id, made.key.id)
    print_rows(shown)
    print_note("The key's text is shown only once: keep it now.")


@key_command.command("list")
@organization_argument
def list_keys(org: Organization) -> None:
    """List an organization's keys, newest first."""
    found, after = keys.list_keys(org.id, _PAGE, None)
    while after:
        more, after = keys.list_keys(org.id, _PAGE, after)
        found += more
    print_rows([_row(key) for key in found], "The organization has no keys: create one with `key create`.")


@key_command.command("revoke")
@organization_argument
@click.argument("key_id", metavar="KEY")
def revoke_key(org: Organization, key_id: str) -> None:
    """Revoke a key by its id, key_…; caches may accept it for some more seconds."""
    print_rows(_row(keys.revoke_key(operator_origin(org.id), key_id)))


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
