"""Who may watch what, and from where on."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from switchboard.accounts.models import Caller
from switchboard.aws import session, settings
from switchboard.errors import NotFound, RateLimited
from switchboard.streams import service
from switchboard.streams.models import Subscription
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.streams.conftest import entry, happen


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    made = tenant()
    happen(made, 3)
    return made


def subscribe(caller: Caller, **options: Any) -> Subscription:
    wanted: dict[str, Any] = {"channel": None, "agent_id": None, "last_seen": None, "address": "203.0.113.7"}
    return service.subscribe(caller, **(wanted | options))


def test_a_stream_begins_at_the_end_of_the_chain_or_where_its_client_says(acme: Tenant) -> None:
    caller = acme.caller(master=True)
    assert (subscribe(caller).after, subscribe(caller).resumed) == (3, False)
    for seen in (0, 1, 3):
        resumed = subscribe(caller, last_seen=seen)
        assert (resumed.after, resumed.head, resumed.resumed) == (seen, 3, True)


def test_a_number_that_the_chain_never_reached_is_taken_for_its_end(acme: Tenant) -> None:
    found = subscribe(acme.caller(), last_seen=4)
    assert (found.after, found.resumed) == (3, False)


def test_a_link_that_is_seen_before_the_head_moves_counts(acme: Tenant) -> None:
    with patch("switchboard.audit.service.head", return_value=type("Head", (), {"seq": 2})):
        assert subscribe(acme.caller(), last_seen=3).after == 3


def test_an_agent_key_sees_its_own_agent_only(acme: Tenant) -> None:
    assert subscribe(acme.caller()).selection.agent_id == acme.agent_id
    assert subscribe(acme.caller(), agent_id=acme.agent_id).selection.agent_id == acme.agent_id
    with pytest.raises(NotFound):
        subscribe(acme.caller(), agent_id="agt_other")


def test_a_master_key_sees_all_or_one_of_its_agents(acme: Tenant) -> None:
    other = tenant("other")
    caller = acme.caller(master=True)
    assert subscribe(caller).selection.agent_id is None
    assert subscribe(caller, agent_id=acme.agent_id).selection.agent_id == acme.agent_id
    for foreign in (other.agent_id, "agt_none", ""):
        with pytest.raises(NotFound):
            subscribe(caller, agent_id=foreign)


def test_a_selection_is_by_agent_and_by_channel(acme: Tenant) -> None:
    wanted = subscribe(acme.caller(), channel="voice").selection
    mine = acme.agent_id
    assert wanted.takes(entry(1, "voice", mine))
    assert not any(map(wanted.takes, (entry(1, "email", mine), entry(1, "voice", "agt_x"), entry(1, "voice", None))))


def test_the_plan_says_how_many_may_be_open(cloud: dict[str, str]) -> None:
    caller = tenant("small", open_streams=2).caller()
    first = subscribe(caller)
    subscribe(caller)
    with pytest.raises(RateLimited) as refused:
        subscribe(caller)
    assert (refused.value.code, refused.value.details["limit"]) == ("open_streams", 2)
    service.release(first)
    subscribe(caller)


def test_a_client_that_comes_again_takes_its_own_place(cloud: dict[str, str]) -> None:
    made = tenant("small", open_streams=1)
    first = subscribe(made.caller())
    for foreign in ({"address": "198.51.100.1"}, {"channel": "email"}):
        with pytest.raises(RateLimited):
            subscribe(made.caller(), last_seen=0, **foreign)
    again = subscribe(made.caller(), last_seen=0)
    assert service.renew(made.org_id, [first.id, again.id]) == {first.id}


def test_without_the_limiters_table_a_stream_opens(acme: Tenant) -> None:
    caller = acme.caller()
    session.client("dynamodb").delete_table(TableName=settings.table("ratelimit"))
    assert subscribe(caller).after == 3


def test_a_stream_is_refused_while_the_limiters_item_is_throttled(acme: Tenant) -> None:
    caller = acme.caller()
    Sabotage().fail("UpdateItem", "ProvisionedThroughputExceededException", times=100)
    with pytest.raises(RateLimited) as refused:
        subscribe(caller)
    assert (refused.value.code, refused.value.details["retry_after"]) == ("open_streams", 1)


def test_what_is_read_has_no_gap(acme: Tenant) -> None:
    happen(acme, 5)
    documents = list(service.audit.export(acme.org_id, 0, 100))
    # A transaction that is half done: one link is there, the one before it is not yet.
    with patch("switchboard.audit.service.export", return_value=iter([*documents[:4], *documents[5:]])):
        assert [found.seq for found in service.read(acme.org_id, 0, 100)] == [1, 2, 3, 4]
    assert [found.seq for found in service.read(acme.org_id, 2, 3)] == [3, 4, 5]
    assert service.read(acme.org_id, 8, 10) == []
