"""Checks a run, in the order in which the table accepted the commits.

A claim is the commit that moves a call to DIALING, or a mail to SENDING. It is checked twice: against the table at
that moment, and against the withdrawals that were confirmed to their callers before, for any content of the table. The
acceptance of a call is checked against the blocks and opt-outs that were confirmed before its request began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from switchboard.accounts import store as accounts
from switchboard.aws.dynamodb import decode_item
from switchboard.calls import store as calls
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.email import store as mails
from switchboard.email.models import MailState, MessageHead
from switchboard.kit import clock
from switchboard.usage import store as usage
from switchboard.usage.models import MICROS_PER_CENT
from tests.memory_cloud import Change, Item, Tables

Noun = Literal["call", "mail"]
#: The kind and the object of a withdrawal: `("opt-outs", number)`, `("key", id)`, `("org", id)` …
Name = tuple[str, str]

_LEDGERS = ("dnc", "opt-outs", "suppressed")
_FIRST = {"call": State.CREATED, "mail": MailState.QUEUED}
_CLAIMED = {"call": State.DIALING, "mail": MailState.SENDING}
#: The states in which a mail may stay at the end: the carrier has it, or it has a reason.
_SETTLED = frozenset({MailState.SENT, MailState.DELIVERED, MailState.BOUNCED, MailState.FAILED, MailState.UNCONFIRMED})
_NOTHING: Item = {}


class Span(NamedTuple):
    """The time of a withdrawal. Without an end, its caller never got an answer."""

    begun: int
    ended: int | None


@dataclass
class Counts:
    """The counts of one or more runs. A withdrawal counts once for each call or mail that waits or is active."""

    runs: int = 0
    accepted: int = 0
    claims: int = 0
    before: int = 0
    after: int = 0
    stopped: int = 0
    taken: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Add the counts of another run."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Oracle:
    """Watches one run. `problems` holds its findings."""

    def __init__(self, tables: Tables, org_id: str) -> None:
        self.problems: list[str] = []
        self.counts = Counts(runs=1)
        self.accepted: dict[str, Noun] = {}
        self._tables, self._org_id = tables, org_id
        self._month = clock.now_iso()[:7]
        self._start = dict(self._usage_items())
        self._moment = 0
        self._withdrawn: dict[Name, list[Span]] = {}
        self._lifted: dict[Name, list[Span]] = {}
        #: The withdrawals that stood against the latest claim, by actor and subject.
        self._claims: dict[tuple[str, str], list[str]] = {}
        self._taken: Counter[str] = Counter()
        #: When each actor began its present attempt.
        self._begun: dict[str, int] = {}

    @contextmanager
    def withdrawing(self, *names: Name) -> Iterator[None]:
        """A caller withdraws, and gets the answer at the end."""
        with self._record_span(self._withdrawn, names):
            yield

    @contextmanager
    def lifting(self, *names: Name) -> Iterator[None]:
        """A caller lifts a withdrawal."""
        with self._record_span(self._lifted, names):
            yield

    @contextmanager
    def _record_span(self, spans: dict[Name, list[Span]], names: Sequence[Name]) -> Iterator[None]:
        begun = self._next_moment()
        places = []
        for name in names:
            places.append((spans.setdefault(name, []), len(spans[name])))
            spans[name].append(Span(begun, None))
        yield
        ended = self._next_moment()
        for found, place in places:
            found[place] = Span(begun, ended)

    def begin(self, actor: str) -> None:
        """An actor starts, for the first time or again: its new process knows of no claim."""
        self._begun[actor] = self._next_moment()
        self._claims = {place: found for place, found in self._claims.items() if place[0] != actor}

    def committed(self, actor: str, changes: Sequence[Change]) -> None:
        """The table accepted these changes, all at once."""
        self._next_moment()
        for table, before, after in changes:
            if table == "core":
                for name in _withdrawals(before or _NOTHING, after or _NOTHING):
                    self._count_withdrawal(name)
            elif after is not None and (noun := _noun_of(after)):
                self._check_change(actor, noun, before, after)

    def asked_carrier(self, actor: str, subject_id: str) -> None:
        """An actor is about to let a carrier dial or send."""
        against = self._claims.get((actor, subject_id))
        if against is None:
            self.problems.append(f"{actor} gives {subject_id} to the carrier without a claim")
        for reason in against or ():
            self.problems.append(f"{actor} gives {subject_id} to the carrier, claimed after: {reason}")

    def taken(self, subject_id: str) -> None:
        """A carrier has the call or mail, or may have it."""
        self.counts.taken += 1
        self._taken[subject_id] += 1
        if self._taken[subject_id] > 1:
            self.problems.append(f"{subject_id} is with the carrier {self._taken[subject_id]} times")

    def finish(self) -> None:
        """The run is over: check the result of every accepted call and mail."""
        for subject_id, noun in self.accepted.items():
            problem = self._call_problem(subject_id) if noun == "call" else self._mail_problem(subject_id)
            if problem:
                self.problems.append(f"{subject_id} {problem}")
        if problem := self._money_problem():
            self.problems.append(problem)

    def _next_moment(self) -> int:
        self._moment += 1
        return self._moment

    def _check_change(self, actor: str, noun: Noun, before: Item | None, after: Item) -> None:
        state = after["state"]["S"]
        subject_id = after["pk"]["S"].rpartition("#")[2]
        if before is None and state == _FIRST[noun]:
            self.accepted[subject_id] = noun
            self.counts.accepted += 1
            if noun == "call":
                for name in self._confirmed_names(noun, after, self._begun[actor]):
                    if name[0] in _LEDGERS:
                        self.problems.append(f"{subject_id} is accepted though {' '.join(name)} was known")
        elif state == _CLAIMED[noun] and (before or _NOTHING).get("state") != after["state"]:
            self.counts.claims += 1
            against = [f"{' '.join(name)} stands" for name in self._standing_names(noun, after)]
            against += [f"{' '.join(name)} was confirmed" for name in self._confirmed_names(noun, after)]
            self._claims[actor, subject_id] = against

    def _withdrawable_names(self, noun: Noun, item: Item) -> list[Name]:
        """Returns the names of withdrawals that would stop a call or mail."""
        found = decode_item(item)
        names = [("org", self._org_id), *([("key", found["key_id"])] if found.get("key_id") else [])]
        if noun == "call":
            return [*names, ("dnc", found["to_number"]), ("opt-outs", found["to_number"]), ("cap", self._org_id)]
        addresses = mails.HEADS.from_item(found).recipients
        return [*names, *(("suppressed", address) for address in addresses)]

    def _standing_names(self, noun: Noun, item: Item) -> list[Name]:
        return [name for name in self._withdrawable_names(noun, item) if self._stands(*name)]

    def _stands(self, kind: str, of: str) -> bool:
        """Whether the table holds a withdrawal."""
        core = self._tables.items["core"]
        match kind:
            case "org":
                return bool(_get_item(core, accounts.organization_ref(of).key)["status"] != {"S": "active"})
            case "key":
                return "S" in _get_item(core, accounts.key_ref(self._org_id, of).key).get("revoked_at", {})
            case "cap":
                return self._is_over_cap()
            case "suppressed":
                return bool(_get_item(core, mails.suppression_key(self._org_id, of)))
        return of in core.get(f"{self._org_id}#{kind}", {})

    def _count_units(self, counter: str, before: Mapping[str, Item] | None = None) -> int:
        """Returns the value of a counter of the month over all its slices."""
        book = self._usage_items() if before is None else before
        return sum(int(item.get(counter, {"N": "0"})["N"]) for item in book.values())

    def _usage_items(self) -> Mapping[str, Item]:
        return self._tables.items["core"].get(usage.book_partition(self._org_id, self._month), {})

    def _is_over_cap(self) -> bool:
        core = self._tables.items["core"]
        cap = decode_item(_get_item(core, accounts.organization_ref(self._org_id).key))["hard_cap"]
        if not cap["enabled"]:
            return False
        return self._count_units("capped") > int(cap["monthly_cap_cents"]) * MICROS_PER_CENT

    def _confirmed_names(self, noun: Noun, item: Item, before: int | None = None) -> Iterator[Name]:
        """Yields withdrawals that were confirmed before and that nobody has started to lift since they started.

        They were confirmed before now, or before an earlier moment.
        """
        latest = self._moment if before is None else before
        for name in self._withdrawable_names(noun, item):
            lifts = self._lifted.get(name, ())
            for begun, ended in self._withdrawn.get(name, ()):
                is_lifted = any(lift.ended is None or lift.ended > begun for lift in lifts)
                if ended is not None and ended <= latest and not is_lifted:
                    yield name
                    break

    def _count_withdrawal(self, name: Name) -> None:
        self.counts.kinds[name[0]] += 1
        for subject_id, noun in self.accepted.items():
            item = self._find_item(noun, subject_id)
            if name not in self._withdrawable_names(noun, item):
                continue
            state = item["state"]["S"]
            if state == _FIRST[noun]:
                self.counts.before += 1
            elif state not in FINAL_STATES and state not in _SETTLED:
                self.counts.after += 1

    def _find_item(self, noun: Noun, subject_id: str) -> Item:
        sk, middle = ("call", "call") if noun == "call" else ("message", "message")
        found = self._tables.get("activity", f"{self._org_id}#{middle}#{subject_id}", sk)
        assert found is not None
        return found

    def _call_problem(self, call_id: str) -> str | None:
        call: Call = calls.CALLS.from_item(decode_item(self._find_item("call", call_id)))
        if call.state not in FINAL_STATES or call.end_reason is None:
            return f"ends as {call.state}"
        if call.end_reason is not EndReason.BLOCKED:
            return None
        self.counts.stopped += 1
        if not call.error:
            return "was stopped, and does not say why"
        if self._taken[call_id]:
            return "was stopped, and is with the carrier"
        return None if self.counts.kinds else "was stopped, and nothing was withdrawn"

    def _mail_problem(self, message_id: str) -> str | None:
        head: MessageHead = mails.HEADS.from_item(decode_item(self._find_item("mail", message_id)))
        if head.state not in _SETTLED:
            return f"ends as {head.state}"
        if head.state is not MailState.FAILED:
            return None
        self.counts.stopped += 1
        if self._taken[message_id]:
            return "failed, and is with the carrier"
        return None if head.error else "failed, and does not say why"

    def _money_problem(self) -> str | None:
        """Nobody answered, so no call has a cost. Each mail to one recipient has, unless it is known to have failed."""
        heads = [self._find_item(noun, one) for one, noun in self.accepted.items() if noun == "mail"]
        sent = sum(head["state"]["S"] != MailState.FAILED for head in heads)
        wanted = (self._count_units("voice_basic", self._start), self._count_units("email", self._start) + sent)
        found = (self._count_units("voice_basic"), self._count_units("email"))
        return None if wanted == found else f"calls and mails charged are {found}, and should be {wanted}"


def _get_item(core: dict[str, dict[str, Item]], key: Any) -> Item:
    return core.get(key["pk"], {}).get(key["sk"], _NOTHING)


def _noun_of(item: Item) -> Noun | None:
    kinds: dict[str, Noun] = {"call": "call", "message": "mail"}
    return kinds.get(item.get("sk", _NOTHING).get("S", ""))


def _withdrawals(before: Item, after: Item) -> Iterator[Name]:
    """Yields the names of the withdrawals in a change of one item."""
    pk, sk = (after or before)["pk"]["S"], (after or before).get("sk", {"S": ""})["S"]
    org_id, _, ledger = pk.partition("#")
    if ledger in _LEDGERS:
        if after and not before:
            yield ledger, after["address"]["S"] if ledger == "suppressed" else sk
    elif sk == "org" and "#" not in pk and before and after:
        if before["status"] != after["status"] and after["status"] != {"S": "active"}:
            yield "org", org_id
        if before["hard_cap"] != after["hard_cap"]:
            yield "cap", org_id
    elif sk.startswith("key#") and before.get("revoked_at") != after.get("revoked_at"):
        yield "key", sk.removeprefix("key#")
