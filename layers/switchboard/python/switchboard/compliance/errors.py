"""What the gate refuses with."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.aws.table import Item
from switchboard.compliance.models import Verdict
from switchboard.errors import Forbidden


class Blocked(Forbidden):
    """The gate refuses this call or text.

    `code` is the verdict's; `details` are `gate`, `reason` and, where known, `nextAllowedAt` and `timezone`
    (docs/contracts/anima.md#gate-codes).
    """

    code = "blocked"


_MESSAGES = {
    "dnc": "This number is on the organisation's do-not-call list.",
    "national_dnc": "This number is on the national do-not-call registry: it may not be called to sell anything.",
    "national_dnc_unknown": "Whether this number is on the national do-not-call registry could not be learnt.",
    "opted_out": "This number has opted out.",
    "consent_missing": "No consent of the called party is known.",
    "consent_invalid": "The consent that was stated is not one.",
    "consent_insufficient": "The consent that is known is not enough to sell by telephone: it must be in writing.",
    "consent_expired": "The consent that is known is too old: state a newer one with its date.",
    "number_reassigned": "This number has changed hands since consent was given.",
    "reassigned_unknown": "Whether this number has changed hands could not be learnt.",
    "quiet_hours": "It is outside the calling hours where this number may be.",
    "zone_unknown": "The time where this number is cannot be told: state the recipient's IANA time zone, such as"
    " America/New_York, or state, such as NY.",
    "attempt_cap": "This number was called as often as the law allows in 24 hours.",
}


def blocked(verdict: Verdict) -> Blocked:
    """The refusal that a verdict stands for."""
    failed = verdict.failed
    if failed is None:
        raise ValueError("the verdict allows the call")
    details = {"gate": failed.rule, "reason": failed.reason}
    if verdict.next_allowed_at:
        details["nextAllowedAt"] = verdict.next_allowed_at
    if verdict.timezone and failed.rule == "quiet_hours":
        details["timezone"] = verdict.timezone
    return Blocked(_MESSAGES[verdict.code or ""], code=verdict.code, **details)


def meanwhile(code: str, gate: str) -> Callable[[list[Item | None]], Exception]:
    """What a write raises when a refusal landed between the verdict and its commit."""
    return lambda _: Blocked(_MESSAGES[code], code=code, gate=gate, reason="changed_meanwhile")
