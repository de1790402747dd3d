"""The local queues are fair, as those of SQS are: a backlog of one organization delays no other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from infra.local.engine_host import make_queues_fair, order_fairly

NOW = 1_000.0


def message(name: str, group: str | None, *, held: bool = False, due: float = 0) -> dict[str, Any]:
    return {
        "id": name,
        "group_id": group,
        "visible_at": NOW + 30 if held else NOW + due,
        "receive_count": int(held),
    }


def order(*messages: dict[str, Any]) -> list[str]:
    return [one["id"] for one in order_fairly(list(messages), NOW)]


def test_an_organization_with_few_messages_in_flight_comes_first() -> None:
    busy = [message(f"busy-{number}", "busy", held=number < 20) for number in range(50)]
    assert order(*busy, message("quiet", "quiet"))[:2] == ["quiet", "busy-20"]


def test_organizations_take_turns_and_keep_their_own_order() -> None:
    found = order(*(message(f"{group}{number}", group) for group in "ab" for number in range(3)))
    assert found == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_hidden_messages_stay_hidden_and_those_without_a_group_are_one() -> None:
    assert order(message("later", "a", due=5), message("one", None), message("two", None)) == ["one", "two"]


def test_fifo_queues_are_left_alone() -> None:
    asked: list[list[str]] = []

    def collect(queue: dict[str, Any], most: int, hidden_seconds: int) -> list[dict[str, Any]]:
        asked.append([one["id"] for one in queue["messages"]])
        assert hidden_seconds == 30
        return list(queue["messages"][:most])

    sqs = SimpleNamespace(_collect_msgs=collect, _ensure_msg_fields=lambda _: None)
    make_queues_fair(sqs)
    kept = [message("a0", "a"), message("a1", "a"), message("b0", "b")]
    assert len(sqs._collect_msgs({"is_fifo": False, "messages": kept}, 2, 30)) == 2
    sqs._collect_msgs({"is_fifo": True, "messages": kept}, 2, 30)
    assert asked == [["a0", "b0"], ["a0", "a1", "b0"]]
