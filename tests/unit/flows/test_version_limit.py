"""Each change of a flow is kept for ever as a version, so a day has a limit of them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.errors import QuotaExceeded
from switchboard.flows import changes, service
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from tests.actors import tenant


def test_a_day_has_a_limit_of_versions(cloud: Any, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "VERSIONS_PER_DAY", 3)
    acme, other = tenant(), tenant("other")
    caller = acme.caller(master=True)
    settings = FlowSettings.model_validate({"name": "Front desk", "kind": "inbound", "greeting": "Hello."})
    flow = service.create_flow(caller, settings)
    changes.update_flow(caller, flow.id, {"name": "Desk"})
    copy = changes.duplicate_flow(caller, flow.id)
    for refused in (
        lambda: service.create_flow(caller, settings),
        lambda: changes.update_flow(caller, flow.id, {"name": "Front"}),
        lambda: changes.rollback_flow(caller, flow.id, 1),
        lambda: changes.duplicate_flow(caller, copy.id),
    ):
        with pytest.raises(QuotaExceeded) as limit:
            refused()
        assert (limit.value.code, limit.value.details["cap"]) == ("daily_cap", 3)
    assert changes.update_flow(caller, flow.id, {"name": "Desk"}).version == 2
    service.create_flow(other.caller(master=True), settings)
    frozen.advance(days=1)
    assert changes.update_flow(caller, flow.id, {"name": "Front"}).version == 3


def test_the_versions_of_a_day_are_no_flood(cloud: Any) -> None:
    """All of them together have at most so many bytes, although nothing deletes them."""
    from switchboard.flows.rules import MAX_FLOW_BYTES

    assert service.VERSIONS_PER_DAY * MAX_FLOW_BYTES <= 100_000_000
