"""The tests' own IAM: what the topology does not grant is told of, though the emulator does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra import topology
from infra.resources import READ
from switchboard.aws import queues, reads, writes
from switchboard.aws.writes import ConditionCheck, Put, commit
from switchboard.kit.jobs import QueueMessage
from tests.integration.role import held_to

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
def test_what_a_role_does_not_allow_is_told_of_by_name(act: Callable[[], object], told: str) -> None:
    with pytest.raises(AssertionError, match=told) as caught, held_to(WORKER):
        act()
    assert "ConditionCheck" not in str(caught.value)


def test_what_it_allows_is_done() -> None:
    with held_to(WORKER):
        assert reads.get_item("core", KEY) is None
