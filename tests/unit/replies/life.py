"""One item of each kind of the noun `replies`."""

from __future__ import annotations

from switchboard.accounts import organizations
from switchboard.aws.writes import commit
from switchboard.kit import clock
from switchboard.replies import store
from switchboard.replies.models import AnswerState, RecordedCall, ToolRound, TurnToolUse
from switchboard.usage import service as usage
from tests.actors import Tenant
from tests.unit.replies.talks import ADA


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    mark = store.SentMark(acme.org_id, "cnv_1", "sms_1", "answer")
    commit(store.state_write(AnswerState(org_id=acme.org_id, conversation_id="cnv_1")), mark.marker_write("sms_2"))
    place = store.TurnPlace(acme.org_id, "cnv_1", "sms_1")
    call = RecordedCall(name="look_up", arguments={"order": 7})
    commit(
        place.round_write(ToolRound(number=0, message_id="sms_1", asked_at=clock.now_iso(), calls=[call])),
        place.use_write(TurnToolUse(round=0, place=0, started_at=clock.now_iso())),
    )
    org = organizations.get_organization(acme.org_id)
    usage.commit_within([usage.daily_charge_of_contact(org, ADA, "model_calls", 5)])
