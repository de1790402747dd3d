"""Why a text was not handed to the carrier, in plain words. The codes are our own, those of the gate among them."""

from __future__ import annotations

_REASONS = {
    "opted_out": "The contact opted out before the text was sent.",
    "dnc": "The number was put on the do-not-call list before the text was sent.",
    "suspended": "The organization was suspended before the text was sent.",
    "number_released": "The organization released the number before the text was sent.",
    "member_not_permitted": "The member who wrote the text may no longer send texts.",
    "waited_too_long": "The text waited too long for its number.",
    "answer_too_late": "The answer to a keyword could not go out within five minutes of the contact's text.",
    "throttled": "The carrier took no more texts for four hours.",
    "conversation_closed": "The conversation was closed before the text was sent.",
    "ai_paused": "A person took over the conversation before the text of the AI was sent.",
    "answered_meanwhile": "A member or the contact wrote before the text of the AI was sent.",
    "conversation_gone": "The conversation no longer exists.",
    "daily_cap": "The daily limit of look-ups of reassigned numbers was reached.",
    "attempt_cap": "The contact had as many texts as the law allows in a day.",
    "plan_quota": "The plan's monthly quota was reached.",
    "hard_cap": "The organization's monthly spending cap was reached.",
    "credit_limit": "The limit of a new subscription was reached, which holds until a whole month was paid.",
    "subscription_unpaid": "The organization's subscription was unpaid.",
    "no_carrier": "No carrier of texts is configured.",
}


def explain_failure(code: str) -> str:
    """Returns what one of our own codes means."""
    return _REASONS.get(code, "A compliance rule refused the text before it was sent.")
