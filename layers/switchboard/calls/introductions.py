"""Says who calls, before our own artificial voice says anything else to a person whom we called."""

from __future__ import annotations

from switchboard.accounts import organizations
from switchboard.calls import acceptance, talks
from switchboard.calls.models import Call
from switchboard.compliance import disclosures


def introduce(call: Call, text: str) -> str:
    """Returns a text of ours with who calls before it: 47 CFR 64.1200(b)(1) asks for the identity at the beginning.

    A caller knows whom they called, so a text for a caller stays as it is.
    """
    if call.direction == "INBOUND":
        return text
    org = organizations.get_organization(call.org_id)
    # A key is not heard while this text is spoken. The talk names it.
    needs = disclosures.find_required(acceptance.contact_attempt(org, call.order))
    needs = needs._replace(identity=True, opt_out=False)
    return disclosures.add_disclosures(text, needs, org.name, talks.find_language(call))
