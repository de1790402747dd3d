"""`switchboard numbers`: the rent of numbers that were bought before rent was charged."""

from __future__ import annotations

import pytest

from switchboard.aws.writes import commit
from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.flows import assignments
from switchboard.kit import clock
from switchboard.numbers import store
from switchboard.numbers.purchases import NumberOrder
from switchboard.persistence.collection import next_version
from tests.actors import Tenant, tenant
from tests.unit.cli.conftest import Run


def test_numbers_are_listed_with_their_next_charge(run: Run, acme: Tenant, frozen: clock.FrozenClock) -> None:
    offered = get_inventory().search(NumberSearch(limit=1))[0]
    number = assignments.buy_number(acme.caller(master=True), NumberOrder(offered.e164))
    wanted = {
        "number": number.id,
        "e164": number.e164,
        "status": "active",
        "monthly_cost_cents": 200,
        "rent_since": "2026-01-15T17:00:00.000Z",
        "next_charge": "2026-02-15T17:00:00.000Z",
    }
    assert run("numbers", "list", acme.org_id, "--json").json == [wanted]
    commit(store.NUMBERS.save_write(next_version(number, rent=None)))
    frozen.advance(hours=24 * 40)
    (listed,) = run("numbers", "list", acme.org_id, "--json").json
    assert (listed["rent_since"], listed["next_charge"]) == (None, None)
    (begun,) = run("numbers", "begin-rent", acme.org_id, "--json").json
    assert begun == wanted | {"next_charge": "2026-03-15T17:00:00.000Z"}
    assert run("numbers", "begin-rent", acme.org_id, "--json").json == []
    assert run("numbers", "list", tenant("other").org_id, "--json").json == []


@pytest.mark.usefixtures("acme")
def test_an_unknown_organization_is_refused(run: Run) -> None:
    assert run("numbers", "begin-rent", "org_x").code == 1
