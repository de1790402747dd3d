"""Steps of a registration that make, fill and submit a bundle of TrustHub: a customer profile, or an A2P profile.

TrustHub lists things by their names. A step that may have been done without an answer looks for its thing first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from switchboard.carriers.registrations.ports.registry import (
    RegistrationOrder,
    RegistrationRefusedError,
    RegistryIssue,
    ReviewPendingError,
)
from switchboard.carriers.registrations.twilio import urls
from switchboard.carriers.registrations.twilio.client import MAX_LISTED, require_answer, write_once

Attributes = Callable[[Mapping[str, Any]], dict[str, str]]
_IN_REVIEW = frozenset({"pending-review", "in-review"})
_APPROVED, _REJECTED = "twilio-approved", "twilio-rejected"


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """A bundle: the step that makes it, its policy, and its place in the SDK."""

    step: str
    policy: str
    #: `customer_profiles` or `trust_products`.
    collection: str

    def resources(self, client: Any) -> Any:
        """Returns the list of bundles of this kind."""
        return getattr(client.trusthub.v1, self.collection)

    def resource(self, client: Any, order: RegistrationOrder) -> Any:
        """Returns the bundle of this registration."""
        return self.resources(client)(order.sids[self.step])

    def assignments(self, client: Any, order: RegistrationOrder) -> Any:
        """Returns the list of what is in the bundle."""
        return getattr(self.resource(client, order), f"{self.collection}_entity_assignments")

    def evaluations(self, client: Any, order: RegistrationOrder) -> Any:
        """Returns the list of the bundle's checks."""
        return getattr(self.resource(client, order), f"{self.collection}_evaluations")


def name_thing(order: RegistrationOrder, step: str) -> str:
    """Returns the name of a step's thing, by which a look-up knows it."""
    return f"{order.label} {step}"


def ensure_bundle(client: Any, order: RegistrationOrder, bundle: TrustBundle) -> str:
    """Makes a bundle. Twilio posts its changes to the deployment."""
    if known := order.sids.get(bundle.step):
        return known
    name, resources = name_thing(order, bundle.step), bundle.resources(client)
    found = require_answer(lambda: resources.list(friendly_name=name, limit=MAX_LISTED))
    if same := next((one for one in found if one.friendly_name == name), None):
        return str(same.sid)
    url = urls.status_url(order.org_id, order.brand_id)
    given = {"status_callback": url} if url else {}
    made = write_once(
        lambda: resources.create(friendly_name=name, email=order.brand["email"], policy_sid=bundle.policy, **given)
    )
    return str(made.sid)


def ensure_end_user(client: Any, order: RegistrationOrder, step: str, kind: str, attributes: Attributes) -> str:
    """Makes an end user with the brand's facts, or gives the facts to the one of an earlier attempt."""
    users, facts, name = client.trusthub.v1.end_users, attributes(order.brand), name_thing(order, step)
    sid = order.sids.get(step)
    if sid is None:
        found = require_answer(lambda: users.list(limit=MAX_LISTED))
        sid = next((one.sid for one in found if one.friendly_name == name), None)
    if sid is None:
        return str(write_once(lambda: users.create(friendly_name=name, type=kind, attributes=facts)).sid)
    write_once(lambda: users(sid).update(attributes=facts))
    return str(sid)


def ensure_address(client: Any, order: RegistrationOrder, step: str) -> str:
    """Makes the address of the business, or changes the one of an earlier attempt."""
    brand, name = order.brand, name_thing(order, step)
    facts = {
        "customer_name": str(brand.get("company_name") or brand["display_name"]),
        "street": brand["street"],
        "city": brand["city"],
        "region": brand["state"],
        "postal_code": brand["postal_code"],
        "friendly_name": name,
    }
    sid = order.sids.get(step)
    if sid is None:
        found = require_answer(lambda: client.addresses.list(friendly_name=name, limit=MAX_LISTED))
        sid = next((one.sid for one in found if one.friendly_name == name), None)
    if sid is None:
        return str(write_once(lambda: client.addresses.create(iso_country=brand["country"], **facts)).sid)
    write_once(lambda: client.addresses(sid).update(**facts))
    return str(sid)


