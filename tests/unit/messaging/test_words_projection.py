"""The search index of conversations: exact under repeats and slow workers, and built again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.aws.writes import commit
from switchboard.messaging import store, words_projection
from switchboard.messaging.models import TextConversation
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.projections import service as projections
from switchboard.search import index
from switchboard.search.index import IndexEntry, SearchSubject
from tests.actors import Tenant
from tests.unit.messaging.console_texts import index_words, save_conversation, save_text, started_event
from tests.unit.messaging.desk import CONTACT


def _finds(talk: TextConversation, word: str) -> bool:
    def load(entries: list[IndexEntry]) -> list[SearchSubject[str] | None]:
        return [SearchSubject(entry.subject_id, [entry.token]) for entry in entries]

    found, _ = index.search_subjects(words_projection.CONVERSATION_NOUN, talk.org_id, [word], 10, None, load)
    return [words_projection.place_of_subject(subject).id for subject in found] == [talk.id]


def test_the_words_of_the_last_text_replace_those_before(acme: Tenant) -> None:
    talk = save_text(save_conversation(acme.org_id, CONTACT, "Please cancel."), "Or move it.")
    index_words(talk)
    assert (_finds(talk, "cancel"), _finds(talk, "move"), _finds(talk, CONTACT[1:])) == (False, True, True)


def test_a_long_text_fits_in_one_commit(acme: Tenant) -> None:
    words = [f"{letter}{place}" for place in range(40) for letter in "ab"]
    talk = save_conversation(acme.org_id, CONTACT, " ".join(f"a{word}" for word in words)[:300])
    talk = save_text(talk, " ".join(f"b{word}" for word in words)[:300])
    assert (_finds(talk, "ba0"), _finds(talk, "aa0")) == (True, False)


def test_a_slow_worker_does_not_bring_back_older_words(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = save_conversation(acme.org_id, CONTACT, "Please cancel.")
    read = reads.read_refs

    def read_slowly(*refs: Ref[object]) -> tuple[object, ...]:
        monkeypatch.setattr(reads, "read_refs", read)
        answer: tuple[object, ...] = read(*refs)
        save_text(talk, "Or move it.")
        return answer

    older = talk.model_copy(update={"version": talk.version + 1, "last_message_body": "No, cancel."})
    commit(store.CONVERSATIONS.save_write(older))
    talk = older
    monkeypatch.setattr(reads, "read_refs", read_slowly)
    projected = words_projection.project(started_event(older))
    assert projected is not None
    with pytest.raises(StaleVersionError):
        commit(projected[1])
    index_words(older)
    assert (_finds(talk, "cancel"), _finds(talk, "move")) == (False, True)


@pytest.mark.parametrize("again", [index_words, lambda talk: projections.project_event(started_event(talk))])
def test_the_index_is_cleared_and_built_again(acme: Tenant, again: Callable[[TextConversation], None]) -> None:
    talk = save_conversation(acme.org_id, CONTACT, "Please cancel.")
    assert projections.clear_projection(acme.org_id, "conversation_words") == 1
    assert not _finds(talk, "cancel")
    again(talk)
    assert _finds(talk, "cancel")
