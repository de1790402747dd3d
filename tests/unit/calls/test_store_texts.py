"""The texts of a talk: apart from the call if they are long, and the same at the talk as at the acceptance."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws.dynamodb import Item, encode_item
from switchboard.aws.writes import Put, commit
from switchboard.calls import dialing, history_projection, outbound_scripts, store
from switchboard.calls.models import Call, CallHistory, State
from switchboard.calls.task_context import MAX_CHARACTERS, MAX_VALUES
from switchboard.carriers.voice.ports.script import Say
from switchboard.flows import changes as flow_changes
from switchboard.flows.models import Flow
from switchboard.flows.rules import TEXT_LIMITS
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system
from tests.fakes.voice import Provider
from tests.integration.sabotage import Sabotage, scan_items
from tests.load import capacity
from tests.unit.calls.calls_in import make_flow, make_line, monday_noon
from tests.unit.calls.console_calls import place, save_flow
from tests.unit.calls.live_calls import place_call, read_call, read_conversation, report_progress
from tests.unit.opticomm.backend import backend

pytestmark = pytest.mark.usefixtures("cloud")

#: The most that a call's item may have, in bytes. A page of a hundred calls then costs at most a hundred read units.
MAX_ITEM_BYTES = 3_000
LONG = "é" * 400


@pytest.fixture
def ada(acme: Tenant, frozen: clock.FrozenClock) -> Member:
    monday_noon(frozen)
    return member(acme.org_id, Role.OPERATOR, "Ada")


def size_of(item: Item) -> int:
    return len(json.dumps(encode_item(item), ensure_ascii=False).encode())


def stored(call: Call) -> dict[str, Item]:
    """Returns the items of a call's partition, by their sort keys."""
    found = [encoded for encoded in scan_items("activity") if encoded["pk"]["S"] == f"{call.org_id}#call#{call.id}"]
    return {encoded["sk"]["S"]: encoded for encoded in found}


def item_size(call: Call) -> int:
    return len(json.dumps(stored(call)["call"], ensure_ascii=False).encode())


def largest_context() -> dict[str, Any]:
    context: dict[str, Any] = {"name": "Ada Lovelace"}
    while len(json.dumps(context | {"more": ""}, indent=1)) + 450 < MAX_CHARACTERS and len(context) < MAX_VALUES:
        context[f"fact_{len(context)}"] = "é" * 400
    return context


def save_old_form(call: Call, flow: Flow, **order: Any) -> None:
    """Stores a call as calls were stored before: with its texts and its flow's prompt."""
    now = read_call(call)
    item = store.CALLS.to_item(now)
    whole = store.add_texts(now)
    kept = whole.order.model_dump(mode="json") | {"prompt": flow.system_prompt} | order
    del kept["task_context"]
    old = whole.model_dump(mode="json", exclude={"texts_apart", "order"}) | {"order": json.dumps(kept)}
    for name in ("texts_apart", "order"):
        item.pop(name, None)
    commit(Put(table="activity", item=item | {name: value for name, value in old.items() if value is not None}))


def test_the_largest_prompt_and_context_leave_a_small_call(ada: Member, carrier: Provider) -> None:
    settings = {name: "é" * TEXT_LIMITS[name] for name in ("greeting", "system_prompt")}
    context = largest_context()
    call = place(ada, save_flow(ada.org_id, **settings), task_context=context)
    assert item_size(call) < MAX_ITEM_BYTES
    dialing.dial_call(call.org_id, call.id)
    report_progress(call, "answered")
    assert (read_call(call).state, item_size(call) < MAX_ITEM_BYTES) == (State.ACTIVE, True)
    (told,) = carrier.dialed
    assert told.greeting.endswith(settings["greeting"])
    assert str(told.prompt).startswith(settings["system_prompt"])
    assert json.dumps(context, ensure_ascii=False, sort_keys=True, indent=1) in str(told.prompt)
    assert told.variables == context


def test_only_the_commit_of_the_call_writes_its_texts(ada: Member) -> None:
    call = place(ada, save_flow(ada.org_id, greeting=LONG), task_context={"name": LONG})
    before = stored(call)["texts"]
    dialing.dial_call(call.org_id, call.id)
    report_progress(call, "answered")
    now = stored(call)
    assert now["texts"] == before
    assert LONG not in json.dumps(now["call"], ensure_ascii=False)


def test_short_texts_stay_on_the_call(ada: Member) -> None:
    call = place(ada, save_flow(ada.org_id, system_prompt=LONG), task_context={"name": "Ada"})
    assert list(stored(call)) == ["call"]
    assert read_conversation(call).variables == {"name": "Ada"}
    assert str(read_conversation(call).prompt).startswith(LONG)


def test_a_new_call_with_short_texts_takes_one_write_unit_and_is_read_unchanged(ada: Member) -> None:
    call = place(ada, save_flow(ada.org_id, name="Reminders"))
    assert capacity.item_size(stored(call)["call"]) <= 1_024
    kept = read_call(call)
    assert kept == call.model_copy(update={"order": kept.order})
    assert (kept.order.basis, kept.order.metadata) == (call.order.basis, call.order.metadata)
    later = next_version(kept, state=State.DIALING)
    commit(store.CALLS.save_write(later))
    assert read_call(call) == later


