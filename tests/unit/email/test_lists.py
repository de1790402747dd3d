"""Lists of mail: each filter has its own entries, full pages, and a bounded number of reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from switchboard.agents import service as agents
from switchboard.aws.reads import Query
from switchboard.aws.writes import _flatten, commit
from switchboard.carriers import mail as carriers
from switchboard.email import delivery, feedback, lists, service, store
from switchboard.email.models import MailDraft, MailState, Message
from switchboard.errors import Invalid
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.email.test_inbound import make_mail, receive_mail

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


def send_mail(acme: Tenant, to: str = "you@example.com", in_reply_to: str | None = None, **options: str) -> Message:
    draft = MailDraft(to=[to], subject="s", body="b", in_reply_to=in_reply_to, **options)
    message = service.send_message(acme.caller(master=bool(options)), draft)
    delivery.send_queued(message.org_id, message.id)
    return message


def list_pages(
    acme: Tenant, limit: int, agent_id: str | None = None, *, master: bool = False, **filters: Sequence[str]
) -> list[list[str]]:
    caller, found, cursor = acme.caller(master=master), [], None
    while True:
        messages, cursor = service.list_messages(caller, agent_id, filters, limit, cursor)
        found.append([message.id for message in messages])
        if cursor is None:
            return found


def list_all(
    acme: Tenant, limit: int = 100, agent_id: str | None = None, *, master: bool = False, **filters: Sequence[str]
) -> list[str]:
    return [id_ for page in list_pages(acme, limit, agent_id, master=master, **filters) for id_ in page]


def test_a_page_with_exactly_the_rest_is_the_last(acme: Tenant, frozen: clock.FrozenClock) -> None:
    ids = []
    for _ in range(4):
        frozen.advance(seconds=1)
        ids.append(send_mail(acme).id)
    newest = ids[::-1]
    for filters in ({}, {"state": ["sent"]}, {"direction": ["OUTBOUND"]}):
        assert list_pages(acme, 4, **filters) == [newest]
        assert list_pages(acme, 2, **filters) == [newest[:2], newest[2:]]


def test_a_rare_match_is_found_by_one_query(acme: Tenant) -> None:
    for number in range(30):
        send_mail(acme, "no@example.com" if number == 3 else "you@example.com")
    saboteur = Sabotage()
    for master in (False, True):
        caller = acme.caller(master=master)
        with saboteur.counting() as calls:
            (failed,), more = service.list_messages(caller, None, {"state": ["failed"]}, 20, None)
        assert (failed.state, more) == (MailState.FAILED, None)
        assert calls == ["Query", "BatchGetItem", "BatchGetItem"], "entries, heads and contents"


@pytest.mark.parametrize("master", [False, True])
def test_direction_and_state_filters_combine(acme: Tenant, master: bool) -> None:
    ours, failed, waiting = (
        send_mail(acme),
        send_mail(acme, "no@example.com"),
        service.send_message(acme.caller(), MailDraft(to=["you@example.com"], subject="s", body="b")),
    )
    (theirs,) = receive_mail(make_mail(), acme.address)
    feedback.record_delivery(acme.org_id, ours.id, ["you@example.com"])

    def found(**filters: Sequence[str]) -> set[str]:
        return set(list_all(acme, 1, master=master, **filters))

    assert found() == {ours.id, failed.id, waiting.id, theirs.id}
    assert found(direction=["INBOUND"]) == {theirs.id}
    assert found(direction=["OUTBOUND"]) == {ours.id, failed.id, waiting.id}
    assert found(state=["queued", "sending"]) == {waiting.id}
    assert found(state=["delivered", "received"]) == {ours.id, theirs.id}
    assert found(state=["delivered", "received"], direction=["OUTBOUND"]) == {ours.id}
    assert found(state=["sent"], direction=["INBOUND"]) == set()


def test_a_claimed_mail_is_listed_as_queued(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> str:
        raise carriers.OutcomeUnknownError("timeout")

    monkeypatch.setattr(Provider, "send", unknown)
    claimed = send_mail(acme)
    assert list_all(acme, state=["queued", "sending"]) == [claimed.id]


def test_unread_mail_is_found_among_read_mail(acme: Tenant) -> None:
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    inbox = [receive_mail(make_mail(), acme.address)[0].id for _ in range(6)]
    receive_mail(make_mail(), colleague.address)
    for message_id in inbox[:5]:
        service.change_labels(acme.caller(), message_id, ["read"], [])
    with Sabotage().counting() as calls:
        assert list_all(acme, labels=["unread"]) == [inbox[5]]
    assert calls == ["Query", "BatchGetItem", "BatchGetItem"]
    assert len(list_all(acme, master=True, labels=["unread"])) == 2
    assert list_all(acme, agent_id=colleague.id, master=True, labels=["unread"], state=["received"])
    assert list_all(acme, agent_id=colleague.id, master=True, labels=["unread"], state=["sent"]) == []
    assert set(list_all(acme, labels=["read"])) == set(inbox[:5])
    service.change_labels(acme.caller(), inbox[0], ["unread", "later"], [])
    assert set(list_all(acme, labels=["unread"])) == {inbox[0], inbox[5]}
    assert list_all(acme, labels=["later"]) == [inbox[0]]
    service.change_labels(acme.caller(), inbox[0], ["read"], ["later"])
    assert list_all(acme, labels=["later"]) == []


def test_read_mail_has_no_unread_entries(acme: Tenant) -> None:
    message = send_mail(acme)
    head = store.find_head(message.org_id, message.id)
    assert head
    assert list(_flatten([lists.label_writes(head, (), ("read",))])) == []


def test_a_conversation_is_a_mail_and_its_replies(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = send_mail(acme)
    assert list_all(acme, thread_id=[first.id]) == [first.id]
    assert list_all(acme, thread_id=[first.id], state=["failed"]) == []
    ids = [first.id]
    for number in range(4):
        frozen.advance(seconds=1)
        send_mail(acme)
        if number % 2:
            ids.append(send_mail(acme, in_reply_to=ids[-1]).id)
        else:
            ids.append(receive_mail(make_mail(In_Reply_To=f"<{ids[-1]}@email.amazonses.com>"), acme.address)[0].id)
    assert list_all(acme, thread_id=[first.id]) == ids[::-1]
    assert list_all(acme, 2, thread_id=[first.id]) == ids[::-1]
    assert list_pages(acme, 5, thread_id=[first.id]) == [ids[::-1]]
    assert list_all(acme, thread_id=[first.id], direction=["INBOUND"]) == [ids[3], ids[1]]
    assert list_all(acme, thread_id=[first.id], labels=["unread"]) == [ids[3], ids[1]]
    assert list_all(acme, thread_id=["msg_nothing"]) == []
    assert list_all(acme, thread_id=["no#such#thing"]) == []


def test_a_conversation_shows_an_agent_its_own_mail_only(acme: Tenant) -> None:
    colleague = agents.create_agent(acme.caller(master=True), "colleague", "Colleague", {}).agent
    first = send_mail(acme)
    answer = send_mail(acme, in_reply_to=first.id, agent_id=colleague.id)
    assert list_all(acme, thread_id=[first.id]) == [first.id]
    assert list_all(acme, master=True, thread_id=[first.id]) == [answer.id, first.id]
    assert list_all(acme, master=True, agent_id=colleague.id, thread_id=[first.id]) == [answer.id]
    alone = send_mail(acme)
    assert list_all(acme, master=True, agent_id=colleague.id, thread_id=[alone.id]) == []
    assert list_all(tenant("other"), master=True, thread_id=[first.id]) == []


def test_the_id_of_a_reply_names_no_conversation(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = send_mail(acme)
    answer = send_mail(acme, in_reply_to=first.id)
    came = receive_mail(make_mail(In_Reply_To=f"<{first.id}@email.amazonses.com>"), acme.address)[0]
    assert list_all(acme, thread_id=[answer.id]) == []
    assert list_all(acme, thread_id=[came.id]) == []
    alone = receive_mail(make_mail(), acme.address)[0]
    assert list_all(acme, thread_id=[alone.id]) == [alone.id]


def test_the_platforms_own_mail_is_in_no_list(acme: Tenant) -> None:
    caller = acme.caller()
    writes = service.system_mail_writes(caller, acme.agent_id, "you@example.com", "s", "b")
    commit(writes)
    (item,) = [write.item for write in _flatten(writes) if getattr(write, "item", {}).get("sk") == "message"]
    message_id = item["pk"].rpartition("#")[2]
    delivery.send_queued(acme.org_id, message_id)
    receive_mail(make_mail(In_Reply_To=f"<{message_id}@email.amazonses.com>"), acme.address)
    for filters in ({}, {"direction": ["OUTBOUND"]}, {"thread_id": [message_id], "direction": ["OUTBOUND"]}):
        assert message_id not in list_all(acme, master=True, **filters)


@pytest.mark.parametrize(
    "other", [{}, {"state": ["sent"]}, {"labels": ["unread"]}, {"thread_id": ["msg_1"]}, {"direction": ["OUTBOUND"]}]
)
def test_a_cursor_works_for_its_own_list_only(acme: Tenant, other: dict[str, Sequence[str]]) -> None:
    for _ in range(3):
        receive_mail(make_mail(), acme.address)
    caller = acme.caller()
    _, cursor = service.list_messages(caller, None, {"direction": ["INBOUND"]}, 1, None)
    assert cursor
    with pytest.raises(Invalid):
        service.list_messages(caller, None, other, 1, cursor)
    with pytest.raises(Invalid):
        service.list_messages(replace(caller, agent_id="agt_other"), None, {"direction": ["INBOUND"]}, 1, cursor)


def test_no_list_filters_after_reading(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[Query] = []
    read = Query._query_parameters

    def note(query: Query, *arguments: object) -> object:
        queries.append(query)
        return read(query, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Query, "_query_parameters", note)
    for filters in ({}, {"state": ["sent"]}, {"labels": ["x"]}, {"thread_id": ["msg_1"]}, {"direction": ["INBOUND"]}):
        list_all(acme, **filters)
    assert queries
    assert not any(query.where for query in queries)
