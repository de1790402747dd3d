"""The input of the gate's rules, and the results that they return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from switchboard.carriers.magic_numbers import MagicOutcome
from switchboard.carriers.registries import ReassignedAnswer, RegistryAnswer
from switchboard.compliance.consents import BadConsentError, EffectiveConsent
from switchboard.compliance.data import consent, states
from switchboard.compliance.models import ContactAttempt, RuleResult
from switchboard.compliance.phone import Phone
from switchboard.compliance.store import Facts
from switchboard.kit import texts

#: The version of each rule: the date from which its law or practice applies.
RULE_VERSIONS = {
    "dnc": "2003-10-01",  # 47 CFR 64.1200(d): a caller's own do-not-call list
    "national_dnc": "2003-10-01",  # 47 CFR 64.1200(c)(2)
    "opt_out": "2025-04-11",  # 47 CFR 64.1200(a)(10): revoked by any reasonable means; immediate, on every channel
    "consent": consent.VERSION,
    "reassigned": "2021-11-01",  # 47 CFR 64.1200(m): the database opened
    "quiet_hours": states.VERSION,
    "caps": states.VERSION,
}


@dataclass(frozen=True, slots=True)
class RuleInput:
    """The input of the rules."""

    contact: ContactAttempt
    phone: Phone
    facts: Facts
    now: datetime
    magic: MagicOutcome | None
    consent: EffectiveConsent | BadConsentError
    ask: Callable[[date], ReassignedAnswer]
    registered: Callable[[], RegistryAnswer]

    @property
    def number(self) -> str:
        """The number's digest. Verdicts store it instead of the number."""
        return texts.digest(self.phone.e164)

    @property
    def nobody(self) -> str | None:
        """The reason why the call reaches nobody, or None if it reaches a person."""
        if self.phone.reaches_nobody:
            return "unreachable_number"
        return "simulated" if self.contact.simulated else None


def rule_passed(case: RuleInput, rule: str, reason: str, **more: Any) -> RuleResult:
    return _result(case, rule, "pass", reason, **more)


def rule_skipped(case: RuleInput, rule: str, reason: str, **more: Any) -> RuleResult:
    return _result(case, rule, "skip", reason, **more)


def rule_blocked(case: RuleInput, rule: str, code: str, reason: str, **more: Any) -> RuleResult:
    return _result(case, rule, "block", reason, code=code, **more)


def _result(
    case: RuleInput,
    rule: str,
    result: Literal["pass", "block", "skip"],
    reason: str,
    *,
    code: str | None = None,
    input_: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> RuleResult:
    return RuleResult(
        rule=rule,
        result=result,
        reason=reason,
        code=code,
        version=RULE_VERSIONS[rule],
        input={"number": case.number, **(input_ or {})},
        details=details or {},
    )
