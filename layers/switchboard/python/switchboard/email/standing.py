"""Where a mail stands: its head, and what was reported of each recipient.

A recipient's reports are an item of their own, written with the event that tells of them. Notices of different
recipients therefore write to different items, and meet at the head only where it has to move: once to sent, once to
delivered or bounced. The head's state follows from the reports, so that a worker that was stopped between a
recipient's item and the head leaves nothing behind that the next look at the mail does not mend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from switchboard.email.models import Head, State
from switchboard.kit.collection import moved

#: Numbers of one step: the first for the head, one for each recipient of SES' 50, the last for the provider's
#: acceptance of a mail of which more was reported before.
_PLACES = 64


class Report(BaseModel):
    """What was reported of one recipient: each fact once, with the moment when it was recorded."""

    address: str
    version: int = 0
    step: int = 0
    delivered_at: str | None = None
    bounced_at: str | None = None
    #: When it bounced for good.
    gone_at: str | None = None
    complained_at: str | None = None
    #: When a complaint named it among several, of whom one complained.
    suspected_at: str | None = None
    #: What the receiving server said last: its status code, and the beginning of its words.
    code: str | None = None
    diagnostic: str | None = None

    @property
    def has_it(self) -> bool:
        """Whether the recipient got the mail. One that complained of it did, whether or not its server said so."""
        return bool(self.delivered_at or self.complained_at)

    @property
    def lost(self) -> bool:
        """Whether the mail bounced for this recipient: for good, or in passing without ever being delivered."""
        return bool(self.gone_at or (self.bounced_at and not self.has_it))


@dataclass(frozen=True)
class Standing:
    """A mail's head, and the reports of its recipients by address in lower case.

    `changed` names those that are not stored yet. `head_moved` says whether the head is one of them.
    """

    head: Head
    reports: Mapping[str, Report] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    head_moved: bool = False

    @property
    def step(self) -> int:
        """The last step of the mail."""
        return max([self.head.step, *(report.step for report in self.reports.values())])

    def number(self, address: str | None = None) -> int:
        """The number of the event that this step is recorded with, which webhooks call its sequence.

        It is greater than that of each event that was known when the step was made, and no other event has it. No item
        counts for all: events of different recipients at the same time have numbers in some order.
        """
        place = 0 if address is None else self.head.recipients.index(address) + 1
        return self.step * _PLACES + place

    def number_of_acceptance(self) -> int:
        """The number of the event that the provider has the mail.

        Our record of it may come after the first reports: then the event is numbered by the step that claimed the
        mail, so that it goes before what they are told with.
        """
        if not self.reports or self.head.claim is None:
            return self.number()
        return (self.head.claim + 1) * _PLACES - 1

    def report(self, address: str) -> Report:
        """What was reported of one of the mail's recipients."""
        return self.reports.get(address.lower()) or Report(address=address)

    def with_facts(self, **facts: Any) -> Standing:
        """The next standing, with other facts of the head, and the state that follows from the reports."""
        return self._following(self.step + 1, facts)

    def with_reports(self, reports: Iterable[Report]) -> Standing:
        """The next standing, with newer reports of recipients, and the state that follows from them."""
        step = self.step + 1
        newer = {
            report.address.lower(): report.model_copy(update={"version": report.version + 1, "step": step})
            for report in reports
        }
        after = replace(self, reports={**self.reports, **newer}, changed=self.changed | newer.keys())
        return after._following(step, {})

    def mended(self) -> Standing | None:
        """The standing with the state that follows from the reports, `None` where the head has it."""
        after = self._following(self.step, {})
        return after if after.head_moved else None

    def _following(self, step: int, facts: dict[str, Any]) -> Standing:
        head = self.head.model_copy(update=facts)
        state = self._outcome(head)
        if state and head.can_become(state):
            head = head.model_copy(update={"state": state})
        if head.state is State.BOUNCED:
            gone = any(report.gone_at for report in self.reports.values())
            head = head.model_copy(update={"error": "permanent bounce" if gone else "bounce"})
        elif self.head.state is State.BOUNCED:
            head = head.model_copy(update={"error": None})
        if head == self.head:
            return self
        return replace(self, head=moved(head, step=step), head_moved=True)

    def _outcome(self, head: Head) -> State | None:
        """What the reports come to."""
        reports = self.reports.values()
        if any(report.lost for report in reports):
            return State.BOUNCED
        has_it = sum(report.has_it for report in reports)
        if not has_it:
            return None
        return State.DELIVERED if has_it == len(head.recipients) else State.SENT
