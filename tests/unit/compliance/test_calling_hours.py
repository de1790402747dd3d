"""An organization's own calling hours."""

from __future__ import annotations

import pytest

from switchboard.accounts import organizations
from switchboard.aws.reads import Query
from switchboard.compliance import calling_hours
from switchboard.errors import Invalid, NotFound
from tests.actors import tenant, with_effect

pytestmark = pytest.mark.usefixtures("cloud")


def test_hours_can_be_set_read_and_removed_with_events() -> None:
    acme = tenant()
    caller = acme.caller(master=True)
    assert calling_hours.get_calling_hours(acme.org_id) is None
    found = calling_hours.set_calling_hours(caller, "09:30", "18:00")
    assert found == calling_hours.get_calling_hours(acme.org_id)
    assert found is not None
    assert (found.start, found.end) == ("09:30", "18:00")
    assert organizations.get_organization(acme.org_id).calling_hours == {"start": "09:30", "end": "18:00"}
    assert calling_hours.set_calling_hours(caller, None, None) is None
    assert calling_hours.get_calling_hours(acme.org_id) is None
    chain = f"{acme.org_id}#chain#{caller.correlation_id}"
    data = [
        item["data"] for item in Query(table="activity", partition=chain).read_all() if "calling_hours" in item["type"]
    ]
    assert data == [{"start": "09:30", "end": "18:00"}, {"start": None, "end": None}]


def test_a_repeated_request_sets_the_hours_once() -> None:
    acme = tenant()
    once = with_effect(acme.caller(master=True), "again")
    for _ in range(2):
        calling_hours.set_calling_hours(once, "10:00", "17:00", once.effect)
    chain = f"{acme.org_id}#chain#{once.correlation_id}"
    assert len([item for item in Query(table="activity", partition=chain).read_all() if "calling" in item["type"]]) == 1


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("9:00", "18:00", "start"),
        ("09:00", "25:00", "end"),
        ("18:00", "09:00", "end"),
        ("09:00", "09:00", "end"),
        ("09:00", None, "end"),
        (None, "18:00", "start"),
        ("", "", "start"),
        ("21:00", "23:00", "start"),
        ("06:00", "08:00", "start"),
    ],
)
def test_invalid_hours_are_refused_with_their_field(start: str | None, end: str | None, field: str) -> None:
    acme = tenant()
    with pytest.raises(Invalid) as refusal:
        calling_hours.set_calling_hours(acme.caller(master=True), start, end)
    assert refusal.value.code == "hours_invalid"
    assert field in refusal.value.details["fields"]
    assert calling_hours.get_calling_hours(acme.org_id) is None


@pytest.mark.parametrize(("start", "end"), [("20:59", "24:00"), ("00:00", "08:01"), ("00:00", "24:00")])
def test_hours_of_one_minute_are_accepted(start: str, end: str) -> None:
    assert calling_hours.set_calling_hours(tenant().caller(master=True), start, end)


def test_an_unknown_organization_is_not_found() -> None:
    with pytest.raises(NotFound):
        calling_hours.get_calling_hours("org_none")
