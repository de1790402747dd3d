"""Digests of voicemails: by a model and by rules, each attempt counted, and no good text lost by a failed one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from switchboard.aws.writes import commit
from switchboard.calls import store as calls
from switchboard.carriers.language.answers import ATTEMPTS
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.team.models import Member
from switchboard.voicemails import deletion, service, store, summarizing
from switchboard.voicemails.jobs import SummarizeVoicemail
from switchboard.voicemails.models import Voicemail, VoicemailDigest
from tests.unit.voicemails.desk import ask_as, find_call, find_voicemail, save_voicemail
from tests.unit.voicemails.services import ANSWER, SPOKEN, list_event_types, summarize, use_model

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Converse")
REFUSED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "Converse")


def digest_of(voicemail: Voicemail) -> VoicemailDigest:
    assert voicemail.ai_summary is not None
    return voicemail.ai_summary


def test_a_model_says_who_called_and_what_to_do(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    model = use_model(monkeypatch, ANSWER)
    voicemail = summarize(save_voicemail(ada.org_id, text=SPOKEN))
    digest = digest_of(voicemail)
    assert digest.model_dump(include=set(ANSWER)) == ANSWER
    assert (digest.model, digest.attempt_count, digest.error) == ("bedrock:test-model", 1, None)
    assert digest.generated_at == clock.now_iso()
    assert "voicemail.summarized" in list_event_types(voicemail)
    [asked] = model.asked
    assert json.loads(asked["messages"][0]["content"][0]["text"])["transcript"] == SPOKEN
    assert SPOKEN not in asked["system"][0]["text"], "a stranger's words are data"


def test_a_second_run_asks_nothing(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    model = use_model(monkeypatch, ANSWER)
    first = summarize(save_voicemail(ada.org_id, text=SPOKEN))
    assert summarize(first) == first
    assert len(model.asked) == 1


def test_a_member_gets_a_new_digest(ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> None:
    use_model(monkeypatch, ANSWER, ANSWER | {"tldr": "She wants a call."})
    voicemail = summarize(save_voicemail(ada.org_id, text=SPOKEN))
    frozen.advance(seconds=90)
    assert ask_as(ada)("POST", f"/voicemails/{voicemail.id}/summarize") == (202, {"ok": True, "queued": True})
    again = summarize(voicemail)
    assert (digest_of(again).tldr, digest_of(again).attempt_count) == ("She wants a call.", 2)
    assert summarize(again) == again


@pytest.mark.parametrize(
    "answer",
    [
        "Here is the digest.",
        ANSWER | {"urgency": "now"},
        ANSWER | {"more": 1},
        {name: value for name, value in ANSWER.items() if name != "tldr"},
        ANSWER | {"tldr": ""},
        ANSWER | {"language": "English, I think"},
    ],
)
def test_an_unusable_answer_is_a_failed_attempt(ada: Member, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    use_model(monkeypatch, *[answer] * ATTEMPTS)
    voicemail = summarize(save_voicemail(ada.org_id, text=SPOKEN))
    digest = digest_of(voicemail)
    assert (digest.generated_at, digest.attempt_count, digest.tldr) == (None, 1, "")
    assert (digest.error or "").startswith("the model gave no valid answer: ")
    assert "voicemail.summary_failed" in list_event_types(voicemail)


@pytest.mark.parametrize(
    ("told", "kept"),
    [("+14155552671", "+14155552671"), ("415-555-2671", None), ("+1999", None), ("javascript:alert(1)", None)],
)
def test_a_callback_number_is_a_number_or_nothing(
    ada: Member, monkeypatch: pytest.MonkeyPatch, told: str, kept: str | None
) -> None:
    use_model(monkeypatch, ANSWER | {"callback_number_e164": told})
    assert digest_of(summarize(save_voicemail(ada.org_id, text=SPOKEN))).callback_number_e164 == kept


def test_a_failed_attempt_keeps_the_texts_of_an_earlier_one(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    use_model(monkeypatch, ANSWER, REFUSED)
    voicemail = summarize(save_voicemail(ada.org_id, text=SPOKEN))
    frozen.advance(seconds=90)
    service.request_summary(ada, voicemail.id)
    digest = digest_of(summarize(voicemail))
    assert (digest.tldr, digest.generated_at, digest.error) == (ANSWER["tldr"], None, "AccessDeniedException")
    assert digest.attempt_count == 2


def test_a_busy_model_is_asked_again_for_some_minutes_and_counted_once(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setattr(summarizing, "MODEL_DIGESTS_PER_DAY", 1)
    use_model(monkeypatch, THROTTLED, THROTTLED, ANSWER)
    voicemail = save_voicemail(ada.org_id, text=SPOKEN)
    frozen.advance(seconds=3_600)
    for tries in range(2):
        assert summarize(voicemail, tries).ai_summary is None
        frozen.advance(seconds=60)
    assert digest_of(summarize(voicemail, 2)).tldr == ANSWER["tldr"], "attempts that got no answer cost nothing"


def test_a_model_that_stays_busy_is_given_up(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    use_model(monkeypatch, THROTTLED)
    voicemail = save_voicemail(ada.org_id, text=SPOKEN)
    job = SummarizeVoicemail(org_id=ada.org_id, voicemail_id=voicemail.id, tries=9, begun_at=clock.now_iso())
    frozen.advance(seconds=3_600)
    summarizing.summarize_voicemail(job)
    late = digest_of(find_voicemail(voicemail))
    assert (late.error, late.attempt_count) == ("the model is busy", 1)


def test_a_model_costs_no_more_than_the_daily_limit(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarizing, "MODEL_DIGESTS_PER_DAY", 1)
    model = use_model(monkeypatch, ANSWER)
    summarize(save_voicemail(ada.org_id, text=SPOKEN))
    over = summarize(save_voicemail(ada.org_id, text=SPOKEN))
    assert digest_of(over).error == "the daily number of digests is used up"
    assert len(model.asked) == 1


def test_a_simulated_call_costs_nothing(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    model = use_model(monkeypatch)
    voicemail = save_voicemail(ada.org_id, text=SPOKEN)
    call = find_call(voicemail)
    order = call.order.model_copy(update={"simulated": True})
    commit(calls.CALLS.save_write(next_version(call, order=order)))
    digest = digest_of(summarize(voicemail))
    assert (digest.model, digest.caller_name, digest.callback_number_e164) == ("rules", "Maria Lopez", "+14155552671")
    assert model.asked == []


def test_a_voicemail_that_is_deleted_meanwhile_gets_no_digest(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    use_model(monkeypatch, ANSWER)
    voicemail = save_voicemail(ada.org_id, text=SPOKEN)
    real = summarizing.digesters.choose_digester

    def delete_first(**options: bool) -> Any:
        deletion.delete_voicemail(ada, voicemail.id)
        return real(**options)

    monkeypatch.setattr(summarizing.digesters, "choose_digester", delete_first)
    summarizing.summarize_voicemail(SummarizeVoicemail(org_id=ada.org_id, voicemail_id=voicemail.id))
    assert store.VOICEMAILS.get_object(ada.org_id, voicemail.id) is None
    assert "voicemail.summarized" not in list_event_types(voicemail)
