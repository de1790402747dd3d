"""HUM: `/api/sms/campaigns*`: one text to many recipients, at a steady pace."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.campaigns.schemas import (
    CampaignDetailsView,
    CampaignInput,
    CampaignPageView,
    CampaignRecipientPageView,
    CampaignRecipientView,
    CampaignView,
    LaunchedCampaignView,
    RecipientBatchReportView,
    RecipientBatchView,
    RowProblemView,
)
from switchboard.campaigns import batches, changes, recipient_lists, service
from switchboard.campaigns.models import RecipientStatus
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Limit, Ok
from switchboard.edge.api import Api
from switchboard.edge.bodies import JsonBody, RawBody
from switchboard.team.permissions import Permission

api = Api(Hum(), "campaigns", tags={"SMS": "Conversations, texts, scheduled texts, campaigns and opt-outs."})

_UNKNOWN = "There is no such campaign."


@api.get(
    "/api/sms/campaigns",
    summary="List campaigns",
    operation_id="listSmsCampaigns",
    description="The newest first.",
    permission=Permission.CAMPAIGNS_READ,
)
def list_campaigns(
    limit: Annotated[int, Query(ge=1, le=200, description="The largest number of items in a page.")] = 200,
    cursor: Cursor = None,
) -> CampaignPageView:
    rows, after = service.list_campaigns(api.member.org_id, limit, cursor)
    return CampaignPageView(campaigns=[CampaignView.of(row) for row in rows], next_cursor=after)


@api.post(
    "/api/sms/campaigns",
    summary="Create a campaign",
    operation_id="createSmsCampaign",
    description="Creates a draft, which sends nothing before its launch. A number that occurs twice among the"
    " recipients is one recipient, and the batch's report names the other row. Any other row that is not valid refuses"
    " the whole request, and `details` names the row. A body has at most 4.6 MB and 50,000 JSON values.",
    status=201,
    also={200: "An earlier attempt of this request created the campaign."},
    permission=Permission.CAMPAIGNS_WRITE,
    body=JsonBody(max_bytes=batches.MAX_BATCH_BYTES),
    responses={
        400: "`number_released`, `number_without_sms`, `unknown_flow`. `invalid_start`: the start is past, or more than"
        " 90 days ahead. `missing_variable`, `body_too_long`, `contact_is_own_number`, `number_without_mms`,"
        " `invalid_rows` and others: some recipients are not valid.",
        404: "There is no such number.",
    },
)
def create_campaign(request: CampaignInput) -> CampaignDetailsView:
    record = service.create_campaign(api.member, request.to_draft())
    if not record.is_new:
        api.answer_with(200)
    return CampaignDetailsView.of_record(record)


@api.get(
    "/api/sms/campaigns/<cmp:campaign_id>",
    summary="Get a campaign",
    operation_id="getSmsCampaign",
    description="With the numbers of its recipients by status, and its batches.",
    permission=Permission.CAMPAIGNS_READ,
    responses={404: _UNKNOWN},
)
def get_campaign(campaign_id: str) -> CampaignDetailsView:
    return CampaignDetailsView.of_record(service.get_campaign(api.member.org_id, campaign_id))


@api.post(
    "/api/sms/campaigns/<cmp:campaign_id>/launch",
    summary="Launch a campaign",
    operation_id="launchSmsCampaign",
    description="Queues a draft or paused campaign. It starts at the next full minute, or at `scheduled_start_at` if"
    " that is later, and not before all its rows are imported. A queued campaign stays as it is. By the launch you"
    " state that the recipients gave you their numbers for such texts, unless a consent is stored or stated for one.",
    permission=Permission.CAMPAIGNS_WRITE,
    responses={
        400: "`invalid_status`: it runs or has ended. `no_recipients`: add some first. `number_released`,"
        " `number_without_sms`: the number sends no texts.",
        404: _UNKNOWN,
    },
)
def launch_campaign(campaign_id: str) -> LaunchedCampaignView:
    return LaunchedCampaignView.of(changes.launch_for_member(api.member, campaign_id))


@api.post(
    "/api/sms/campaigns/<cmp:campaign_id>/pause",
    summary="Pause a campaign",
    operation_id="pauseSmsCampaign",
    description="No further text goes out until a launch resumes the campaign. Texts that the carrier has are still"
    " delivered.",
    permission=Permission.CAMPAIGNS_WRITE,
    responses={400: "`invalid_status`: it is neither queued nor running.", 404: _UNKNOWN},
)
def pause_campaign(campaign_id: str) -> Ok:
    changes.pause_for_member(api.member, campaign_id)
    return DONE


@api.post(
    "/api/sms/campaigns/<cmp:campaign_id>/cancel",
    summary="Cancel a campaign",
    operation_id="cancelSmsCampaign",
    description="No further text goes out, and all pending recipients count as `cancelled`. Texts that the carrier has"
    " are still delivered. A canceled campaign cannot be launched again.",
    permission=Permission.CAMPAIGNS_WRITE,
    responses={400: "`invalid_status`: it is completed.", 404: _UNKNOWN},
)
def cancel_campaign(campaign_id: str) -> Ok:
    changes.cancel_campaign(api.member, campaign_id, api.member.effect)
    return DONE


@api.post(
    "/api/sms/campaigns/<cmp:campaign_id>/recipients",
    summary="Add a batch of recipients",
    operation_id="addSmsCampaignRecipients",
    description="Send JSON lines: one recipient on each line, with the fields of a recipient of a new campaign, at most"
    f" {batches.MAX_BATCH_ROWS:,} rows and 4.6 MB. The rows are imported in the background. A row that is not valid, or"
    " whose number another row of the campaign has, is left out, and the batch's report names it. A campaign that runs"
    " takes no rows.",
    status=202,
    permission=Permission.CAMPAIGNS_WRITE,
    body=RawBody(
        types=frozenset({batches.MEDIA_TYPE}),
        max_bytes=batches.MAX_BATCH_BYTES,
        example='{"contact_e164":"+14155550142"}\n{"contact_e164":"+14155550143","variables":{"name":"Ada"}}\n',
    ),
    responses={
        400: "`invalid_status`: the campaign runs or has ended. `invalid_rows`: no row, or too many."
        f" `too_many_batches`: {batches.MAX_WAITING} batches wait. `too_many_recipients`: a campaign has at most"
        f" {batches.MAX_RECIPIENTS:,}.",
        404: _UNKNOWN,
    },
)
def add_recipients(campaign_id: str) -> RecipientBatchView:
    added = batches.add_recipients(api.member, campaign_id, api.raw)
    return RecipientBatchView.of(added.batch, added.campaign)


@api.get(
    "/api/sms/campaigns/<cmp:campaign_id>/recipients",
    summary="List the recipients of a campaign",
    operation_id="listSmsCampaignRecipients",
    description="In the order of their rows. A page with a status may be short or even empty although more pages"
    " follow: check `next_cursor`.",
    permission=Permission.CAMPAIGNS_READ,
    responses={404: _UNKNOWN},
)
def list_recipients(
    campaign_id: str,
    status: Annotated[RecipientStatus | None, Query(description="Only recipients with this status.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> CampaignRecipientPageView:
    page = recipient_lists.list_recipients(api.member.org_id, campaign_id, status, limit, cursor)
    shown = [CampaignRecipientView.of(one, page.campaign) for one in page.recipients]
    return CampaignRecipientPageView(recipients=shown, next_cursor=page.cursor)


@api.get(
    "/api/sms/campaigns/<cmp:campaign_id>/batches/<bat:batch_id>",
    summary="Get the report of a batch",
    operation_id="getSmsCampaignBatch",
    description="With the rows that are no recipients, and the reason for each.",
    permission=Permission.CAMPAIGNS_READ,
    responses={404: "There is no such campaign or batch."},
)
def get_batch(campaign_id: str, batch_id: str, limit: Limit = 100, cursor: Cursor = None) -> RecipientBatchReportView:
    report = service.get_batch_report(api.member.org_id, campaign_id, batch_id, limit, cursor)
    batch = RecipientBatchView.of(report.batch, report.campaign)
    problems = [RowProblemView.of(one) for one in report.problems]
    return RecipientBatchReportView(**batch.model_dump(), problems=problems, next_cursor=report.cursor)


handler = api.handler
