"""Tools of MCP servers in the turns of the AI."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.errors import Contended
from switchboard.mcp_servers.tools import UNTRUSTED
from switchboard.replies import server_tools, service, store
from switchboard.replies.jobs import ContinueReply
from switchboard.replies.repliers.models import Answer, ToolCall
from switchboard.team.permissions import Role
from switchboard.tool_approvals import running
from switchboard.tool_approvals import service as tool_approvals
from switchboard.tool_approvals.jobs import RunApprovedTool
from switchboard.tool_approvals.models import ToolApproval
from tests.actors import Tenant, member
from tests.integration.sabotage import Sabotage
from tests.unit.mcp_servers.life import create, with_tools
from tests.unit.replies.shop import Shop, entries
from tests.unit.replies.talks import Talk, use_writer

LOOK_UP = Answer(calls=[ToolCall("orders__look_up", {"order": 7})])
CANCEL = Answer(calls=[ToolCall("orders__cancel", {"order": 7})])


@pytest.fixture
def shop(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Shop:
    with_tools(create(acme), "look_up", "cancel", auto_approve_tools_json='["look_up"]')
    return Shop(monkeypatch)


def pending(talk: Talk) -> list[ToolApproval]:
    return tool_approvals.list_approvals(talk.org_id, None, 10, None)[0]


def go_on(approval: ToolApproval) -> None:
    service.continue_reply(
        ContinueReply(org_id=approval.org_id, conversation_id=approval.conversation_id, approval_id=approval.id)
    )


def test_a_tool_without_approval_runs_in_the_turn(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, LOOK_UP, Answer("It was sent."))
    talk.answer(talk.hear("Where is order 7?"))
    assert talk.answers == ["It was sent."]
    assert {tool["name"] for tool in writer.prompts[0].tools} >= {"orders__look_up", "orders__cancel"}
    assert writer.prompts[1].results == (("orders__look_up", f"{UNTRUSTED}order 7: look_up", True),)
    assert (shop.called, entries(talk)) == ([("look_up", {"order": 7})], [("tool_used", "orders__look_up", "done")])


def test_a_tool_with_approval_waits_for_a_person_and_then_starts_a_turn(
    talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = use_writer(monkeypatch, CANCEL, Answer("I will ask."), Answer("It is canceled."))
    heard = talk.hear("Cancel order 7!")
    talk.answer(heard)
    talk.answer(heard)
    (approval,) = pending(talk)
    assert (approval.state, approval.arguments, shop.called) == ("pending", {"order": 7}, [])
    assert (talk.answers, talk.conversation.needs_attention) == (["I will ask."], True)
    assert not talk.conversation.ai_paused
    go_on(approval)
    tool_approvals.approve_tool(member(talk.org_id, Role.OPERATOR), approval.id)
    for _ in range(2):
        running.run_approved_tool(RunApprovedTool(org_id=approval.org_id, approval_id=approval.id))
        go_on(approval)
    assert shop.called == [("cancel", {"order": 7})]
    assert talk.answers == ["I will ask.", "It is canceled."]
    (result,) = writer.prompts[-1].results
    assert (result.name, result.done) == ("orders__cancel", True)
    assert f'with the arguments {{"order": 7}}.\n{UNTRUSTED}order 7: cancel' in result.text
    assert entries(talk) == [
        ("tool_approval_requested", "orders__cancel", None),
        ("tool_approved", "orders__cancel", None),
        ("tool_used", "orders__cancel", "done"),
    ]


def test_the_ai_gets_to_know_a_refusal(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, CANCEL, Answer("I will ask."), CANCEL, Answer("That is not possible."))
    talk.answer(talk.hear("Cancel order 7!"))
    (approval,) = pending(talk)
    tool_approvals.deny_tool(member(talk.org_id, Role.OPERATOR), approval.id)
    go_on(approval)
    # The same wish again has the same answer, and asks nobody.
    assert (talk.answers[-1], len(pending(talk)), shop.called) == ("That is not possible.", 1, [])
    assert all("refused" in result.text and not result.done for result in writer.prompts[-1].results)


def test_a_result_answers_texts_that_came_in_meanwhile(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, CANCEL, Answer("I will ask."), Answer("Refused, sorry."))
    talk.answer(talk.hear("Cancel order 7!"))
    (approval,) = pending(talk)
    later = talk.hear("Hello?")
    tool_approvals.deny_tool(member(talk.org_id, Role.OPERATOR), approval.id)
    go_on(approval)
    talk.answer(later)
    assert talk.answers == ["I will ask.", "Refused, sorry."]


def test_wrong_arguments_reach_nobody(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Answer(calls=[ToolCall("orders__cancel", {"order": "seven"}), ToolCall("orders__look_up", {})])
    writer = use_writer(monkeypatch, wrong, Answer("Which order?"))
    talk.answer(talk.hear("Cancel it!"))
    assert (pending(talk), shop.called) == ([], [])
    assert ["order" in result.text and not result.done for result in writer.prompts[1].results] == [True, True]


def test_a_tool_of_the_flow_goes_before_one_of_the_same_name(
    talk: Talk, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tools(create(acme, "report"), "look_up")
    names = [tool.name for tool in server_tools.list_tools(talk.flow).values()]
    assert names == ["report__look_up"]
    own = {"name": "report__look_up", "url": "https://shop.example/", "parameters": {"type": "object"}}
    flow = talk.flow.model_copy(update={"tools_json": f"[{own}]".replace("'", '"')})
    assert server_tools.list_tools(flow) == {}


def test_a_result_whose_turn_met_another_turn_comes_again(
    talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = use_writer(monkeypatch, CANCEL, Answer("I will ask."), Answer("Refused."), Answer("You are welcome."))
    talk.answer(talk.hear("Cancel order 7!"))
    (approval,) = pending(talk)
    tool_approvals.deny_tool(member(talk.org_id, Role.OPERATOR), approval.id)
    heard, write = talk.hear("Thanks anyway"), writer.reply

    def meet(prompt: Any) -> Answer:
        monkeypatch.setattr(writer, "reply", write)
        answer = write(prompt)
        talk.answer(heard)
        return answer

    monkeypatch.setattr(writer, "reply", meet)
    with pytest.raises(Contended):
        go_on(approval)
    go_on(approval)
    assert sorted(talk.answers) == ["I will ask.", "Refused.", "You are welcome."]
    state = store.STATES.get_object(talk.org_id, talk.id)
    assert state is not None
    assert (state.continued, state.answered_through) == ([approval.id], heard.id)


def test_a_killed_turn_sends_one_text_for_each_result(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between any two of its AWS calls, and then run again."""
    saboteur, ended, after = Sabotage(), False, 0
    operator = member(talk.org_id, Role.OPERATOR)
    while not ended:
        call = Answer(calls=[ToolCall("orders__cancel", {"order": after})])
        use_writer(monkeypatch, call, Answer("I will ask."), Answer("Refused."))
        talk.answer(talk.hear(f"Cancel order {after}!", pause=700))
        approval = pending(talk)[0]
        tool_approvals.deny_tool(operator, approval.id)
        with saboteur.killing(after):
            go_on(approval)
            ended = True
        go_on(approval)
        after += 1
        assert talk.answers == ["I will ask.", "Refused."] * after
    assert after > 5
