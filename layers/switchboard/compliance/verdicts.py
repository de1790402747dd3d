"""The case that the gate's rules judge, their results, and the verdict: its error for callers, and its stored form.

Verdicts are in the `core` table: `switchboard.compliance.store` has the keys.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.carriers.magic_numbers import MagicOutcome
from switchboard.carriers.registries import ReassignedAnswer, RegistryAnswer
from switchboard.compliance.consents import BadConsentError, EffectiveConsent
from switchboard.compliance.data import consent, states
from switchboard.compliance.models import ContactAttempt, ContactChannel
from switchboard.compliance.phone import Phone
from switchboard.compliance.store import Facts
from switchboard.errors import Forbidden
from switchboard.kit import clock, texts
from switchboard.persistence.retention import FIVE_YEARS


class RuleResult(BaseModel):
    """The result of one rule. `code` is set if the rule blocks. `version` is the date of the applied law or table."""

    model_config = ConfigDict(frozen=True)

    rule: str
    result: Literal["pass", "block", "skip"]
    reason: str
    code: str | None = None
    version: str
    input: dict[str, Any] = Field(default_factory=dict)
    details: dict[str, Any] = Field(default_factory=dict)


class Verdict(BaseModel):
    """Whether a contact is allowed, with the result of every rule. Has the number's digest, never the number.

    `contact` is the evaluated contact, for the writes in the call's commit. It is not stored.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    channel: ContactChannel
    number: str
    allowed: bool
    code: str | None
    rules: list[RuleResult]
    next_allowed_at: str | None = None
    #: The end of the hours that allow the contact: no phone may ring later because of this verdict.
    allowed_until: str | None = None
    timezones: list[str]
    timezone: str | None = None
    evaluated_at: str
    contact: ContactAttempt | None = Field(default=None, exclude=True, repr=False)

    @property
    def first_block(self) -> RuleResult | None:
        """The first rule that blocks."""
        return next((rule for rule in self.rules if rule.result == "block"), None)

    def find_result(self, name: str) -> RuleResult:
        """Returns the result of a rule by its name."""
        return next(rule for rule in self.rules if rule.rule == name)

    def summary(self) -> dict[str, Any]:
        """Returns a short form of the verdict for the data of an event."""
        return {
            "allowed": self.allowed,
            "code": self.code,
            "rules": {rule.rule: f"{rule.result}:{rule.reason}" for rule in self.rules},
            "evaluated_at": self.evaluated_at,
        }


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
    def number_digest(self) -> str:
        """The number's digest. Verdicts store it instead of the number."""
        return texts.digest(self.phone.e164)

    @property
    def unreached_reason(self) -> str | None:
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
        input={"number": case.number_digest, **(input_ or {})},
        details=details or {},
    )


class Blocked(Forbidden):
    """The gate does not allow this call or text.

    `code` is the code of the verdict. `details` has `gate` and `reason`, and where known `nextAllowedAt` and `timezone`
    (docs/contracts/anima.md#errors).
    """

    code = "blocked"


#: The message for each code with which the gate refuses a call or text.
MESSAGES = {
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

#: The codes with which the gate refuses a call or text.
BLOCK_CODES = frozenset(MESSAGES)


def blocked_error(verdict: Verdict) -> Blocked:
    """Returns the error for a verdict that does not allow the call. Raises ValueError for one that does."""
    failed = verdict.first_block
    if failed is None:
        raise ValueError("the verdict allows the call")
    details = {"gate": failed.rule, "reason": failed.reason}
    if verdict.next_allowed_at:
        details["nextAllowedAt"] = verdict.next_allowed_at
    if verdict.timezone and failed.rule == "quiet_hours":
        details["timezone"] = verdict.timezone
    return Blocked(MESSAGES[verdict.code or ""], code=verdict.code, **details)


def blocked_at_commit(code: str, gate: str) -> Callable[[list[Item | None]], Exception]:
    """Returns a factory for the error of a failed condition: something changed between the verdict and its commit."""
    return lambda _: Blocked(MESSAGES[code], code=code, gate=gate, reason="changed_meanwhile")


def verdict_writes(verdict: Verdict, subject_id: str) -> Put:
    """Returns the write that stores a verdict.

    The rules are compressed: the item stays below 1 KB, which halves the cost of the write.
    """
    place = {"pk": f"{verdict.org_id}#verdict#{subject_id}", "sk": verdict.evaluated_at}
    expires = int((clock.parse(verdict.evaluated_at) + FIVE_YEARS).timestamp())
    item = verdict.model_dump(mode="json")
    rules = zlib.compress(json.dumps(item["rules"], separators=(",", ":")).encode(), level=9)
    return Put(table="core", item={**place, **item, "rules": rules, "expires": expires})


def _read_verdict(item: Item) -> Verdict:
    rules = item["rules"]
    if isinstance(rules, bytes):  # old verdicts have uncompressed rules
        rules = json.loads(zlib.decompress(rules))
    return Verdict.model_validate({**item, "rules": rules})


def list_verdicts(org_id: str, subject_id: str, limit: int = 20) -> list[Verdict]:
    """Returns the verdicts on a call or message, latest first. A postponed call or message has several."""
    query = Query(table="core", partition=f"{org_id}#verdict#{subject_id}", forward=False)
    return [_read_verdict(item) for item in query.read_page(limit).items]
