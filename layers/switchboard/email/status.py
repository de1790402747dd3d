"""The delivery status of a mail: its head, and the reports about each recipient.

The report about a recipient is an item of its own, written together with its event. So notices about different
recipients write to different items. They change the head only when its state changes: once to sent, once to delivered
or bounced. The head's state follows from the reports. If a worker stops between the report and the head, the next
change of the mail repairs the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from switchboard.email.models import MailState, MessageHead
from switchboard.persistence.collection import next_version

#: How many event numbers one step has: the first for the head, one for each of up to 50 recipients (SES's limit), and
#: the last for an acceptance by the provider that is recorded after the first reports.
_NUMBERS_PER_STEP = 64


class RecipientReport(BaseModel):
    """The report about one recipient. Each fact is recorded once, with its time."""

    address: str
    version: int = 0
    step: int = 0
    delivered_at: str | None = None
    bounced_at: str | None = None
    #: When the mail bounced permanently.
    gone_at: str | None = None
    complained_at: str | None = None
    #: When a complaint named several recipients, of whom only one complained.
    suspected_at: str | None = None
    #: The receiving server's last response: its status code and the beginning of its message.
    code: str | None = None
    diagnostic: str | None = None

    @property
    def has_it(self) -> bool:
        """Whether the recipient has the mail. A complaint proves it, even without a delivery notice."""
        return bool(self.delivered_at or self.complained_at)

    @property
    def is_lost(self) -> bool:
        """Whether the mail bounced for this recipient: permanently, or temporarily without a delivery."""
        return bool(self.gone_at or (self.bounced_at and not self.has_it))


@dataclass(frozen=True)
class MailStatus:
    """A mail's head, and the reports about its recipients by address in lower case.

    `changed` names the reports that are not stored yet. `head_moved`: the changed head is not stored yet.
    """

    head: MessageHead
    reports: Mapping[str, RecipientReport] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    head_moved: bool = False

    @property
    def step(self) -> int:
        """The latest step of the mail."""
        return max([self.head.step, *(report.step for report in self.reports.values())])

    def event_number(self, address: str | None = None) -> int:
        """Returns the number of the event that records this step. Webhooks call it `sequence`.

        The number is unique, and greater than the numbers of all events that were known when the step was made. No
        common counter exists, so concurrent events about different recipients have numbers in any order.
        """
        place = 0 if address is None else self.head.recipients.index(address) + 1
        return self.step * _NUMBERS_PER_STEP + place

    def number_of_acceptance(self) -> int:
        """Returns the number of the event that the provider accepted the mail.

        If the acceptance is recorded after the first reports, its number follows from the step of the claim. So the
        event sorts before the events of those reports.
        """
        if not self.reports or self.head.claim is None:
            return self.event_number()
        return (self.head.claim + 1) * _NUMBERS_PER_STEP - 1

    def report_of(self, address: str) -> RecipientReport:
        """Returns the report about one of the mail's recipients."""
        return self.reports.get(address.lower()) or RecipientReport(address=address)

    def with_facts(self, **facts: Any) -> MailStatus:
        """Returns the next version with changed fields of the head, and the state that follows from the reports."""
        return self._next_version(self.step + 1, facts)

    def with_reports(self, reports: Iterable[RecipientReport]) -> MailStatus:
        """Returns the next version with newer reports, and the state that follows from them."""
        step = self.step + 1
        newer = {
            report.address.lower(): report.model_copy(update={"version": report.version + 1, "step": step})
            for report in reports
        }
        after = replace(self, reports={**self.reports, **newer}, changed=self.changed | newer.keys())
        return after._next_version(step, {})

    def corrected(self) -> MailStatus | None:
        """Returns a version whose head has the state that follows from the reports, `None` if it has it already."""
        after = self._next_version(self.step, {})
        return after if after.head_moved else None

    def _next_version(self, step: int, facts: dict[str, Any]) -> MailStatus:
        head = self.head.model_copy(update=facts)
        state = self._state_of_reports(head)
        if state and head.can_become(state):
            head = head.model_copy(update={"state": state})
        if head.state is MailState.BOUNCED:
            gone = any(report.gone_at for report in self.reports.values())
            head = head.model_copy(update={"error": "permanent bounce" if gone else "bounce"})
        elif self.head.state is MailState.BOUNCED:
            head = head.model_copy(update={"error": None})
        if head == self.head:
            return self
        return replace(self, head=next_version(head, step=step), head_moved=True)

    def _state_of_reports(self, head: MessageHead) -> MailState | None:
        """Returns the state that follows from the reports, `None` if nothing was reported."""
        reports = self.reports.values()
        if any(report.is_lost for report in reports):
            return MailState.BOUNCED
        has_it = sum(report.has_it for report in reports)
        if not has_it:
            return None
        return MailState.DELIVERED if has_it == len(head.recipients) else MailState.SENT
