"""The telephone numbers that a flow may transfer calls to.

The line dials such a number at our cost, without the gate: the caller asked for it. So a number must be in a country
that transfers reach (setting `TRANSFER_COUNTRIES`, ISO 3166 codes with commas), and must not be costly. Fraudsters
have platforms call numbers that pay them. It must not be on the organization's do-not-call list, and not be a number of
the organization itself: its calls would come back to us, and never end.

A change of a flow is refused with the entry. Each transfer checks the number again, because lists and numbers change.
"""

from __future__ import annotations

from collections.abc import Mapping

from switchboard.compliance import ledgers, phone
from switchboard.compliance.data.area_codes import TERRITORIES
from switchboard.errors import Invalid
from switchboard.flows.source import PathError
from switchboard.kit import settings
from switchboard.numbers import service as numbers

#: The countries whose calls cost about what a minute is sold for.
_USUAL_COUNTRIES = "US,CA"


def find_number_problem(e164: str) -> str | None:
    """Returns why no call of any organization is transferred to a number, or `None`. Raises Invalid."""
    if phone.is_costly(e164):
        return "is a premium-rate, shared-cost, personal or satellite number: use another number"
    reached = [code.strip() for code in settings.text("TRANSFER_COUNTRIES", _USUAL_COUNTRIES).upper().split(",")]
    region = phone.parse(e164).region
    if region in reached or (region in TERRITORIES and "US" in reached):
        return None
    return f"is in a country that transfers do not reach: use a number of {', '.join(reached)}"


def find_target_problem(org_id: str, e164: str) -> str | None:
    """Returns why a call of the organization is not transferred to a number now, or `None`. Raises Invalid."""
    problem = find_number_problem(e164)
    if problem is not None:
        return problem
    if ledgers.is_blocked(org_id, e164):
        return "is on the do-not-call list of your organization: remove it there, or use another number"
    own = numbers.find_number_by_e164(e164)
    if own is not None and own.org_id == org_id:
        return "is a number of your organization: transfer to its flow instead"
    return None


def check_targets(org_id: str, transfer_map: Mapping[str, str]) -> None:
    """Raises PathError with the first label whose number is refused."""
    for label, e164 in transfer_map.items():
        try:
            problem = find_target_problem(org_id, e164)
        except Invalid as error:
            problem = "; ".join(error.details["fields"].values())
        if problem is not None:
            raise PathError((label,), problem)
