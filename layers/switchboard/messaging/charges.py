"""The cost of a text: its segments, when it is queued. A text that never reaches the carrier is given back.

A text of a simulated number costs nothing, and has no receipt. A refund removes the receipt in the same commit, so
that a text is given back once.
"""

from __future__ import annotations

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
