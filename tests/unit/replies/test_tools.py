"""The tools of the AI in texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.mcp_servers.tools import UNTRUSTED
from switchboard.outbound.client import TimedOutError
from switchboard.outbound.loops import LOOP_HEADER
from switchboard.replies import tools
from switchboard.replies.repliers.models import ToolCall, ToolResult
from switchboard.replies.tools import Effects

LOOK_UP = {
    "name": "look_up",
    "url": "https://shop.example/orders?shop=1",
    "parameters": {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]},
}


def _flow(**settings: Any) -> Flow:
    now = clock.now_iso()
    return Flow(id="f", org_id="org_1", name="Desk", created_at=now, updated_at=now, **settings)


class _Shop:
    """A customer's server, in place of the guarded client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int = 200, body: bytes = b'{"state":"sent"}') -> None:
        self.asked: list[tuple[str, Mapping[str, str], bytes | None]] = []
        self.answer: tuple[int, bytes] | Exception = (status, body)
        monkeypatch.setattr(tools, "_request", self.request)

    async def request(self, url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        self.asked.append((url, headers, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _run(flow: Flow, name: str, arguments: dict[str, Any], effects: Effects | None = None) -> ToolResult:
    return tools.run_tool(flow, ToolCall(name, arguments), effects or Effects(), lambda run: run("key-1"))


def test_a_tool_by_post_gets_its_arguments_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, effects = _Shop(monkeypatch), Effects()
    assert _run(_flow(tools=[LOOK_UP]), "look_up", {"order": 7}, effects) == (
        "look_up",
        f'{UNTRUSTED}{{"state":"sent"}}',
        True,
    )
    url, headers, body = shop.asked[0]
    assert (url, headers["Idempotency-Key"]) == (LOOK_UP["url"], "key-1")
    assert headers[LOOP_HEADER] == "1", "the tool may be our own server"
    assert json.loads(body or b"") == {"order": 7}
    assert effects.called == [("look_up", True)]


def test_a_tool_by_get_has_its_arguments_in_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = _Shop(monkeypatch)
    _run(_flow(tools=[{**LOOK_UP, "method": "GET"}]), "look_up", {"order": 7, "name": "A&B"})
    assert shop.asked[0][0] == "https://shop.example/orders?shop=1&order=7&name=A%26B"


@pytest.mark.parametrize("arguments", [{}, {"order": "seven"}])
def test_wrong_arguments_reach_nobody(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any]) -> None:
    shop = _Shop(monkeypatch)
    result = _run(_flow(tools=[LOOK_UP]), "look_up", arguments)
    assert (result.done, shop.asked) == (False, [])
    assert "order" in result.text


def test_a_failing_tool_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, flow = _Shop(monkeypatch, 500, b"x" * 9_000), _flow(tools=[LOOK_UP])
    result = _run(flow, "look_up", {"order": 7})
    assert not result.done
    assert result.text.startswith(f"{UNTRUSTED}500: ")
    assert len(result.text) <= len(UNTRUSTED) + tools.MAX_RESULT_CHARACTERS + 5
    shop.answer = TimedOutError("late")
    assert _run(flow, "look_up", {"order": 7}) == ("look_up", "The tool did not answer.", False)


def test_a_tool_that_a_flow_does_not_have_is_a_result() -> None:
    for name in ("look_up", "transfer_to_agent", "report_outcomes"):
        assert not _run(_flow(), name, {}).done


def test_a_flow_hands_over_to_another_flow_by_label() -> None:
    effects = Effects()
    flow = _flow(flow_transfer_map={"billing": "0190A0B0-0000-7000-8000-000000000001"})
    assert not _run(flow, "transfer_to_agent", {"label": "sales"}, effects).done
    assert _run(flow, "transfer_to_agent", {"label": "billing"}, effects).done
    assert effects.flow_id == "0190a0b0-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    "outcomes", [{"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}, {"a": "x" * 9_000}, "no object"]
)
def test_outcomes_have_limits(outcomes: Any) -> None:
    effects = Effects()
    assert not _run(_flow(outcome_schema={"type": "object"}), "report_outcomes", {"outcomes": outcomes}, effects).done
    assert effects.outcomes is None


def test_a_follow_up_is_within_ninety_days() -> None:
    effects = Effects()
    assert not _run(_flow(), "schedule_follow_up", {"text": "Hi", "minutes": 129_601}, effects).done
    assert _run(_flow(), "schedule_follow_up", {"text": "Hi", "minutes": 129_600}, effects).done
    assert effects.follow_up == ("Hi", tools.MAX_FOLLOW_UP)
