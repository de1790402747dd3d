"""Lists of mail: each filter has entries of its own, whole pages, and a bounded number of reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from switchboard.agents import service as agents
from switchboard.aws import writes as aws_writes
from switchboard.aws.reads import Query
from switchboard.carriers import mail as carriers
from switchboard.email import delivery, feedback, lists, service, store
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.errors import Invalid
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.email.test_inbound import mail, received

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


class Provider:
    def send(self, outbound: carriers.OutgoingMail) -> str:
        if "no" in outbound.recipients[0]:
            raise carriers.RefusedError("refused")
        return f"{outbound.message_id}@email.amazonses.com"


@pytest.fixture(autouse=True)
def _provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "mail_carrier", Provider)


def sent(acme: Tenant, to: str = "you@example.com", in_reply_to: str | None = None, **options: str) -> Message:
    draft = MailDraft(to=[to], subject="s", body="b", in_reply_to=in_reply_to, **options)
    message = service.send_message(acme.caller(master=bool(options)), draft)
    delivery.send_queued(message.org_id, message.id)
    return message


def pages(
    acme: Tenant, limit: int, agent_id: str | None = None, *, master: bool = False, **filters: Sequence[str]
) -> list[list[str]]:
    caller, found, cursor = acme.caller(master=master), [], None
    while True:
        messages, cursor = service.list_messages(caller, agent_id, filters, limit, cursor)
        found.append([message.id for message in messages])
        if cursor is None:
            return found


def flat(
    acme: Tenant, limit: int = 100, agent_id: str | None = None, *, master: bool = False, **filters: Sequence[str]
) -> list[str]:
    return [id_ for page in pages(acme, limit, agent_id, master=master, **filters) for id_ in page]


def test_a_page_that_holds_just_the_rest_is_the_last(acme: Tenant, frozen: clock.FrozenClock) -> None:
    ids = []
    for _ in range(4):
        frozen.advance(seconds=1)
        ids.append(sent(acme).id)
    newest = ids[::-1]
    for filters in ({}, {"state": ["sent"]}, {"direction": ["OUTBOUND"]}):
        assert pages(acme, 4, **filters) == [newest]
        assert pages(acme, 2, **filters) == [newest[:2], newest[2:]]


def test_one_in_many_is_found_by_one_query_of_its_own(acme: Tenant) -> None:
    for number in range(30):
        sent(acme, "no@example.com" if number == 3 else "you@example.com")
    saboteur = Sabotage()
    for master in (False, True):
        caller = acme.caller(master=master)
        with saboteur.counting() as calls:
            (failed,), more = service.list_messages(caller, None, {"state": ["failed"]}, 20, None)
        assert (failed.state, more) == (MailState.FAILED, None)
        assert calls == ["Query", "BatchGetItem", "BatchGetItem"], "entries, heads, what they say"


@pytest.mark.parametrize("master", [False, True])
def test_directions_and_states_narrow_each_other(acme: Tenant, master: bool) -> None:
    ours, failed, waiting = (
        sent(acme),
        sent(acme, "no@example.com"),
        service.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b")),
    )
    (theirs,) = received(mail(), acme.address)
    feedback.record_delivery(acme.org_id, ours.id, ["you@example.com"])

    def found(**filters: Sequence[str]) -> set[str]:
        return set(flat(acme, 1, master=master, **filters))

    assert found() == {ours.id, failed.id, waiting.id, theirs.id}
    assert found(direction=["INBOUND"]) == {theirs.id}
    assert found(direction=["OUTBOUND"]) == {ours.id, failed.id, waiting.id}
    assert found(state=["queued", "sending"]) == {waiting.id}
    assert found(state=["delivered", "received"]) == {ours.id, theirs.id}
    assert found(state=["delivered", "received"], direction=["OUTBOUND"]) == {ours.id}
    assert found(state=["sent"], direction=["INBOUND"]) == set()


def test_a_claimed_mail_is_listed_as_one_that_waits(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> str:
        raise carriers.OutcomeUnknownError("timeout")

    monkeypatch.setattr(Provider, "send", unknown)
    claimed = sent(acme)
    assert flat(acme, state=["queued", "sending"]) == [claimed.id]


def test_unread_mail_of_an_agent_is_found_among_all_that_is_read(acme: Tenant) -> None:
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    inbox = [received(mail(), acme.address)[0].id for _ in range(6)]
    received(mail(), colleague.address)
    for message_id in inbox[:5]:
        service.change_labels(acme.caller(), message_id, ["read"], [])
    with Sabotage().counting() as calls:
        assert flat(acme, labels=["unread"]) == [inbox[5]]
    assert calls == ["Query", "BatchGetItem", "BatchGetItem"]
    assert len(flat(acme, master=True, labels=["unread"])) == 2
    assert flat(acme, agent_id=colleague.id, master=True, labels=["unread"], state=["received"])
    assert flat(acme, agent_id=colleague.id, master=True, labels=["unread"], state=["sent"]) == []
    assert set(flat(acme, labels=["read"])) == set(inbox[:5])
    service.change_labels(acme.caller(), inbox[0], ["unread", "later"], [])
    assert set(flat(acme, labels=["unread"])) == {inbox[0], inbox[5]}
    assert flat(acme, labels=["later"]) == [inbox[0]]
    service.change_labels(acme.caller(), inbox[0], ["read"], ["later"])
    assert flat(acme, labels=["later"]) == []


def test_what_is_read_has_no_entries(acme: Tenant) -> None:
    message = sent(acme)
    head = store.find_head(message.org_id, message.id)
    assert head
    assert list(aws_writes._flatten([lists.label_writes(head, (), ("read",))])) == []


def test_a_conversation_is_what_answers_and_what_began_it(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = sent(acme)
    assert flat(acme, thread_id=[first.id]) == [first.id]
    assert flat(acme, thread_id=[first.id], state=["failed"]) == []
    ids = [first.id]
    for number in range(4):
        frozen.advance(seconds=1)
        sent(acme)
        if number % 2:
            ids.append(sent(acme, in_reply_to=ids[-1]).id)
        else:
            ids.append(received(mail(In_Reply_To=f"<{ids[-1]}@email.amazonses.com>"), acme.address)[0].id)
    assert flat(acme, thread_id=[first.id]) == ids[::-1]
    assert flat(acme, 2, thread_id=[first.id]) == ids[::-1]
    assert pages(acme, 5, thread_id=[first.id]) == [ids[::-1]]
    assert flat(acme, thread_id=[first.id], direction=["INBOUND"]) == [ids[3], ids[1]]
    assert flat(acme, thread_id=[first.id], labels=["unread"]) == [ids[3], ids[1]]
    assert flat(acme, thread_id=["msg_nothing"]) == []
    assert flat(acme, thread_id=["no#such#thing"]) == []


def test_a_conversation_shows_an_agent_its_own_part_only(acme: Tenant) -> None:
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    first = sent(acme)
    answer = sent(acme, in_reply_to=first.id, agent_id=colleague.id)
    assert flat(acme, thread_id=[first.id]) == [first.id]
    assert flat(acme, master=True, thread_id=[first.id]) == [answer.id, first.id]
    assert flat(acme, master=True, agent_id=colleague.id, thread_id=[first.id]) == [answer.id]
    alone = sent(acme)
    assert flat(acme, master=True, agent_id=colleague.id, thread_id=[alone.id]) == []
    assert flat(tenant("other"), master=True, thread_id=[first.id]) == []


def test_an_answers_id_names_no_conversation(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = sent(acme)
    answer = sent(acme, in_reply_to=first.id)
    came = received(mail(In_Reply_To=f"<{first.id}@email.amazonses.com>"), acme.address)[0]
    assert flat(acme, thread_id=[answer.id]) == []
    assert flat(acme, thread_id=[came.id]) == []
    alone = received(mail(), acme.address)[0]
    assert flat(acme, thread_id=[alone.id]) == [alone.id]


def test_the_platforms_own_mail_is_in_no_list(acme: Tenant) -> None:
    caller = acme.caller()
    writes = service.system_mail_writes(caller, acme.agent_id, "you@example.com", "s", "b")
    aws_writes.commit(writes)
    (item,) = [write.item for write in aws_writes._flatten(writes) if getattr(write, "item", {}).get("sk") == "message"]
    message_id = item["pk"].rpartition("#")[2]
    delivery.send_queued(acme.org_id, message_id)
    received(mail(In_Reply_To=f"<{message_id}@email.amazonses.com>"), acme.address)
    for filters in ({}, {"direction": ["OUTBOUND"]}, {"thread_id": [message_id], "direction": ["OUTBOUND"]}):
        assert message_id not in flat(acme, master=True, **filters)


@pytest.mark.parametrize(
    "other", [{}, {"state": ["sent"]}, {"labels": ["unread"]}, {"thread_id": ["msg_1"]}, {"direction": ["OUTBOUND"]}]
)
def test_a_cursor_is_good_for_its_own_list_only(acme: Tenant, other: dict[str, Sequence[str]]) -> None:
    for _ in range(3):
        received(mail(), acme.address)
    caller = acme.caller()
    _, cursor = service.list_messages(caller, None, {"direction": ["INBOUND"]}, 1, None)
    assert cursor
    with pytest.raises(Invalid):
        service.list_messages(caller, None, other, 1, cursor)
    with pytest.raises(Invalid):
        service.list_messages(replace(caller, agent_id="agt_other"), None, {"direction": ["INBOUND"]}, 1, cursor)


def test_no_list_filters_what_it_read(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[Query] = []
    read = Query._request

    def note(query: Query, *arguments: object) -> object:
        queries.append(query)
        return read(query, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Query, "_request", note)
    for filters in ({}, {"state": ["sent"]}, {"labels": ["x"]}, {"thread_id": ["msg_1"]}, {"direction": ["INBOUND"]}):
        flat(acme, **filters)
    assert queries
    assert not any(query.where for query in queries)
