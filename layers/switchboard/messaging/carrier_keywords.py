"""The keywords that the carrier answers by itself, without a flag (docs/contracts/providers.md#opt-out-keywords).

Twilio answers them for each number by default. An operator who has ended that there sets the deployment's
`carrier_answers_keywords` to `off`. The network of toll-free numbers answers its own words in any case.
"""

from __future__ import annotations

from switchboard.compliance import phone
from switchboard.compliance.phone import NumberKind
from switchboard.errors import Invalid
from switchboard.kit import settings
from switchboard.numbers.models import Number

#: Twilio compares the whole text with these words, without regard to case and surrounding space.
_WORDS = {
    *("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),
    *("START", "YES", "UNSTOP"),
    *("HELP", "INFO"),
}
_WORDS_OF_TOLL_FREE = {"STOP", "START", "UNSTOP"}


def is_answered_by_carrier(number: Number, body: str) -> bool:
    """Whether the carrier answers a text to a number. Simulated numbers have no carrier that answers."""
    if number.provider == "simulator":
        return False
    word = body.strip().upper()
    if settings.flag("CARRIER_ANSWERS_KEYWORDS", default=True):
        return word in _WORDS
    return word in _WORDS_OF_TOLL_FREE and _is_toll_free(number.e164)


def _is_toll_free(e164: str) -> bool:
    try:
        return phone.parse(e164).kind is NumberKind.TOLL_FREE
    except Invalid:
        return False
