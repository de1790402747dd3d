"""Lists of conversations by each filter, and the search."""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

import pytest

from switchboard.kit import clock
from switchboard.messaging.models import ConversationStatus, TextConversation
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.unit.messaging.console_texts import Ask, ask_as, list_ids, save_conversation, save_text

PATH = "/sms/conversations"
NUMBERS = ("num_01jd0000000000000000000001", "num_01jd0000000000000000000002")


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada)


def _contact(place: int) -> str:
    return f"+1415555{place:04}"


def test_each_filter_works_alone_and_combined(acme: Tenant, ada: Member, ask: Ask, frozen: clock.FrozenClock) -> None:
    save_conversation(tenant("other").org_id, _contact(1), "Hello.")
    saved: list[TextConversation] = []
    for place, (status, user, number) in enumerate(product(ConversationStatus, (ada.user_id, None), NUMBERS)):
        frozen.advance(seconds=1)
        saved.append(
            save_conversation(acme.org_id, _contact(place), number_id=number, status=status, assigned_user_id=user)
        )
    for state, user, line in product((None, *ConversationStatus), (None, ada.user_id), (None, *NUMBERS)):
        wanted = {"status": state, "assigned_user_id": user, "twilio_number_id": line}
        query = "&".join(f"{name}={value}" for name, value in wanted.items() if value)
        expected = [
            talk.id
            for talk in reversed(saved)
            if state in (None, talk.status) and user in (None, talk.assigned_user_id) and line in (None, talk.number_id)
        ]
        assert expected
        assert list_ids(ask, query, 3) == expected, query


def test_a_text_moves_its_conversation_to_the_top(acme: Tenant, ask: Ask, frozen: clock.FrozenClock) -> None:
    first, second = (save_conversation(acme.org_id, _contact(place), "Hello.") for place in range(2))
    frozen.advance(seconds=1)
    save_text(first, "Are you there?")
    assert list_ids(ask) == [first.id, second.id]


def test_a_closed_conversation_leaves_the_list_of_open_ones(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(acme.org_id, _contact(1), "Hello.")
    ask("POST", f"{PATH}/{talk.id}/close")
    assert (list_ids(ask, "status=open"), list_ids(ask, "status=closed")) == ([], [talk.id])


@pytest.mark.parametrize(
    "text", ["+14155550142", "+1415", "415", "(415) 555-0142", "0142", "APPOINT", "move  monday", "appointment 415"]
)
def test_a_search_finds_the_number_and_the_words_of_the_last_text(acme: Tenant, ask: Ask, text: str) -> None:
    found = save_conversation(acme.org_id, "+14155550142", "Please move my appointment to Monday!")
    save_conversation(acme.org_id, "+442079460018", "Good morning.")
    assert list_ids(ask, f"q={quote(text)}") == [found.id]


def test_a_search_finds_only_the_last_text(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(acme.org_id, _contact(1), "Please cancel.")
    save_text(talk, "Or move it.")
    assert (list_ids(ask, "q=cancel"), list_ids(ask, "q=move")) == ([], [talk.id])
    assert list_ids(ask, "q=%20") == [talk.id]
    assert list_ids(ask, "q=!!!") == []


def test_a_search_is_filtered_and_has_pages(acme: Tenant, ask: Ask) -> None:
    talks = [save_conversation(acme.org_id, _contact(place), "Hello there.") for place in range(7)]
    ask("POST", f"{PATH}/{talks[3].id}/close")
    assert sorted(list_ids(ask, "q=hello", 2)) == sorted(talk.id for talk in talks)
    assert list_ids(ask, "q=hello&status=closed", 2) == [talks[3].id]


def test_a_sender_without_a_number_is_listed_and_found(acme: Tenant, ask: Ask) -> None:
    talk = save_conversation(acme.org_id, "Shop #1", "Your parcel is here.")
    assert list_ids(ask) == list_ids(ask, "q=parcel") == list_ids(ask, "q=shop") == [talk.id]


def test_bad_parameters_are_refused(acme: Tenant, ask: Ask) -> None:
    for place in range(3):
        save_conversation(acme.org_id, _contact(place), "Hello.")
    cursor = ask("GET", f"{PATH}?limit=1")[1]["next_cursor"]
    wrong = (
        "status=new",
        "limit=0",
        "limit=201",
        f"status=open&cursor={cursor}",
        f"cursor={cursor}x",
        f"q={'x' * 201}",
    )
    for query in wrong:
        assert ask("GET", f"{PATH}?{query}")[0] == 400, query
    other = ask_as(member(tenant("other").org_id, Role.ADMIN, "Eve"))
    assert other("GET", f"{PATH}?limit=1&cursor={cursor}")[0] == 400
