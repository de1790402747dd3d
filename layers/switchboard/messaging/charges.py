"""The cost of a text: its segments, when it is queued. A text that never reaches the carrier is given back.

A text of a simulated number costs nothing, and has no receipt. A refund removes the receipt in the same commit, so
that a text is given back once.
"""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes
from switchboard.compliance import phone
from switchboard.compliance.phone import NumberKind
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.messaging.models import TextMessage
from switchboard.usage import service as usage
from switchboard.usage.models import CAP_SWITCH, Meter, SpendingReceipt
from switchboard.usage.service import Charge

#: The look-ups of contacts' numbers of a day, for each text of the plan's month, and for a plan without a quota. Texts
#: that are refused or canceled cost their sender nothing, and their look-ups cost the platform.
LOOKUPS_PER_TEXT, LOOKUPS_WITHOUT_QUOTA = 10, 1_000_000


def choose_meter(number_e164: str) -> Meter:
    """Returns the meter of texts from a number. A number that no rule knows, such as a short code, counts as local."""
    try:
        return Meter.SMS_TOLL_FREE if phone.parse(number_e164).kind is NumberKind.TOLL_FREE else Meter.SMS
    except Invalid:
        return Meter.SMS


def text_charges(org: Organization, message: TextMessage) -> list[Charge]:
    """Returns the charges of a text: its segments, within the plan's quota and the organization's cap."""
    if message.simulated:
        return []
    return [usage.spending_charge(org, choose_meter(message.number_e164), message.segments)]


def pay_lookup(org: Organization, within: Sequence[Charge] = ()) -> None:
    """Counts a look-up of a contact's number that the platform pays for, before it is made.

    Raises QuotaExceeded if there is no room for the text itself (`within`), or after the day's look-ups.
    """
    usage.require_room(within)
    texts = org.terms.text_segments_per_month
    limit = LOOKUPS_WITHOUT_QUOTA if texts is None else texts * LOOKUPS_PER_TEXT
    usage.commit_within([usage.daily_charge(org, "number_lookups", limit)])


def owed_write(org: Organization, message: TextMessage) -> Writes:
    """Returns the write that counts a text which must go out in any case, also above the quota and the cap."""
    if message.receipt is None:
        return None
    meter = choose_meter(message.number_e164)
    cost = message.segments * usage.price_micros(meter)
    return usage.owed_write(org, meter, message.segments, cost, message.receipt.period)


def owed_receipt(org: Organization, message: TextMessage) -> SpendingReceipt | None:
    """Returns the receipt of a text that `owed_write` counts now."""
    if message.simulated:
        return None
    capped = org.hard_cap.meters.get(CAP_SWITCH[choose_meter(message.number_e164)], True)
    return SpendingReceipt(period=clock.now_iso()[:7], capped=capped)


def refund_write(org: Organization, message: TextMessage) -> Writes:
    """Returns the write that gives back what a text cost. The same commit removes the text's receipt."""
    if message.receipt is None:
        return None
    return usage.correction_write(org, choose_meter(message.number_e164), -message.segments, message.receipt)
