"""The meaning of the carrier's error codes, in plain words for the people who sent the text.

The codes are Twilio's. Codes below 30000 come with a refused request, the others with a report about a text.
"""

from __future__ import annotations

#: The contact sent STOP to the carrier itself: an opt-out that our ledger does not have yet.
OPTED_OUT = 21610
#: The number that gets the text is not a telephone number.
INVALID_NUMBER = 21211
#: The route has no texts: no path leads from our number to this number.
NO_ROUTE = 21612
#: The number that gets the text is no mobile telephone.
NOT_A_MOBILE = 21614
#: The telephone cannot be reached.
UNREACHABLE = 30003
#: The sending number has no registration (10DLC), and the registration is suspended.
NOT_REGISTERED, CAMPAIGN_SUSPENDED = 30034, 30990

_MEANINGS = {
    INVALID_NUMBER: "The number is not a valid telephone number.",
    21212: "The sending number is not valid.",
    21408: "Texts to this country are not allowed in the account.",
    21602: "The text is empty.",
    21606: "The sending number cannot send texts to this number.",
    21608: "A trial account can send texts to verified numbers only.",
    OPTED_OUT: "The contact has opted out with the carrier.",
    21611: "Too many texts wait at the carrier for the sending number.",
    NO_ROUTE: "The sending number cannot reach this number.",
    NOT_A_MOBILE: "The number cannot receive texts: it is not a mobile number.",
    21617: "The text is too long.",
    21619: "The text is empty.",
    21620: "The address of a file is not valid.",
    21623: "The text has too many files.",
    21660: "The sending number does not belong to the account.",
    30001: "Too many texts waited at the carrier.",
    30002: "The account at the carrier is suspended.",
    UNREACHABLE: "The telephone is switched off or cannot be reached.",
    30004: "The contact's network or telephone blocks the text.",
    30005: "The number is unknown, or no longer in use.",
    30006: "The number is a landline, or its network takes no texts.",
    30007: "The contact's network filtered the text as unwanted.",
    30008: "The text was not delivered, and the network gives no reason.",
    30009: "A part of the text is missing.",
    30010: "The text costs more than the account allows.",
    30011: "The contact's network takes no media from this number.",
    30017: "The contact's network is congested.",
    30019: "The file is too large for the contact's network.",
    30022: "The daily limit of the sending number's campaign registration is reached.",
    30023: "The daily limit of the brand with the contact's network is reached.",
    30032: "The toll-free number is not verified.",
    NOT_REGISTERED: "The sending number is not registered for business texts (10DLC).",
    30036: "The text waited too long at the carrier.",
    30044: "The text is too long for a trial account.",
    30410: "The contact's network did not answer in time.",
    30500: "The carrier had a fault.",
    CAMPAIGN_SUSPENDED: "The campaign registration of the sending number is suspended, and its texts are halted.",
    63038: "The account's daily limit of texts is reached.",
}
_UNKNOWN = "The carrier gives the code {code}."


def explain_code(code: int | None) -> str:
    """Returns what a carrier's code means."""
    if code is None:
        return "The carrier gives no reason."
    return _MEANINGS.get(code, _UNKNOWN.format(code=code))


def tells_of_registration(code: str | None) -> bool:
    """Whether a code of a failed text says that the registration of its number is not, or no longer, in force."""
    return code in {str(NOT_REGISTERED), str(CAMPAIGN_SUSPENDED)}


def is_opt_out(code: int | None) -> bool:
    """Whether a code says that the contact opted out. Such a text is never sent again."""
    return code == OPTED_OUT
