"""The last steps of a registration at Twilio: the brand, its messaging service, and the campaign; and their reviews."""

from __future__ import annotations

from functools import partial
from typing import Any

from switchboard import telemetry
from switchboard.carriers.outcomes import RefusedError
from switchboard.carriers.registrations.ports.registry import (
    VERIFICATION_NEEDED,
    RegistrationOrder,
    RegistrationRefusedError,
    RegistryIssue,
    RegistryReview,
)
from switchboard.carriers.registrations.twilio.attributes import SOLE_PROPRIETOR
from switchboard.carriers.registrations.twilio.bundles import list_errors, name_thing
from switchboard.carriers.registrations.twilio.client import MAX_LISTED, require_answer, write_once
from switchboard.carriers.twilio_client import ask_twilio
from switchboard.kit import clock

_BRAND_OUTCOMES = {"APPROVED": "approved", "FAILED": "rejected", "SUSPENDED": "rejected"}
#: Twilio documents a suspended campaign by the error 30990 only. A brand that is suspended has the state SUSPENDED.
_CAMPAIGN_OUTCOMES = {
    "PENDING": "pending",
    "IN_PROGRESS": "pending",
    "VERIFIED": "approved",
    "FAILED": "rejected",
    "SUSPENDED": "rejected",
}
_SUSPENDED = RegistryIssue(
    "30990",
    "The campaign is suspended, and its texts are halted: correct what Twilio's notice names, and contact its support.",
)
#: The identities of a sole proprietor who answered the text with the code.
_VERIFIED = frozenset({"VERIFIED", "VETTED_VERIFIED"})
#: The fields that Twilio's feedback about a brand means.
_FEEDBACK = {
    "TAX_ID": ("The tax number does not belong to this legal name.", "ein"),
    "STOCK_SYMBOL": ("The stock symbol does not belong to this company.", "stock_symbol"),
    "NONPROFIT": ("The registry does not find this non-profit organization.", "entity_type"),
    "GOVERNMENT_ENTITY": ("The registry does not find this government entity.", "entity_type"),
    "OTHERS": ("The registry could not verify the business.", None),
}
#: The number is in this messaging service already, or is being added to it.
_ADDED = frozenset({"21710", "21711"})


_VERIFICATION = RegistryIssue(
    VERIFICATION_NEEDED,
    "The registry sent a text to the mobile number of the sole proprietor: answer it with YES within 24 hours. After"
    " that, have it sent again.",
    "mobile_phone",
)


def ensure_brand(client: Any, order: RegistrationOrder) -> str:
    """Registers the brand, or submits the rejected one of an earlier attempt again. Each registration costs a fee."""
    brands = client.messaging.v1.brand_registrations
    known = order.sids.get("brand")
    # A brand that Twilio no longer has is registered like a new one.
    if known and (found := ask_twilio((resource := brands(known)).fetch)):
        # A brand that changed since this attempt began was submitted by it.
        if found.status == "FAILED" and not _changed_since(found, order.begun_at):
            write_once(resource.update)
        return known
    profile, a2p = order.sids["customer_profile"], order.sids["a2p_profile"]
    found = require_answer(lambda: brands.list(limit=MAX_LISTED))
    if same := next((one for one in found if one.a2p_profile_bundle_sid == a2p), None):
        return str(same.sid)
    given: dict[str, Any] = {}
    if order.brand["entity_type"] == SOLE_PROPRIETOR:
        given["brand_type"] = SOLE_PROPRIETOR
    elif order.campaign.get("usecase") == "LOW_VOLUME":
        # A brand of low volume has no secondary vetting, and costs less.
        given["skip_automatic_sec_vet"] = True
    made = write_once(lambda: brands.create(customer_profile_bundle_sid=profile, a2p_profile_bundle_sid=a2p, **given))
    return str(made.sid)


def _changed_since(found: Any, begun_at: str) -> bool:
    return found.date_updated is not None and found.date_updated >= clock.parse(begun_at)


def ensure_service(client: Any, order: RegistrationOrder) -> str:
    """Makes the messaging service of the campaign. Texts in still go to the address of their number."""
    services, name = client.messaging.v1.services, name_thing(order, "messaging_service")[:64]
    known = order.sids.get("messaging_service")
    if known and ask_twilio(services(known).fetch):
        return known
    found = require_answer(lambda: services.list(limit=MAX_LISTED))
    if same := next((one for one in found if one.friendly_name == name), None):
        return str(same.sid)
    made = write_once(lambda: services.create(friendly_name=name, use_inbound_webhook_on_number=True))
    return str(made.sid)


def ensure_campaign(client: Any, order: RegistrationOrder) -> str:
    """Registers the campaign, or submits the rejected one of an earlier attempt again with the new facts.

    Twilio edits all but the use case and the answers to keywords. If these change, the rejected campaign is removed
    first, because a service has one.
    """
    campaigns = client.messaging.v1.services(order.sids["messaging_service"]).us_app_to_person
    old = order.sids.get("campaign")
    for one in require_answer(lambda: campaigns.list(limit=MAX_LISTED)):
        if one.sid != old or one.campaign_status != "FAILED" or _changed_since(one, order.begun_at):
            return str(one.sid)
        facts = _campaign_facts(order)
        if all(_same(getattr(one, name, None), facts.get(name)) for name in _FIXED):
            write_once(partial(campaigns(old).update, **_edited_facts(facts)))
            return str(old)
        ask_twilio(lambda: campaigns(old).delete())
    return str(write_once(lambda: campaigns.create(**_campaign_facts(order))).sid)


