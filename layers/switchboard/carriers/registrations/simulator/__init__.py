"""A simulated registry: it approves a brand and a campaign after some seconds, and rejects some by rule.

It rejects a brand with one of TEST_EINS, or with the word "reject" in its legal name, because the tax number does not
fit the name, and a campaign with the word "reject" in its description. A sole proprietor with the word "unverified" in
the name of the brand answers only the second text of the registry. A review takes REGISTRATIONS_STEP_SECONDS (5 by
default). Then a signed form says that there is news (`forms`), and `fetch_review` says which.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import queues
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.registrations.ports.registry import (
    VERIFICATION_NEEDED,
    RegistrationOrder,
    RegistrationPart,
    RegistryIssue,
    RegistryReview,
)
from switchboard.carriers.registrations.simulator import forms, state
from switchboard.kit import clock, settings, texts

TEST_EINS = frozenset({"000000000", "111111111"})
_STEPS: dict[RegistrationPart, tuple[str, ...]] = {
    "brand": ("customer_profile", "brand"),
    "campaign": ("messaging_service", "campaign"),
}
#: The first letters of the ids at Twilio.
_PREFIXES = {"customer_profile": "BU", "brand": "BN", "messaging_service": "MG", "campaign": "QE"}
_WORD, _SILENT_WORD = "reject", "unverified"
_VERIFICATION = "verification"


class SimulatedBrandRegistry:
    """A registry without people."""

    name = "simulator"
    required_fields: frozenset[str] = frozenset()
    test_eins = TEST_EINS

    def next_step(self, order: RegistrationOrder, part: RegistrationPart) -> str | None:
        """Returns the first step that is not done."""
        return next((step for step in _STEPS[part] if step not in order.done), None)

    def perform_step(self, order: RegistrationOrder, step: str) -> str:
        """Takes a step. A repeated step of an attempt begins no second review."""
        sid = _PREFIXES[step] + texts.digest(f"{order.label}#{step}")[:32]
        if step in _STEPS and state.save_submission(order, step):
            queues.send_messages([forms.news_message(order.org_id, order.brand_id, _review_seconds())])
        return sid

    def fetch_review(self, order: RegistrationOrder, part: RegistrationPart) -> RegistryReview:
        """Returns the verdict, after the time of a review."""
        taken_at = state.find_submission(order, part)
        if taken_at and clock.now() < taken_at + timedelta(seconds=_review_seconds()):
            return RegistryReview("pending")
        if part == "brand" and _is_silent(order):
            message = "The registry sent a text to the sole proprietor, who has not answered it: have it sent again."
            return RegistryReview("pending", [RegistryIssue(VERIFICATION_NEEDED, message, "mobile_phone")])
        issues = _find_brand_issues(order) if part == "brand" else _find_campaign_issues(order)
        return RegistryReview("rejected" if issues else "approved", issues)

    def send_verification(self, order: RegistrationOrder) -> None:
        """Sends the second text, which every simulated person answers."""
        state.save_submission(order, _VERIFICATION)
        queues.send_messages([forms.news_message(order.org_id, order.brand_id, _review_seconds())])

    def add_number(self, order: RegistrationOrder, number_sid: str) -> None:  # noqa: ARG002 every number may join
        """Adds a number to an approved campaign."""
        if "messaging_service" not in order.sids:
            raise RefusedError("there is no campaign")


def _review_seconds() -> int:
    return settings.number("REGISTRATIONS_STEP_SECONDS", 5)


def _is_silent(order: RegistrationOrder) -> bool:
    """Whether a sole proprietor has not answered the text of the registry."""
    name = str(order.brand.get("display_name") or "").casefold()
    is_alone = order.brand.get("entity_type") == "SOLE_PROPRIETOR"
    return is_alone and _SILENT_WORD in name and state.find_submission(order, _VERIFICATION) is None


def _find_brand_issues(order: RegistrationOrder) -> list[RegistryIssue]:
    legal_name = str(order.brand.get("company_name") or order.brand.get("display_name") or "")
    if order.brand.get("ein") in TEST_EINS or _WORD in legal_name.casefold():
        return [RegistryIssue("TAX_ID", "The tax number does not belong to this legal name.", "ein")]
    return []


def _find_campaign_issues(order: RegistrationOrder) -> list[RegistryIssue]:
    if _WORD in str(order.campaign.get("description", "")).casefold():
        return [RegistryIssue("30886", "The description does not say what the texts are for.", "description")]
    return []
