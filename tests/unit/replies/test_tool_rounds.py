"""The tools of a turn that is repeated: each use of a tool of others happens once."""

from __future__ import annotations

import pytest

from switchboard.accounts import stops
from switchboard.aws.writes import commit
from switchboard.carriers.language import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.replies import service, tools
from switchboard.replies.repliers.models import Answer, ToolCall
from switchboard.replies.tool_rounds import RUN_TIME
from tests.actors import Tenant
from tests.integration.sabotage import Sabotage
from tests.unit.mcp_servers.life import create, with_tools
from tests.unit.replies.shop import Shop, entries
from tests.unit.replies.talks import Talk, open_talk, use_writer

DONE = Answer("It is refunded.")


def refund(*orders: int) -> Answer:
    return Answer(calls=[ToolCall("orders__refund", {"order": order}) for order in orders])


@pytest.fixture
def shop(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Shop:
    with_tools(create(acme), "refund", "cancel", auto_approve_tools_json='["refund"]')
    return Shop(monkeypatch)


def test_a_busy_model_repeats_no_tool(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = [ThrottledError("busy")] * 3
    writer = use_writer(monkeypatch, refund(7), *busy, DONE)
    heard = talk.hear("Please refund order 7")
    for tries in range(4):
        service.reply_to_texts(talk.job(heard, tries))
    assert (shop.called, talk.answers) == ([("refund", {"order": 7})], ["It is refunded."])
    # Each question after the first one has the result.
    assert [len(prompt.results) for prompt in writer.prompts] == [0, 1, 1, 1, 1]
    assert entries(talk) == [("tool_used", "orders__refund", "done")]


def test_a_text_that_comes_in_meanwhile_repeats_no_tool(
    talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = Answer(calls=[ToolCall("orders__cancel", {"order": 8}), *refund(7).calls])
    writer = use_writer(monkeypatch, cancel, ThrottledError("busy"), DONE)
    talk.answer(talk.hear("Please refund order 7, and cancel 8"))
    talk.answer(talk.hear("Hello?"))
    assert (shop.called, talk.answers) == ([("refund", {"order": 7})], ["It is refunded."])
    assert [line.text for line in writer.prompts[-1].lines][-1] == "Hello?"
    # The approval of the first run is found, so a person is asked once.
    assert [kind for kind, _, _ in entries(talk)] == ["tool_approval_requested", "tool_used"]


def test_each_use_has_a_key_of_its_own(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    use_writer(monkeypatch, refund(7, 8), refund(7), DONE)
    talk.answer(talk.hear("Refund orders 7 and 8"))
    assert len(shop.keys) == len(set(shop.keys)) == 3


def test_what_the_built_in_tools_asked_for_is_not_lost(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Answer(calls=[ToolCall("assign_to_human", {"reason": "wants a person"})])
    use_writer(monkeypatch, person, ThrottledError("busy"), DONE)
    heard = talk.hear("A person, please")
    for tries in range(2):
        service.reply_to_texts(talk.job(heard, tries))
    assert talk.conversation.metadata["escalation_reason"] == "wants a person"


def test_a_request_of_the_flow_is_sent_once(acme: Tenant, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    pay = {"name": "pay", "url": "https://shop.example/", "method": "POST", "parameters": {"type": "object"}}
    other = open_talk(acme.org_id, talk.time, "+12125550188", tools=[{**pay, "description": "Pays."}])
    sent: list[str] = []

    async def request(url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        sent.append(headers["Idempotency-Key"])
        return 200, b"paid"

    monkeypatch.setattr(tools, "_request", request)
    use_writer(monkeypatch, Answer(calls=[ToolCall("pay", {})]), ThrottledError("busy"), Answer("It is paid."))
    heard = other.hear("Pay!")
    for tries in range(2):
        service.reply_to_texts(other.job(heard, tries))
    assert (len(sent), other.answers) == (1, ["It is paid."])


def test_a_turn_that_is_killed_anywhere_runs_the_tool_at_most_once(
    talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between any two of its AWS calls, and then run again, at once and after the first run is surely over."""
    saboteur, ended, after, lost = Sabotage(), False, 0, 0
    while not ended:
        writer = use_writer(monkeypatch, refund(after), DONE)
        heard = talk.hear(f"Refund {after}", pause=700)
        talk.time.advance(seconds=4)
        with saboteur.killing(after):
            service.reply_to_texts(talk.job(heard))
            ended = True
        service.reply_to_texts(talk.job(heard))
        talk.time.advance(seconds=RUN_TIME.total_seconds())
        service.reply_to_texts(talk.job(heard, 1))
        lost += any("it may have run" in one.text for one in writer.prompts[-1].results)
        after += 1
        assert talk.answers == ["It is refunded."] * after
    uses = [arguments["order"] for _, arguments in shop.called]
    assert len(uses) == len(set(uses))
    # Killed between the claim and the call, or between the call and the record of the result.
    assert lost >= 1


def test_a_run_waits_for_a_tool_that_another_run_has_started(
    talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_writer(monkeypatch, refund(7), DONE)
    heard, answers = talk.hear("Refund order 7"), list[list[str]]()

    def meet() -> None:
        service.reply_to_texts(talk.job(heard))
        answers.append(talk.answers)

    shop.before_reply = meet
    service.reply_to_texts(talk.job(heard))
    assert (shop.called, answers, talk.answers) == ([("refund", {"order": 7})], [[]], ["It is refunded."])


@pytest.mark.parametrize("error", [RefusedError("too long"), OutcomeUnknownError("timeout")], ids=str)
def test_a_tool_that_ran_is_told_though_the_model_fails(
    talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    use_writer(monkeypatch, refund(7), error)
    talk.answer(talk.hear("Refund order 7"))
    assert (talk.answers, talk.conversation.ai_paused) == ([service.FALLBACK], True)
    assert entries(talk) == [("tool_used", "orders__refund", "done")]


def test_a_suspended_organization_runs_no_tool(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, refund(7), DONE)
    heard = talk.hear("Refund order 7")
    commit(stops.stop_writes(talk.org_id, stops.ORGANIZATION))
    talk.answer(heard)
    assert shop.called == []
    assert writer.prompts[-1].results[0].text.startswith("The tool did not run")


def test_a_later_turn_begins_with_no_results(talk: Talk, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = use_writer(monkeypatch, refund(7), DONE, refund(7), DONE)
    talk.answer(talk.hear("Refund order 7"))
    talk.answer(talk.hear("And again", pause=60))
    assert [len(prompt.results) for prompt in writer.prompts] == [0, 1, 0, 1]
    assert len(shop.called) == 2
