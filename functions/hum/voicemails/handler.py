"""HUM: `/api/voicemails*`: the messages of callers, for the organization's members."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.voicemails.schemas import (
    SummaryQueued,
    VoicemailActionInput,
    VoicemailChanges,
    VoicemailPageView,
    VoicemailsMarkedRead,
)
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.dialects.hum.voicemail_views import VoicemailRowView, VoicemailView
from switchboard.edge.api import Api
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import ReadState
from switchboard.team.permissions import Permission
from switchboard.voicemails import activity, deletion, inbox, service
from switchboard.voicemails.service import VoicemailFilter

api = Api(Hum(), "voicemails", tags={"Voicemails": "Messages of callers, with transcripts and the team's activity."})

_UNKNOWN = "There is no such voicemail."


@api.get(
    "/api/voicemails",
    summary="List voicemails",
    operation_id="listVoicemails",
    description="The newest first, each with its latest viewers and its last action. A page may be short although more"
    " pages follow: check `next_cursor`.",
    permission=Permission.VOICEMAILS_READ,
)
def list_voicemails(
    which: Annotated[
        VoicemailFilter | None,
        Query(
            alias="filter",
            description="`heard` and `unheard` are states of the organization. `unread` are the voicemails that you"
            " have not opened. A new voicemail is unread after a few moments.",
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> VoicemailPageView:
    rows, after = service.list_voicemails(api.member, which, limit, cursor)
    return VoicemailPageView(voicemails=[VoicemailRowView.of(row) for row in rows], next_cursor=after)


@api.post(
    "/api/voicemails/mark-all-read",
    summary="Mark all voicemails as read",
    operation_id="markAllVoicemailsRead",
    description="It marks all voicemails as read for you.",
    permission=Permission.VOICEMAILS_READ,
    beside=inboxes.state_refs(inbox.INBOX),
)
def mark_all_voicemails_read() -> VoicemailsMarkedRead:
    state = api.beside[0] or ReadState()
    return VoicemailsMarkedRead(ok=True, marked=inbox.mark_all_voicemails_read(api.member, state))


@api.get(
    "/api/voicemails/<vm:voicemail_id>",
    summary="Get a voicemail",
    operation_id="getVoicemail",
    description="With its timeline: views, plays, changes of the heard state, and actions, the newest first. More than"
    " 100 entries have `timeline_next_cursor`, which leads to the older ones: send it as `cursor`. It does not mark the"
    " voicemail as read.",
    permission=Permission.VOICEMAILS_READ,
    responses={404: _UNKNOWN},
)
def get_voicemail(
    voicemail_id: str,
    cursor: Annotated[
        str | None, Query(description="The `timeline_next_cursor` of the response before, for older entries.")
    ] = None,
) -> VoicemailView:
    return VoicemailView.of_record(service.get_voicemail(api.member, voicemail_id, cursor))


@api.patch(
    "/api/voicemails/<vm:voicemail_id>",
    summary="Mark a voicemail as heard or read",
    operation_id="updateVoicemail",
    description="`is_heard` is the organization's state and needs the permission `voicemails.write`. `is_read` is your"
    " own.",
    permission=Permission.VOICEMAILS_READ,
    responses={403: "Your role does not allow you to change `is_heard`.", 404: _UNKNOWN},
)
def update_voicemail(voicemail_id: str, request: VoicemailChanges) -> Ok:
    activity.update_voicemail(api.member, voicemail_id, is_heard=request.is_heard, is_read=request.is_read)
    return DONE


@api.delete(
    "/api/voicemails/<vm:voicemail_id>",
    summary="Delete a voicemail",
    operation_id="deleteVoicemail",
    description="Its audio, its transcript and its timeline are deleted with it. The call stays, and its recording does"
    " not have the message. The audit log names the deletion.",
    permission=Permission.VOICEMAILS_WRITE,
    responses={404: _UNKNOWN},
)
def delete_voicemail(voicemail_id: str) -> Ok:
    deletion.delete_voicemail(api.member, voicemail_id, api.member.effect)
    return DONE


@api.post(
    "/api/voicemails/<vm:voicemail_id>/view",
    summary="Record that you opened a voicemail",
    operation_id="recordVoicemailView",
    description="It marks the voicemail as read for you. Your views within five minutes are one entry of the timeline.",
    permission=Permission.VOICEMAILS_READ,
    responses={404: _UNKNOWN},
)
def record_voicemail_view(voicemail_id: str) -> Ok:
    activity.record_view(api.member, voicemail_id)
    return DONE


@api.post(
    "/api/voicemails/<vm:voicemail_id>/play",
    summary="Record that you played the audio",
    operation_id="recordVoicemailPlay",
    description="Your plays within five minutes are one entry of the timeline.",
    permission=Permission.VOICEMAILS_READ,
    responses={404: _UNKNOWN},
)
def record_voicemail_play(voicemail_id: str) -> Ok:
    activity.record_play(api.member, voicemail_id)
    return DONE


@api.post(
    "/api/voicemails/<vm:voicemail_id>/actions",
    summary="Log an action on a voicemail",
    operation_id="logVoicemailAction",
    description="It also marks the voicemail as heard, unless `mark_heard` is false. `blocked_caller` only records the"
    " action: send `POST /api/blocklist` to block the number.",
    permission=Permission.VOICEMAILS_WRITE,
    responses={404: _UNKNOWN},
)
def log_voicemail_action(voicemail_id: str, request: VoicemailActionInput) -> Ok:
    activity.log_action(api.member, voicemail_id, request.kind, request.note or None, mark_heard=request.mark_heard)
    return DONE


@api.post(
    "/api/voicemails/<vm:voicemail_id>/summarize",
    summary="Write the AI summary again",
    operation_id="regenerateVoicemailSummary",
    description="The transcript needs at least 20 characters. Get the voicemail after some seconds for the new summary."
    " While a summary is queued, a further request queues no other one.",
    status=202,
    permission=Permission.VOICEMAILS_WRITE,
    responses={400: "The transcript is missing or too short.", 404: _UNKNOWN, 503: "The job cannot be queued now."},
)
def regenerate_voicemail_summary(voicemail_id: str) -> SummaryQueued:
    service.request_summary(api.member, voicemail_id)
    return SummaryQueued(ok=True, queued=True)


handler = api.handler
