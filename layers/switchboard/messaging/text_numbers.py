"""The organization's numbers that send texts."""

from __future__ import annotations

from switchboard.errors import Invalid
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number


def require_text_number(org_id: str, number_id: str) -> Number:
    """Returns the number that a request names as the sender. Raises NotFound, and Invalid if it sends no texts."""
    number = numbers.get_number(org_id, number_id)
    if not number.active:
        raise Invalid(
            "This number was released: choose a number that the organization still has.",
            code="number_released",
            fields={"twilio_number_id": "was released"},
        )
    if not number.capabilities.sms:
        raise Invalid(
            "This number cannot send texts: choose a number with the capability sms.",
            code="number_without_sms",
            fields={"twilio_number_id": "cannot send texts"},
        )
    return number
