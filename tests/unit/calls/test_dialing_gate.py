"""No call is dialed against a failing rule, for any event between the request and the dialing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.calls import acceptance, dialing, service
from switchboard.calls.models import Order, Tier
from switchboard.carriers import voice
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Blocked
from switchboard.errors import DomainError
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: California, a code with two zones, a state with a cap, Rhode Island (short days), toll-free, an unassigned number.
NUMBERS = ["+14155512345", "+14234001234", "+13055512345", "+14015512345", "+18005512345", "+14155550142"]
SOURCES = [None, "business-relationship", "prior-express-consent", "hearsay"]
MEANWHILE = st.lists(
    st.sampled_from(["block", "opt-out", "half an hour", "eight minutes", "unblock", "opt-in"]), max_size=3
)


_tenants = count()


def apply_event(what: str, acme: Tenant, number: str, frozen: clock.FrozenClock) -> None:
    caller = acme.caller()
    actions: dict[str, Callable[[], object]] = {
        "block": lambda: ledgers.block_number(caller, number),
        "unblock": lambda: ledgers.unblock_number(caller, number),
        "opt-out": lambda: ledgers.record_opt_out(caller, number, "api"),
        "opt-in": lambda: ledgers.record_opt_in(caller, number),
        "half an hour": lambda: frozen.advance(minutes=30),
        "eight minutes": lambda: frozen.advance(minutes=8),
    }
    actions[what]()


@given(st.sampled_from(NUMBERS), st.sampled_from(SOURCES), st.integers(0, 7 * 48), MEANWHILE)
@example_settings(40, slow=True)
def test_no_call_is_ever_dialed_with_a_failing_rule(
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    number: str,
    source: str | None,
    half_hours: int,
    meanwhile: list[str],
) -> None:
    # Each example has its own organization, so that blocks of one example do not affect the next.
    acme = tenant(f"gate-{next(_tenants)}", PlanName.ENTERPRISE)
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    frozen.at = clock.parse("2026-03-04T00:00:00Z").timestamp() + half_hours * 1_800  # over a daylight-saving change
    order = Order(to=number, tier=Tier.BASIC, consent_source=source)
    org = organizations.get_organization(acme.org_id)
    try:
        call = service.place_call(acme.caller(), order)
    except Blocked:
        assert not compliance.evaluate(acceptance.contact_attempt(org, order)).allowed
        return
    except DomainError:
        pytest.fail("the gate alone refuses here")
    for what in meanwhile:
        apply_event(what, acme, number, frozen)
    allowed = compliance.evaluate(acceptance.contact_attempt(org, order, counted=True)).allowed
    dialing.dial_call(call.org_id, call.id)
    late = frozen.at - clock.parse(call.created_at).timestamp() > 600
    assert bool(carrier.dialed) is (allowed and not late)
