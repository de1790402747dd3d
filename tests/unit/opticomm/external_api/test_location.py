"""The zone and state of the called person."""

from __future__ import annotations

import pytest

from switchboard.kit import clock
from tests.unit.opticomm.backend import Backend, code

TOLL_FREE = "+18005551234"


def test_a_request_may_give_the_zone_of_a_toll_free_number(live: Backend) -> None:
    refused = live.initiate(phone_number=TOLL_FREE)
    assert refused.status_code == 403
    assert "number_of_no_place" in refused.json()["message"]
    for stated in ({"time_zone": "America/New_York"}, {"recipient_state": "NY"}, {"recipient_state": "ny"}):
        assert live.initiate(phone_number=TOLL_FREE, **stated).status_code == 200
    assert code(live.initiate(phone_number=TOLL_FREE, recipient_state="New York")) == (400, "MISSING_FIELDS")


def test_a_stated_zone_and_state_only_narrow(live: Backend, frozen: clock.FrozenClock) -> None:
    # Noon in New York, seven in the morning in Honolulu.
    new_york = "+12125551234"
    assert live.initiate(phone_number=new_york).status_code == 200
    assert "outside_hours" in live.initiate(phone_number=new_york, time_zone="Pacific/Honolulu").json()["message"]
    frozen.advance(hours=9)
    assert "outside_hours" in live.initiate(phone_number=new_york, time_zone="Pacific/Honolulu").json()["message"]
    assert "outside_hours" in live.initiate(phone_number=new_york, recipient_state="HI").json()["message"]


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"time_zone": "Mars/Olympus"}, "recipient_zone_malformed"),
        ({"time_zone": "Factory"}, "recipient_zone_of_no_country"),
        ({"recipient_state": "ZZ"}, "recipient_state_unknown"),
    ],
)
def test_the_gate_refuses_an_invalid_zone_or_state(live: Backend, stated: dict[str, str], why: str) -> None:
    answer = live.initiate(phone_number="+12125551234", **stated)
    assert answer.status_code == 403
    assert why in answer.json()["message"]


def test_a_variable_of_that_name_stays_a_variable(live: Backend) -> None:
    asked = {"phone_number": "+12125551234", "variables": {"time_zone": "Mars", "recipient_state": "of mind"}}
    assert live.initiate(**asked).status_code == 200