def ensure_document(client: Any, order: RegistrationOrder, step: str, address_step: str) -> str:
    """Makes the document that names the address."""
    if known := order.sids.get(step):
        return known
    documents, name = client.trusthub.v1.supporting_documents, name_thing(order, step)
    found = require_answer(lambda: documents.list(limit=MAX_LISTED))
    if same := next((one for one in found if one.friendly_name == name), None):
        return str(same.sid)
    facts = {"address_sids": order.sids[address_step]}
    made = write_once(lambda: documents.create(friendly_name=name, type="customer_profile_address", attributes=facts))
    return str(made.sid)


def ensure_assignment(client: Any, order: RegistrationOrder, bundle: TrustBundle, object_sid: str) -> str:
    """Puts a thing into a bundle."""
    assignments = bundle.assignments(client, order)
    found = require_answer(lambda: assignments.list(limit=MAX_LISTED))
    if same := next((one for one in found if one.object_sid == object_sid), None):
        return str(same.sid)
    return str(write_once(lambda: assignments.create(object_sid=object_sid)).sid)


def evaluate_bundle(client: Any, order: RegistrationOrder, bundle: TrustBundle) -> str:
    """Has Twilio check a bundle against its policy. Raises RegistrationRefusedError with what is missing."""
    checked = write_once(lambda: bundle.evaluations(client, order).create(policy_sid=bundle.policy))
    if checked.status != "compliant":
        raise RegistrationRefusedError(_list_gaps(checked.results))
    return str(checked.sid)


def _list_gaps(results: Any) -> list[RegistryIssue]:
    """Returns what an evaluation found to be wrong."""
    gaps = [
        RegistryIssue(
            str(gap.get("error_code") or "noncompliant"),
            str(gap.get("failure_reason") or f"{gap.get('object_field')} is missing or not valid")[:500],
            gap.get("object_field"),
        )
        for result in (results or [])
        if isinstance(result, dict)
        for gap in (result.get("invalid") or [])
        if isinstance(gap, dict)
    ]
    return gaps or [RegistryIssue("noncompliant", "Twilio says that the business's facts are not complete.")]


def submit_bundle(client: Any, order: RegistrationOrder, bundle: TrustBundle) -> str:
    """Submits a bundle for Twilio's review, if it is not there already."""
    resource = bundle.resource(client, order)
    found = require_answer(resource.fetch)
    if found.status not in _IN_REVIEW:
        write_once(lambda: resource.update(status="pending-review"))
    return order.sids[bundle.step]


def require_approval(client: Any, order: RegistrationOrder, bundle: TrustBundle) -> str:
    """Returns a bundle that Twilio approved. Raises ReviewPendingError, and RegistrationRefusedError."""
    found = require_answer(bundle.resource(client, order).fetch)
    if found.status == _REJECTED:
        raise RegistrationRefusedError(list_errors(found.errors))
    if found.status != _APPROVED:
        raise ReviewPendingError(f"the bundle is {found.status}")
    return order.sids[bundle.step]


def list_errors(errors: Any) -> list[RegistryIssue]:
    """Returns the errors of a bundle, a brand or a campaign. Twilio describes them in several forms."""
    issues = []
    for error in errors or []:
        if not isinstance(error, dict):
            issues.append(RegistryIssue("rejected", str(error)[:500]))
            continue
        fields = error.get("fields") or []
        code = error.get("error_code") or error.get("code") or "rejected"
        text = error.get("description") or error.get("error_message") or error.get("message") or code
        issues.append(RegistryIssue(str(code), str(text)[:500], str(fields[0]) if fields else None))
    return issues or [RegistryIssue("rejected", "Twilio rejected it and gives no reason.")]
