"""The tests' own IAM: what the topology does not grant is told of, though the emulator does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra import topology
from infra.topology import READ
from switchboard.aws import queue, table
from switchboard.aws.queue import Message
from switchboard.aws.table import Check, Put, commit
from tests.integration.role import held_to

pytestmark = pytest.mark.usefixtures("cloud")

KEY = {"pk": "a", "sk": "b"}
WORKER = replace(topology.function("workers/email"), tables={"core": READ}, sends=())


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: table.get("activity", KEY), "GetItem of activity"),
        (lambda: table.write(Put(table="core", item=KEY)), "PutItem of core"),
        (
            lambda: commit(
                Check(table="core", key=KEY, condition="attribute_not_exists(pk)"), Put(table="activity", item=KEY)
            ),
            "PutItem of activity",
        ),
        (lambda: queue.send([Message(queue="email", body={}, group="org_1")]), "SendMessageBatch to email"),
    ],
)
def test_what_a_role_does_not_allow_is_told_of_by_name(act: Callable[[], object], told: str) -> None:
    with pytest.raises(AssertionError, match=told) as caught, held_to(WORKER):
        act()
    assert "ConditionCheck" not in str(caught.value)


def test_what_it_allows_is_done() -> None:
    with held_to(WORKER):
        assert table.get("core", KEY) is None
