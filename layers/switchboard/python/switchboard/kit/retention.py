"""How long each kind of item is kept, who ends it, and why.

`KINDS` has a row for each kind of item in each table. A new kind needs a row here, and a place in the life that the
test of retention leads: it fails for an item without a row, and for a row without an item.
`python -m infra.retention_page` writes docs/retention.md from these rows.

DynamoDB deletes an item by itself some hours, at most two days, after the moment in the table's TTL attribute. That is
enough where a deletion needs no other work, which is true of every kind that ends by time: no list, counter or search
entry follows it. So no job looks for items that are over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property


class Ender(StrEnum):
    """Who ends an item."""

    TTL = "TTL"
    #: A change deletes it: somebody removes the thing, or the last of what it counts goes.
    CHANGE = "a change"
    ORGANIZATION = "with its organization"
    NEVER = "never"


_DAY = timedelta(days=1)
#: A suit under the Telephone Consumer Protection Act may come for four years (28 U.S.C. 1658), and records of calls and
#: of consent are to be kept for five (16 CFR 310.5).
FIVE_YEARS = timedelta(days=5 * 366)

#: What stands for a part of a key: any text without `#`, any text, and the forms that tell kinds from one another.
_FORMS = {
    "org": r"org_\w+",
    "month": r"\d{4}-\d{2}",
    "day": r"\d{4}-\d{2}-\d{2}",
    "event": r"evt_\w+",
    "invite": r"inv_\w+",
    "seq": r"\d{12}",
    "block": r"\d{9}",
    "minute": r"\d+",
    "bucket…": r"(?!streams#|stream-pool#).+",
}


@dataclass(frozen=True)
class Kind:
    """A kind of item.

    `keys` is its key, `pk` and `sk` with a bar between them, or its `id`; `<name>` stands for a part of it, and
    `<name…>` for a rest that may hold `#`. `life` is how long the item is kept after `since`; `None` where no time ends
    it. `ender` says who ends it, and `reason` why it is kept so long.
    """

    table: str
    what: str
    keys: str
    ender: Ender
    reason: str
    life: timedelta | None = None
    since: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"<([^>]+)>", self.keys)
        made = [re.escape(part) if number % 2 == 0 else _form(part) for number, part in enumerate(parts)]
        return re.compile("".join(made))

    def has(self, table: str, key: str) -> bool:
        """Whether an item with that key, in the form of `keys`, is of this kind."""
        return table == self.table and self._pattern.fullmatch(key) is not None


def _form(name: str) -> str:
    return _FORMS.get(name, ".+" if name.endswith("…") else "[^#|]+")


def kinds_of(table: str, key: str) -> list[Kind]:
    """The kinds that an item with that key is of: one, if every kind has its row."""
    return [kind for kind in KINDS if kind.has(table, key)]


_TTL, _CHANGE, _ORG, _NEVER = Ender.TTL, Ender.CHANGE, Ender.ORGANIZATION, Ender.NEVER

_ACCOUNTS = "Who may call, and who could. A key that is revoked or over stays, so that events which name it make sense."
_LEDGER = "The law honors it until its holder says otherwise (47 CFR 64.1200), and a suit needs the proof."
_TEAM = "A person's or an organization's own; it goes when they leave or are removed."
_CHAIN = "The audit chain has no gaps, and a hash over what is gone proves nothing."
_CALL = "The organization's own history. Turns are the transcript."
_MAIL = "The organization's own mail, with the content."
_ROLEPLAY = "A learner's progress is read over all of it."
_SEARCH = "Follows the contact that it finds."
_COUNTERS = "Needed for the next write of the same kind."

KINDS: tuple[Kind, ...] = (
    # ---- accounts, agents, flows
    Kind("core", "organization", "<org>|org", _NEVER, "A tenant is suspended, never deleted by us."),
    Kind("core", "gauges of an organization", "<org>|gauges", _ORG, _COUNTERS),
    Kind("core", "numbers of the keys of a kind", "<org>|made#<kind>", _ORG, _COUNTERS),
    Kind("core", "key", "<org>|key#<id>", _ORG, _ACCOUNTS),
    Kind("core", "look-up of a key", "key#<digest>|key", _ORG, _ACCOUNTS),
    Kind("core", "look-up of an owner", "owner#<digest>|owner", _ORG, "An owner opens one organization by sign-up."),
    Kind("core", "agent", "<org>|agent#<id>", _ORG, _ACCOUNTS),
    Kind("core", "look-up of an inbox", "inbox#<address…>|inbox", _ORG, "An address is never given to another."),
    Kind("core", "flow", "<org>|flow#<id>", _ORG, "Calls name the flow that they were placed with."),
    Kind("core", "look-up of a provider's agent", "<org>|flow-agent#<id>", _ORG, "One flow has a provider's agent."),
    Kind("core", "drills that are switched off", "<org>|drills", _ORG, "The tenant's own choice."),
    # ---- people and teams
    Kind("core", "person", "user#<id>|user", _NEVER, "Events name people by id."),
    Kind("core", "look-up of a person", "identity#<digest>|identity", _NEVER, "A person is known by their issuer."),
    Kind("core", "place of a person", "user#<id>|org#<org>", _CHANGE, _TEAM),
    Kind("core", "number of a person's places", "user#<id>|orgs", _NEVER, _COUNTERS),
    Kind("core", "member", "<org>|team#member#<id>", _CHANGE, _TEAM),
    Kind("core", "numbers of a team", "<org>|team", _ORG, _COUNTERS),
    Kind(
        "core",
        "invite",
        "<org>|team#invite#<id>",
        _CHANGE,
        "It is counted. It goes when it is accepted, declined or revoked; one that is over goes with a later invite.",
    ),
    Kind(
        "core",
        "open invite of an address, and its mails",
        "<org>|invited#<digest>",
        _TTL,
        "An invite lasts seven days, and an address that declined has seven days of peace.",
        7 * _DAY,
        "the invite, or its refusal",
    ),
    Kind(
        "core",
        "look-up of an address' invite",
        "invitee#<digest>|<invite>",
        _TTL,
        "An invite lasts seven days.",
        7 * _DAY,
        "the invite",
    ),
    Kind(
        "core",
        "invite mails of an organization on a day",
        "<org>|invite-mails#<day>",
        _TTL,
        "The limit is by the day.",
        _DAY,
        "the day",
    ),
    Kind(
        "core",
        "invite mails of a mailbox on a day",
        "invitee#<digest>|mails#<day>",
        _TTL,
        "The limit is by the day.",
        _DAY,
        "the day",
    ),
    # ---- compliance
    Kind("core", "blocked number", "<org>#dnc|<number>", _CHANGE, f"{_LEDGER} It goes when it is unblocked."),
    Kind("core", "look-up of a blocked number", "<org>#dnc-ids|<id>", _CHANGE, "Goes with the blocked number."),
    Kind(
        "core",
        "stop of an organization, and the mark of its cap",
        "<org>#stops#<copy>|org",
        _ORG,
        "The stop is taken out of it when the organization is active again.",
    ),
    Kind(
        "core",
        "stop of a key",
        "<org>#stops#<copy>|key#<id>",
        _TTL,
        "Nothing that was accepted for a key waits longer.",
        timedelta(days=100),
        "the key was revoked",
    ),
    Kind("core", "opt-out", "<org>#opt-outs|<number>", _CHANGE, f"{_LEDGER} It goes when the holder opts in."),
    Kind("core", "consent", "<org>#consent|<number>", _ORG, _LEDGER),
    Kind("core", "where a number's holder is", "<org>#whereabouts|<number>", _CHANGE, "It goes with its contact."),
    Kind(
        "core",
        "latest calls to a number",
        "<org>#attempts#<number>|<digest>",
        _TTL,
        "States cap the calls of 24 hours.",
        2 * _DAY,
        "the last of them",
    ),
    Kind(
        "core",
        "verdict",
        "<org>#verdict#<id>|<moment>",
        _TTL,
        "Says why a call was allowed: 28 U.S.C. 1658 lets people sue for four years, 16 CFR 310.5 asks for five.",
        FIVE_YEARS,
        "the verdict",
    ),
    Kind("core", "operators' rows of law of a place", "law#<place>|rows", _NEVER, "They hold until they are removed."),
    Kind("core", "place that has such rows", "law|<place>", _NEVER, "The operator's list of rows is made from it."),
    Kind(
        "core",
        "what was done with such a row",
        "law#<place>|log#<moment>#<what>#<id>",
        _NEVER,
        "Verdicts name the rows that they looked at.",
    ),
    Kind(
        "core",
        "answer of the Reassigned Numbers Database",
        "rnd#<number>|<day>",
        _TTL,
        "The database is updated monthly. What an answer said is in the verdict.",
        30 * _DAY,
        "the answer",
    ),
    # ---- lanes and pace of calls
    *(
        Kind("core", what, keys, _TTL, "It says nothing once a call has gone.", _DAY, "its last use")
        for what, keys in (
            ("lane", "<org>#lanes#<pool…>|lane#<number>"),
            ("call that waits for a lane", "<org>#lanes#<pool…>|wait#<place…>"),
            ("pace of an organization", "<org>#pace|org"),
            ("pace of an organization's number", "<org>#pace|number#<number>"),
            ("pace of a number that tenants share", "pace#<number>|number"),
            ("pace of an account that tenants share", "pace#account#<name>|number"),
        )
    ),
    # ---- contacts
    Kind("core", "contact", "<org>#contacts|<id>", _CHANGE, "The organization's own, until somebody deletes it."),
    Kind("core", "last backfill of contacts", "<org>#contact-backfill|backfill", _ORG, "The next one replaces it."),
    Kind("core", "search entry", "<org>#find#<noun>#<letter…>|<token…>#<id>#<part>", _CHANGE, _SEARCH),
    Kind("core", "tokens that are indexed", "<org>#tail#<noun>|<id>", _CHANGE, _SEARCH),
    Kind("core", "history of a number", "<org>#history|<id>", _ORG, "Counts calls, and outlives the contact."),
    Kind(
        "core",
        "event that a projection has taken",
        "<org>#projected#<projection>|<subject…>#<event>",
        _CHANGE,
        "So an event that comes again is known at any age. Clearing the projection removes it.",
    ),
    # ---- usage
    Kind("core", "use in a month", "<org>#usage#<month>|total", _ORG, "Bills rest on it."),
    Kind("core", "slice of a month's use", "<org>#usage#<month>|slice#<number>", _ORG, "Bills rest on it."),
    Kind("core", "count of a month", "<org>#usage#<month>|count#<number>", _ORG, "Bills rest on it."),
    *(
        Kind("core", what, keys, _TTL, "The limit is by the day. The rest is for questions about it.", 35 * _DAY, "use")
        for what, keys in (
            ("use in a day", "<org>#usage#<day>|total"),
            ("slice of a day's use", "<org>#usage#<day>|slice#<number>"),
            ("use of a key in a day", "<org>#usage#<day>#<key>|total"),
            ("slice of a key's use in a day", "<org>#usage#<day>#<key>|slice#<number>"),
        )
    ),
    # ---- mail
    Kind(
        "core",
        "suppressed address",
        "<org>#suppressed|<digest>",
        _ORG,
        "A bounce, a complaint or a wish.",
    ),
    Kind(
        "core",
        "mailbox without mail of the platform's own",
        "suppressed#<digest>|suppressed",
        _NEVER,
        "A complaint: mail stays away. It is a digest.",
    ),
    Kind(
        "core",
        "bounce of the platform's own mail",
        "suppressed#<digest>|bounced",
        _TTL,
        "Mail stays away. An address that bounced may be somebody's later.",
        180 * _DAY,
        "the bounce",
    ),
    Kind("activity", "mail", "<org>#message#<id>|message", _ORG, _MAIL),
    Kind("activity", "what a mail says", "<org>#message#<id>|content", _ORG, _MAIL),
    Kind("activity", "what was reported of a recipient", "<org>#message#<id>|to#<digest>", _ORG, _MAIL),
    Kind("activity", "look-up of a Message-ID", "<org>#message-id#<digest>|message-id", _ORG, _MAIL),
    Kind("activity", "mark of a mail that came", "<org>#received#<agent>#<digest>|received", _ORG, _MAIL),
    # ---- webhooks
    Kind("core", "webhook", "<org>#webhooks|<id>", _CHANGE, "The organization's own, until somebody deletes it."),
    Kind(
        "core",
        "endpoint of a callback",
        "<org>#callback#<id>|endpoint",
        _TTL,
        "Calls name it, and their callbacks may be sent again for 30 days.",
        90 * _DAY,
        "the last call that named it",
    ),
    Kind(
        "core",
        "health of an endpoint",
        "<org>#webhook#<id>|health",
        _TTL,
        "It says when to try again, as long as deliveries are there.",
        30 * _DAY,
        "the last note",
    ),
    Kind(
        "activity",
        "attempt that waits for its receiver",
        "<org>#parked#<id>|<place…>",
        _TTL,
        "It goes with the attempt. This is for what a fault left behind.",
        30 * _DAY,
        "it was parked",
    ),
    Kind(
        "activity",
        "delivery",
        "<org>#delivery#<id>|delivery",
        _TTL,
        "It may be sent again by hand while it is there. The event stays.",
        30 * _DAY,
        "its end",
    ),
    # ---- events and the audit chain
    Kind("activity", "event", "<org>#chain#<workflow…>|<event>", _ORG, _CHAIN),
    Kind("activity", "receipt of an event", "<org>#chain#<workflow…>|<event>#seal", _ORG, _CHAIN),
    Kind("activity", "places of a workflow", "<org>#chain#<workflow…>|seal#<seq>", _ORG, _CHAIN),
    Kind("activity", "head of the chain", "<org>#audit|head", _ORG, _CHAIN),
    Kind("activity", "link of the chain", "<org>#audit#<block>|<seq>", _ORG, _CHAIN),
    # ---- calls
    Kind("activity", "call", "<org>#call#<id>|call", _ORG, _CALL),
    Kind("activity", "turn of a call", "<org>#call#<id>|turn#<number>", _ORG, _CALL),
    Kind("activity", "use of a tool in a call", "<org>#call#<id>|tool#<id…>", _ORG, _CALL),
    Kind(
        "activity",
        "simulated call, at its provider",
        "<org>#simulated-call#<id>|leg",
        _TTL,
        "The provider is asked for its calls while they last.",
        _DAY,
        "its placing",
    ),
    Kind(
        "activity",
        "talk of a simulated call",
        "<org>#simulated-call#<id>|talk",
        _TTL,
        "As long as its call.",
        _DAY,
        "its placing",
    ),
    Kind("activity", "look-up of a `request_id`", "<org>#request#<mode>#<id…>|request", _ORG, "As long as its call."),
    # ---- roleplays
    Kind("activity", "roleplay session", "<org>#session#<id>|session", _ORG, "The month's quota counts it."),
    Kind("activity", "roleplay", "<org>#roleplay#<id>|call", _ORG, _ROLEPLAY),
    Kind("activity", "turn of a roleplay", "<org>#roleplay#<id>|turn#<number>", _ORG, _ROLEPLAY),
    Kind("activity", "score", "<org>#roleplay#<id>|score", _ORG, _ROLEPLAY),
    # ---- lists and what is due later
    Kind("activity", "entry of a list", "<org>#list#<list…>|<place…>", _CHANGE, "Follows the thing that it lists."),
    Kind(
        "activity",
        "job of the next 15 minutes",
        "<owner>#outbox#<id>|job",
        _TTL,
        "The stream has handed it on. It stays to be looked at.",
        _DAY,
        "its moment",
    ),
    Kind("activity", "timer", "timer#<minute…>#<shard>|<due>#<id>", _CHANGE, "It goes when it fires or is moot."),
    Kind(
        "activity",
        "dead timer",
        "timers#dead|<when>#<id>",
        _CHANGE,
        "An operator fires or drops it (`switchboard timer`); an alarm tells of it.",
    ),
    Kind("activity", "last minute that was handed out", "timers|watermark", _NEVER, _COUNTERS),
    # ---- requests
    Kind(
        "idempotency",
        "effect of a request",
        "effect#<actor…>",
        _TTL,
        "The Anima contract: a key is good for 24 hours.",
        _DAY,
        "the request",
    ),
    Kind(
        "idempotency",
        "answer to a request",
        "switchboard#<digest>",
        _TTL,
        "The Anima contract: a key is good for 24 hours.",
        _DAY,
        "the request",
    ),
    Kind(
        "sessions",
        "session",
        "session#<digest>",
        _TTL,
        "People sign in once a week.",
        7 * _DAY,
        "the sign-in",
    ),
    Kind(
        "sessions",
        "sign-in under way",
        "sign-in#<digest>",
        _TTL,
        "Who takes longer begins again.",
        timedelta(minutes=10),
        "its begin",
    ),
    Kind(
        "ratelimit",
        "open streams of an organization",
        "streams#<org>",
        _TTL,
        "A lease ends by itself.",
        timedelta(minutes=1),
        "the last lease",
    ),
    Kind(
        "ratelimit",
        "places of a pool of streams",
        "stream-pool#<plan>#<number>",
        _TTL,
        "A lease ends by itself.",
        timedelta(minutes=1),
        "the last lease",
    ),
    Kind(
        "ratelimit",
        "requests of a minute",
        "<bucket…>#<minute>",
        _TTL,
        "The limits are by the minute and shorter.",
        timedelta(minutes=1),
        "the minute",
    ),
)
