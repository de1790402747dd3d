"""Errors that the compliance gate raises."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.aws.dynamodb import Item
from switchboard.compliance.models import Verdict
from switchboard.errors import Forbidden


class Blocked(Forbidden):
    """The gate does not allow this call or text.

    `code` is the code of the verdict. `details` has `gate` and `reason`, and where known `nextAllowedAt` and `timezone`
    (docs/contracts/anima.md#errors).
    """

    code = "blocked"


_MESSAGES = {
    "dnc": "This number is on your organization's do-not-call list. Do not call or text it.",
    "national_dnc": "This number is on the national do-not-call registry. Do not call it to sell something.",
    "national_dnc_unknown": "The national do-not-call registry could not be checked. Try again later.",
    "opted_out": "This person has opted out. Do not call or text this number.",
    "consent_missing": "No consent is known for this number: state how and when the person gave consent.",
    "consent_invalid": "Invalid consent: check its source, its date and the purpose of the call.",
    "consent_insufficient": "This consent does not allow telemarketing: get the person's consent in writing.",
    "consent_expired": "This consent has expired: state a newer one with its date.",
    "number_reassigned": "This number was reassigned after the consent was given: get consent from its new holder.",
    "reassigned_unknown": "The Reassigned Numbers Database could not confirm who holds this number. Try again later.",
    "quiet_hours": "It is outside calling hours where the recipient may be. Try again within the calling hours.",
    "zone_unknown": "The recipient's local time is unknown: send their IANA time zone, such as"
    " America/New_York, or their state, such as NY.",
    "attempt_cap": "This number has received as many calls as the law allows for now. Try again later.",
}


def blocked_error(verdict: Verdict) -> Blocked:
    """Returns the error for a verdict that does not allow the call. Raises ValueError for one that does."""
    failed = verdict.failed
    if failed is None:
        raise ValueError("the verdict allows the call")
    details = {"gate": failed.rule, "reason": failed.reason}
    if verdict.next_allowed_at:
        details["nextAllowedAt"] = verdict.next_allowed_at
    if verdict.timezone and failed.rule == "quiet_hours":
        details["timezone"] = verdict.timezone
    return Blocked(_MESSAGES[verdict.code or ""], code=verdict.code, **details)


def blocked_at_commit(code: str, gate: str) -> Callable[[list[Item | None]], Exception]:
    """Returns a factory for the error of a failed condition: something changed between the verdict and its commit."""
    return lambda _: Blocked(_MESSAGES[code], code=code, gate=gate, reason="changed_meanwhile")
