"""Items of numbers, and of people who call them at the simulator."""

from __future__ import annotations

from switchboard.calls import inbound
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.carriers.twilio_subaccounts import save_subaccount
from switchboard.carriers.voice.ports.incoming import IncomingCall
from switchboard.carriers.voice.simulator import caller_state
from switchboard.carriers.voice.simulator.caller_state import SimulatedCaller
from switchboard.flows import assignments, service
from switchboard.flows.models import FlowSettings
from switchboard.numbers.purchases import NumberOrder
from tests.actors import Tenant, member


def live(acme: Tenant) -> None:
    """Writes one item of each kind."""
    admin = member(acme.org_id, name="Buyer")
    flow = service.create_flow(admin, FlowSettings(name="Line"))
    offered = get_inventory().search(NumberSearch(limit=1))[0]
    number = assignments.buy_number(admin, NumberOrder(offered.e164, "Main line", flow.id))
    inbound.answer_call(number, IncomingCall(f"CA{'2' * 32}", "+14155550142", number.e164))
    caller = SimulatedCaller(
        org_id=acme.org_id,
        call_sid=f"CA{'1' * 32}",
        number_id=number.id,
        from_number="+14155550142",
        to_number=number.e164,
        says=["Hello?"],
    )
    caller_state.save_caller(caller, before=None)
    caller_state.save_recording(acme.org_id, caller.call_sid, f"RE{'1' * 32}", ["Hello?"])
    # Only an account at Twilio has subaccounts.
    save_subaccount(acme.org_id, f"AC{'1' * 32}")
