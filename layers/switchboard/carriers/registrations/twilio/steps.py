"""The steps of a registration at Twilio, in their order, for companies and for sole proprietors.

Twilio's guide for software vendors has the same steps (docs/brands.md#twilio).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from switchboard.carriers.registrations.ports.registry import RegistrationOrder, RegistrationPart
from switchboard.carriers.registrations.twilio import attributes, bundles, registrations
from switchboard.carriers.registrations.twilio.attributes import SOLE_PROPRIETOR
from switchboard.carriers.registrations.twilio.bundles import TrustBundle
from switchboard.kit import settings

#: Does a step with the client of the account, and returns the id of its thing.
RegistrationStep = Callable[[Any, RegistrationOrder], str]
Steps = dict[str, RegistrationStep]

# Twilio's own ids of its policies. They are the same for all accounts.
_COMPANY_PROFILE = TrustBundle("customer_profile", "RNdfbf3fae0e1107f8aded0e7cead80bf5", "customer_profiles")
_COMPANY_A2P = TrustBundle("a2p_profile", "RNb0d4771c2c98518d916a3d4cd70a8f8b", "trust_products")
_STARTER_PROFILE = TrustBundle("customer_profile", "RN806dd6cd175f314e1f96a9727ee271f4", "customer_profiles")
_STARTER_A2P = TrustBundle("a2p_profile", "RN670d5d2e282a6130ae063b234b6019c8", "trust_products")


def _user(step: str, kind: str, facts: bundles.Attributes) -> Steps:
    return {step: lambda client, order: bundles.ensure_end_user(client, order, step, kind, facts)}


def _link(bundle: TrustBundle, step: str) -> Steps:
    """Returns the step that puts another step's thing into a bundle."""
    return {
        f"{step}_in_{bundle.step}": lambda client, order: bundles.ensure_assignment(
            client, order, bundle, order.sids[step]
        )
    }


def _primary_link(bundle: TrustBundle) -> Steps:
    """Returns the step that puts the profile of our own business into a bundle: it vouches for its customer."""
    return {
        "primary_profile": lambda client, order: bundles.ensure_assignment(
            client, order, bundle, settings.text("TWILIO_PRIMARY_PROFILE")
        )
    }


def _address(bundle: TrustBundle) -> Steps:
    return {
        "address": lambda client, order: bundles.ensure_address(client, order, "address"),
        "address_document": lambda client, order: bundles.ensure_document(client, order, "address_document", "address"),
        **_link(bundle, "address_document"),
    }


def _make(bundle: TrustBundle) -> Steps:
    return {bundle.step: partial(bundles.ensure_bundle, bundle=bundle)}


def _submit(bundle: TrustBundle) -> Steps:
    return {
        f"{bundle.step}_evaluation": partial(bundles.evaluate_bundle, bundle=bundle),
        f"{bundle.step}_review": partial(bundles.submit_bundle, bundle=bundle),
    }


def _await(bundle: TrustBundle) -> Steps:
    return {f"{bundle.step}_approval": partial(bundles.require_approval, bundle=bundle)}


def _person(bundle: TrustBundle) -> Steps:
    kind, facts = "starter_customer_profile_information", attributes.contact_attributes
    return {**_user("contact", kind, facts), **_link(bundle, "contact")}


def _business(bundle: TrustBundle) -> Steps:
    return {
        **_user("business", "customer_profile_business_information", attributes.business_attributes),
        **_link(bundle, "business"),
        **_user("representative", "authorized_representative_1", attributes.representative_attributes),
        **_link(bundle, "representative"),
    }


def _brand_steps(profile: TrustBundle, a2p: TrustBundle, people: Steps, facts: Steps) -> Steps:
    return {
        **_make(profile),
        **people,
        **_address(profile),
        **_primary_link(profile),
        **_submit(profile),
        **_make(a2p),
        **facts,
        **_link(a2p, next(iter(facts))),
        **_link(a2p, profile.step),
        **_submit(a2p),
        **_await(profile),
        **_await(a2p),
        "brand": registrations.ensure_brand,
    }


_COMPANY_STEPS = _brand_steps(
    _COMPANY_PROFILE,
    _COMPANY_A2P,
    _business(_COMPANY_PROFILE),
    _user("messaging", "us_a2p_messaging_profile_information", attributes.messaging_attributes),
)
_STARTER_STEPS = _brand_steps(
    _STARTER_PROFILE,
    _STARTER_A2P,
    _person(_STARTER_PROFILE),
    _user("proprietor", "sole_proprietor_information", attributes.sole_proprietor_attributes),
)
_CAMPAIGN_STEPS: Steps = {
    "messaging_service": registrations.ensure_service,
    "campaign": registrations.ensure_campaign,
}


def steps_of(order: RegistrationOrder, part: RegistrationPart) -> Steps:
    """Returns the steps of a part of a registration, in their order."""
    if part == "campaign":
        return _CAMPAIGN_STEPS
    return _STARTER_STEPS if order.brand["entity_type"] == SOLE_PROPRIETOR else _COMPANY_STEPS