@pytest.mark.usefixtures("frozen")
def test_the_texts_of_a_back_ends_call_are_those_of_its_request() -> None:
    asker = backend()
    variables = {"name": "Ada", **{f"v{number}": LONG for number in range(10)}}
    answer = asker.initiate(first_message_override=f"{LONG} {{{{name}}}}", variables=variables)
    call = store.CALLS.get_object(asker.company.org_id, answer.json()["call_id"])
    assert call is not None
    assert item_size(call) < MAX_ITEM_BYTES
    talk = read_conversation(call)
    assert talk.greeting.endswith(f"{LONG} {{{{name}}}}")
    assert (talk.variables, talk.prompt) == (variables, None)


def test_an_agents_long_greeting_leaves_the_call(acme: Tenant, carrier: Provider) -> None:
    call = place_call(acme, greeting=LONG)
    assert LONG not in json.dumps(stored(call)["call"], ensure_ascii=False)
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed[0].greeting == call.greeting
    assert call.greeting.endswith(LONG)


def test_the_number_of_a_call_has_the_name_of_long_variables(ada: Member) -> None:
    call = place(ada, save_flow(ada.org_id), task_context={"name": "Ada", "facts": LONG})
    assert read_call(call).texts_apart
    named = history_projection.add_call(CallHistory(e164=call.to_number), store.add_texts(read_call(call)))
    assert named.name == "Ada"


def test_the_message_at_a_machine_has_the_variables(ada: Member) -> None:
    flow = save_flow(ada.org_id, voicemail_leave_message="Call us, {{name}}.")
    call = place(ada, flow, task_context={"name": "Ada", "facts": LONG})
    said = outbound_scripts.begin_message(read_call(call))[0]
    assert isinstance(said, Say)
    assert "Call us, Ada. " in said.text


def test_a_caller_hears_the_flow_and_its_call_has_no_text_of_it(acme: Tenant, frozen: clock.FrozenClock) -> None:
    monday_noon(frozen)
    target = make_flow(acme, name="Other", greeting=f"Other. {LONG}", system_prompt="Other.")
    line = make_line(acme, greeting=LONG, system_prompt=LONG, flow_transfer_map={"other": target.id})
    line.ask()
    call = line.read_call()
    assert (read_conversation(call).greeting, read_conversation(call).prompt) == (LONG, LONG)
    line.ask("after-talk/0", HandoffData=json.dumps({"transfer": "other"}))
    moved = line.read_call()
    assert (read_conversation(moved).greeting, read_conversation(moved).prompt) == (f"Other. {LONG}", "Other.")
    assert LONG not in json.dumps(stored(moved), ensure_ascii=False)


def test_a_call_out_that_moves_leaves_its_context_and_keeps_its_variables(ada: Member, carrier: Provider) -> None:
    target = save_flow(ada.org_id, name="Other", kind="inbound", greeting="Other.", system_prompt="Talk.")
    call = place(ada, save_flow(ada.org_id), task_context={"name": "Ada", "facts": LONG})
    moved = next_version(read_call(call), talk=1, flow_id=target.id, flow_version=1)
    commit(store.CALLS.save_write(moved))
    talk = read_conversation(call)
    assert (talk.greeting, talk.prompt) == ("Other.", "Talk.")
    assert talk.variables == {"name": "Ada", "facts": LONG}


def test_a_call_with_its_prompt_talks_on(ada: Member, carrier: Provider) -> None:
    flow = save_flow(ada.org_id, system_prompt="Remind.")
    call = place(ada, flow)
    save_old_form(call, flow, prompt="Remind.\n\n# Task context", variables={"name": "Ada"})
    dialing.dial_call(call.org_id, call.id)
    assert [(one.prompt, one.variables, one.greeting) for one in carrier.dialed] == [
        ("Remind.\n\n# Task context", {"name": "Ada"}, call.greeting)
    ]
    report_progress(call, "answered")
    assert read_call(call).order.prompt == "Remind.\n\n# Task context"


def test_a_call_whose_flow_is_gone_says_nothing_wrong(
    ada: Member, carrier: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = place(ada, save_flow(ada.org_id, system_prompt="Remind."))
    monkeypatch.setattr("switchboard.calls.talks.get_flow", lambda _: None)
    dialing.dial_call(call.org_id, call.id)
    ended = read_call(call)
    assert (ended.state, carrier.dialed) == (State.FAILED, [])
    assert "the version of the flow is gone" in str(ended.error)


def test_a_later_version_of_the_flow_changes_no_text(ada: Member, carrier: Provider) -> None:
    flow = save_flow(ada.org_id, greeting="Old.", system_prompt="Old.")
    call = place(ada, flow, task_context={"facts": LONG})
    flow_changes.update_flow(system(ada.org_id), flow.id, {"greeting": "New.", "system_prompt": "New."})
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed[0].greeting == call.greeting
    assert str(carrier.dialed[0].prompt).startswith("Old.\n\n# Task context")


def test_a_dialer_killed_anywhere_talks_with_all_texts_or_not_at_all(ada: Member, carrier: Provider) -> None:
    flow, saboteur = save_flow(ada.org_id, system_prompt="Remind."), Sabotage()

    def accept(number: int) -> Call:
        return place(ada, flow, f"+1415555{number:04d}", task_context={"facts": LONG})

    first = accept(100)
    with saboteur.counting() as asked:
        dialing.dial_call(first.org_id, first.id)
    for done in range(len(asked)):
        call = accept(101 + done)
        with saboteur.killing(after=done):
            dialing.dial_call(call.org_id, call.id)
        claimed = read_call(call).state is not State.CREATED
        dialing.dial_call(call.org_id, call.id)
        told = [one for one in carrier.dialed if one.call_id == call.id]
        assert len(told) == 1 or (claimed and not told)
        assert {(one.greeting, one.variables["facts"]) for one in told} <= {(call.greeting, LONG)}
    assert len(carrier.dialed) > 1