_EDITABLE = (
    *("description", "message_flow", "message_samples", "has_embedded_links", "has_embedded_phone", "age_gated"),
    *("direct_lending", "privacy_policy_url", "terms_and_conditions_url"),
)
_FIXED = (
    *("us_app_to_person_usecase", "opt_in_message", "opt_out_message", "help_message", "opt_in_keywords"),
    *("opt_out_keywords", "help_keywords"),
)


def _edited_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Returns what an edit of a campaign sends. Twilio asks for both flags."""
    return {"age_gated": False, "direct_lending": False, **{name: facts[name] for name in _EDITABLE if name in facts}}


def _same(kept: Any, given: Any) -> bool:
    """Whether Twilio keeps a fact as it is given now. Twilio fills in its own answers to keywords."""
    return given is None or kept == given


def _campaign_facts(order: RegistrationOrder) -> dict[str, Any]:
    campaign = order.campaign
    facts: dict[str, Any] = {
        "brand_registration_sid": order.sids["brand"],
        "description": campaign["description"],
        "message_flow": campaign["message_flow"],
        "message_samples": campaign["samples"],
        "us_app_to_person_usecase": campaign["usecase"],
        "has_embedded_links": campaign["embedded_link"],
        "has_embedded_phone": campaign["embedded_phone"],
        "opt_in_message": campaign.get("optin_message"),
        "opt_out_message": campaign.get("optout_message"),
        "help_message": campaign.get("help_message"),
        "opt_in_keywords": campaign.get("optin_keywords"),
        "opt_out_keywords": campaign.get("optout_keywords"),
        "help_keywords": campaign.get("help_keywords"),
        "subscriber_opt_in": campaign.get("subscriber_optin"),
        "age_gated": campaign.get("age_gated"),
        "direct_lending": campaign.get("direct_lending"),
        "privacy_policy_url": campaign.get("privacy_policy_url"),
        "terms_and_conditions_url": campaign.get("terms_and_conditions_url"),
    }
    return {name: value for name, value in facts.items() if value is not None}


def review_brand(client: Any, order: RegistrationOrder) -> RegistryReview:
    """Returns the registry's verdict on the brand."""
    found = ask_twilio(client.messaging.v1.brand_registrations(order.sids["brand"]).fetch)
    if found is None:
        return RegistryReview("rejected", [RegistryIssue("gone", "Twilio no longer has the brand.")])
    outcome = _BRAND_OUTCOMES.get(str(found.status), "pending")
    # No campaign is accepted before the person answered (Twilio's errors 30752 and 30991).
    if outcome == "approved" and found.brand_type == SOLE_PROPRIETOR and found.identity_status not in _VERIFIED:
        return RegistryReview("pending", [_VERIFICATION])
    if outcome != "rejected":
        return RegistryReview("approved" if outcome == "approved" else "pending")
    feedback = [
        RegistryIssue(code, *_FEEDBACK[code]) for code in map(str, found.brand_feedback or []) if code in _FEEDBACK
    ]
    return RegistryReview("rejected", feedback or list_errors(found.errors))


def send_code(client: Any, order: RegistrationOrder) -> None:
    """Has Twilio send the text with a new code to the sole proprietor."""
    write_once(client.messaging.v1.brand_registrations(order.sids["brand"]).brand_registration_otps.create)


def review_campaign(client: Any, order: RegistrationOrder) -> RegistryReview:
    """Returns the registry's verdict on the campaign."""
    service = client.messaging.v1.services(order.sids["messaging_service"])
    found = ask_twilio(service.us_app_to_person(order.sids["campaign"]).fetch)
    if found is None:
        return RegistryReview("rejected", [RegistryIssue("gone", "Twilio no longer has the campaign.")])
    status = str(found.campaign_status)
    outcome = _CAMPAIGN_OUTCOMES.get(status)
    if outcome is None:
        # An operator has to look: the campaign may be halted, and nobody else would learn it.
        telemetry.emit_metric("RegistryStatusUnknown")
        telemetry.logger().error("unknown state of a campaign", extra={"org_id": order.org_id, "status": status})
    if outcome != "rejected":
        return RegistryReview("approved" if outcome == "approved" else "pending")
    suspended = status == "SUSPENDED" and not found.errors
    return RegistryReview("rejected", [_SUSPENDED] if suspended else list_errors(found.errors))


def add_sender(client: Any, order: RegistrationOrder, number_sid: str) -> None:
    """Adds a number to the messaging service of the campaign."""
    service = order.sids.get("messaging_service")
    if service is None:
        raise RefusedError("there is no campaign")
    try:
        write_once(lambda: client.messaging.v1.services(service).phone_numbers.create(phone_number_sid=number_sid))
    except RegistrationRefusedError as refused:
        if not _ADDED & {issue.code for issue in refused.issues}:
            raise
