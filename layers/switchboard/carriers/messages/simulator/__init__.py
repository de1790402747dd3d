"""A simulated carrier of texts: it reaches nobody, and its people answer now and then.

A text is sent after one step, ends after two, and is answered after three. The simulator queues these steps as signed
forms to our own callbacks (`forms`). A step takes TEXTS_STEP_SECONDS (1 by default).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from switchboard.aws import queues
from switchboard.carriers.messages.ports.messenger import (
    AcceptedText,
    FoundText,
    OutgoingText,
    TextRefusedError,
    ThrottledError,
)
from switchboard.carriers.messages.simulator import forms, people, state
from switchboard.kit import clock, settings
from switchboard.kit.jobs import QueueMessage

_SENT, _ENDED, _ANSWERED = 1, 2, 3


class SimulatedMessenger:
    """A carrier that takes every text, except to some magic numbers."""

    def send_text(self, text: OutgoingText) -> AcceptedText:
        """Takes a text, and queues its reports and the answer of its person."""
        if people.is_carrier_down(text.to_number):
            raise ThrottledError("the simulated carrier is down")
        if code := people.find_refusal(text.to_number):
            raise TextRefusedError(f"the simulated carrier's error {code}", code)
        # If the worker is killed here, the text is taken and its reports are lost, as it happens with real carriers.
        state.save_text(text)
        queues.send_messages(_list_steps(text))
        return AcceptedText(forms.text_sid(text.org_id, text.message_id))

    def find_text(self, text: OutgoingText, since: datetime) -> FoundText | None:  # noqa: ARG002 the id is enough
        """Returns a text that was handed over, with its status by now."""
        taken = state.find_taken_text(text.org_id, text.message_id)
        if taken is None:
            return None
        sid = forms.text_sid(text.org_id, text.message_id)
        if clock.now() < taken.taken_at + timedelta(seconds=_ENDED * _step_seconds()):
            return FoundText(sid, "sent")
        return FoundText(sid, *people.find_end(taken.to_number))


def _step_seconds() -> int:
    return settings.number("TEXTS_STEP_SECONDS", 1)


def _list_steps(text: OutgoingText) -> list[QueueMessage]:
    step = _step_seconds()
    end = people.find_end(text.to_number)
    steps = [forms.status_message(text, end.status, end.error_code, _ENDED * step)]
    if not text.campaign:
        steps.insert(0, forms.status_message(text, "sent", None, _SENT * step))
    if answer := people.choose_answer(text.to_number, text.body):
        steps.append(forms.answer_message(text, answer, _ANSWERED * step))
    return steps
