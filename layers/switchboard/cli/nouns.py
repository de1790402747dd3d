"""All nouns of the command line, by topic. A command imports the module of its own noun only, for a quick start."""

from __future__ import annotations

from typing import NamedTuple


class Noun(NamedTuple):
    """The module in this folder that holds the commands of a noun, its summary, and its topic in the help."""

    module: str
    summary: str
    topic: str


_ACCOUNTS, _LINES, _LAW, _DEVELOPERS, _OPERATION, _SELF = (
    "Organizations and people",
    "Calls, texts and mail",
    "Law and audit",
    "For developers",
    "Operation",
    "This program",
)

NOUNS = {
    "org": Noun("organizations", "organizations, their plans and their caps", _ACCOUNTS),
    "team": Noun("people", "members and invites of an organization", _ACCOUNTS),
    "person": Noun("people", "people and their sessions", _ACCOUNTS),
    "session": Noun("sessions", "sessions of the console, for scripts on a local stack", _ACCOUNTS),
    "key": Noun("keys", "API keys", _ACCOUNTS),
    "agent": Noun("agents", "agents and their inboxes", _ACCOUNTS),
    "tenant": Noun("tenants", "tenants of the roleplay API, their keys and their quota", _ACCOUNTS),
    "drill": Noun("tenants", "drills of the catalog, per tenant", _ACCOUNTS),
    "usage": Noun("usage", "an organization's usage", _ACCOUNTS),
    "flow": Noun("flows", "flows, the voices and scripts of calls", _LINES),
    "numbers": Noun("numbers", "telephone numbers and their rent", _LINES),
    "mail": Noun("mail", "suppressed addresses, which get no more mail", _LINES),
    "recording": Noun("recordings", "recordings that were lost, or that their provider still keeps", _LINES),
    "gate": Noun("compliance", "the compliance gate: refusals, blocked numbers and opt-outs", _LAW),
    "law": Noun("law", "rules of law: when and where people may be called", _LAW),
    "audit": Noun("audit", "an organization's audit chain", _LAW),
    "listen": Noun("listen", "print an organization's webhooks as they happen, and forward them to a URL", _DEVELOPERS),
    "trigger": Noun("trigger", "make a real event happen, for example a call that ends", _DEVELOPERS),
    "tail": Noun("tail", "print an organization's events as they happen", _DEVELOPERS),
    "simulate": Noun("simulate", "simulated people who call and text our numbers", _DEVELOPERS),
    "webhook": Noun("webhooks", "webhooks and their deliveries", _DEVELOPERS),
    "queue": Noun("queues", "the workers' queues and their dead letters", _OPERATION),
    "timer": Noun("timers", "dead timers, which could not be sent to their queues and were set aside", _OPERATION),
    "events": Noun("events", "send recorded events to their queues again", _OPERATION),
    "projections": Noun("projections", "counts and lists that are computed from events", _OPERATION),
    "completion": Noun("completion", "print the completion script of a shell: bash, zsh or fish", _SELF),
    "help": Noun("helping", "show the help of a command", _SELF),
}
