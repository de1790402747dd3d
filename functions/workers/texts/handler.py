"""Sends texts, also scheduled ones, asks the carrier about unknown outcomes, and wakes snoozed conversations."""

from __future__ import annotations

from switchboard import workers
from switchboard.messaging import confirming, firing, sending, snoozing
from switchboard.messaging.jobs import ConfirmText, SendScheduledText, SendText, WakeConversation

handler = workers.job_handler(
    {
        SendText: sending.send_queued_text,
        SendScheduledText: firing.send_scheduled,
        ConfirmText: confirming.confirm_text,
        WakeConversation: snoozing.wake_conversation,
    }
)
