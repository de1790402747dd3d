"""The demo organisation: one that holds a key of every kind, made at the first start and found again at the next."""

from __future__ import annotations

import json
import os
from pathlib import Path

from switchboard.accounts import service as accounts
from switchboard.accounts.models import KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.aws import ids
from switchboard.aws.table import commit
from switchboard.errors import NotFound
from switchboard.events.models import Actor, Work

SLUG = "demo"


def seed(memory: Path) -> dict[str, str]:
    """The demo's keys, from `memory` if the organisation it tells of still exists, else made anew."""
    if memory.exists():
        known: dict[str, str] = json.loads(memory.read_text())
        try:
            accounts.organisation(known["ORGANIZATION_ID"])
        except NotFound:
            pass
        else:
            return known
    made = _make()
    memory.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(memory, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(made, file, indent=1)
    return made


def _make() -> dict[str, str]:
    org = accounts.new_organisation("Demo", SLUG, PlanName.SCALE)
    origin = Work(org_id=org.id, actor=Actor(type="system", id="demo"), agent_id=None, correlation_id=ids.new("corr"))
    master, master_writes = accounts.new_key(origin, KeyKind.MASTER, "demo master key")
    agent, agent_writes = agents.new(origin, org, SLUG, "Demo Agent", {}, None)
    commit(accounts.opening(origin, org), master_writes, agent_writes)
    return {
        "ORGANIZATION_ID": org.id,
        "ANIMA_AGENT_ID": agent.agent.id,
        "ANIMA_AGENT_KEY": agent.key_text,
        "ANIMA_MASTER_KEY": master.text,
    }
