"""Which events each kind of webhook tells of, and under which name. Plain data: the fan-out goes by it."""

from __future__ import annotations

from switchboard.webhooks.models import KindName

#: What a test delivery is called.
TEST = "webhook.test"

_ENDINGS = ("completed", "busy", "no_answer", "failed", "canceled")

#: Our own event types, and the names that the kinds' contracts have for them (conventions.md 1.12, 2.6, 3.3).
NAMES: dict[KindName, dict[str, str]] = {
    "anima": {
        "email.received": "message.received",
        "email.sent": "message.sent",
        "email.delivered": "message.delivered",
        "email.failed": "message.failed",
        "email.bounced": "message.bounced",
        "agent.created": "agent.created",
        **{f"voice.call.{ending}": "call.ended" for ending in _ENDINGS},
        "webhook.disabled": "webhook.disabled",
        "webhook.exhausted": "webhook.exhausted",
    },
    "opticomm": {
        "voice.call.created": "call.initiated",
        "voice.call.completed": "call.completed",
        **{f"voice.call.{ending}": "call.failed" for ending in _ENDINGS if ending != "completed"},
    },
    "athos": {
        "roleplay.call.scored": "call.scored",
        "roleplay.call.scoring_failed": "call.scored",
    },
}

#: All event types that any kind tells of.
TYPES = frozenset(type_ for names in NAMES.values() for type_ in names)


def event_types(kind: KindName) -> list[str]:
    """The names that an endpoint of a kind can subscribe to."""
    return sorted(set(NAMES[kind].values()))


def matches(filters: list[str], name: str, type_: str) -> bool:
    """Whether any filter (an exact name, `prefix.*`, `*`) takes an event, by its name or by our own type."""
    return any(_takes(one, text) for one in filters for text in (name, type_))


def _takes(one: str, text: str) -> bool:
    return one in ("*", text) or (one.endswith(".*") and text.startswith(one[:-1]))
