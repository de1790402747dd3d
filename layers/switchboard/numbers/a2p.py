"""The registration of local numbers for texts to the United States (A2P 10DLC), and the warning about its lack."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from switchboard.compliance import phone
from switchboard.compliance.phone import NumberKind
from switchboard.errors import Invalid
from switchboard.numbers.models import Number

UNREGISTERED_CODE, TOLL_FREE_CODE = "a2p_unregistered", "toll_free_unverified"


class A2pStatus(StrEnum):
    """The state of a number's registration."""

    UNREGISTERED = "unregistered"
    PENDING = "pending"
    REGISTERED = "registered"
    REJECTED = "rejected"
    #: A toll-free number, or a number of another country.
    NOT_REQUIRED = "not_required"


class NumberWarning(NamedTuple):
    """A reason why a text may not arrive. It does not stop the text."""

    code: str
    message: str


_STATES = {
    A2pStatus.UNREGISTERED: "is not registered",
    A2pStatus.PENDING: "is not registered yet",
    A2pStatus.REJECTED: "is not registered, because its registration was rejected",
}


def needs_registration(e164: str) -> bool:
    """Whether texts from a number to the United States need a registration: a local American or Canadian number."""
    try:
        found = phone.parse(e164)
    except Invalid:
        return False
    return (found.american or found.region == "CA") and found.kind is NumberKind.GEOGRAPHIC


def status_of(number: Number) -> A2pStatus:
    """Returns the state of a number's registration."""
    if not needs_registration(number.e164):
        return A2pStatus.NOT_REQUIRED
    return A2pStatus(number.a2p_status) if number.a2p_status else A2pStatus.UNREGISTERED


def list_warnings(number: Number, contact_e164: str | None = None) -> list[NumberWarning]:
    """Returns the warnings about texts from a number to a contact, or to any contact in North America."""
    if _is_toll_free(number.e164) and (contact_e164 is None or _is_north_american(contact_e164)):
        text = (
            f"{number.e164} is a toll-free number: networks block its texts to the United States and Canada until it is"
            " verified with the provider. Ask your operator whether it is."
        )
        return [NumberWarning(TOLL_FREE_CODE, text)]
    state = _STATES.get(status_of(number))
    if state is None or (contact_e164 is not None and not _is_american(contact_e164)):
        return []
    text = (
        f"{number.e164} {state} for texts to the United States (A2P 10DLC), so networks may block this text: register"
        " your brand and campaign."
    )
    return [NumberWarning(UNREGISTERED_CODE, text)]


def _is_toll_free(e164: str) -> bool:
    try:
        found = phone.parse(e164)
    except Invalid:
        return False
    return found.country_code == 1 and found.kind is NumberKind.TOLL_FREE


def _is_north_american(e164: str) -> bool:
    try:
        found = phone.parse(e164)
    except Invalid:
        return False
    return found.american or found.region == "CA"


def _is_american(e164: str) -> bool:
    try:
        return phone.parse(e164).american
    except Invalid:
        return False
