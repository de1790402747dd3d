"""Every operation of the four documents has a request that succeeds. The generated clients and the fuzzer send it."""

from __future__ import annotations

import pytest

from tests.contract.every import ASKS, SPECS


@pytest.mark.parametrize("api", SPECS)
def test_every_operation_has_a_request(api: str) -> None:
    missing = SPECS[api].operations.keys() - ASKS[api].keys()
    unknown = ASKS[api].keys() - SPECS[api].operations.keys()
    place = {
        "hum": "GOOD, OWN or PUBLIC of a module in tests/contract/asks/",
        "anima": "GOOD in tests/contract/world.py",
    }
    told = place.get(api, "ASKS in tests/contract/every.py")
    assert not missing, f"add a request for {sorted(missing)} to {told}"
    assert not unknown, f"remove {sorted(unknown)} from {told}: the document has no such operation"
