"""The tests' own IAM check: it reports calls that the topology does not grant, although the emulator allows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra import topology
from infra.resources import READ
from switchboard.aws import queues, reads, writes
from switchboard.aws.writes import ConditionCheck, Put, commit
from switchboard.kit.jobs import QueueMessage
from tests.integration.role import check_role

pytestmark = pytest.mark.usefixtures("cloud")

KEY = {"pk": "a", "sk": "b"}
WORKER = replace(topology.function("workers/email"), tables={"core": READ}, sends=())


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: reads.get_item("activity", KEY), "GetItem of activity"),
        (lambda: writes.write_item(Put(table="core", item=KEY)), "PutItem of core"),
        (
            lambda: commit(
                ConditionCheck(table="core", key=KEY, condition="attribute_not_exists(pk)"),
                Put(table="activity", item=KEY),
            ),
            "PutItem of activity",
        ),
        (
            lambda: queues.send_messages([QueueMessage(queue="email", body={}, group="org_1")]),
            "SendMessageBatch to email",
        ),
    ],
)
def test_a_denied_action_is_reported_by_name(act: Callable[[], object], told: str) -> None:
    with pytest.raises(AssertionError, match=told) as caught, check_role(WORKER):
        act()
    assert "ConditionCheck" not in str(caught.value)


def test_an_allowed_action_is_done() -> None:
    with check_role(WORKER):
        assert reads.get_item("core", KEY) is None
