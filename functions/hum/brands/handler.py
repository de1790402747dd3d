"""HUM: `/api/brands*`: the brand and the campaign of the organization's texts (A2P 10DLC)."""

from __future__ import annotations

from functions.hum.brands.schemas import BrandInput, CampaignDraftInput, RegistrationView, SubmittedRegistrationView
from switchboard.brands import drafts, service, verification
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge.api import Api
from switchboard.team.permissions import Permission

api = Api(Hum(), "brands", tags={"Brands": "The registration of your business for texts from American local numbers."})

_LOCKED = "`registration_pending`: the registry reviews it. "


@api.get(
    "/api/brands",
    summary="Get the brand and its campaign",
    operation_id="getBrand",
    description="Before the first draft, the brand is an empty draft, and the campaign is null.",
    permission=Permission.BRANDS_READ,
)
def get_brand() -> RegistrationView:
    return RegistrationView.of(service.get_brand(api.member.org_id))


@api.post(
    "/api/brands",
    summary="Save a draft of the brand",
    operation_id="upsertBrand",
    description="Save the draft step by step: fields that you do not send stay, and nothing is checked before the"
    " submission.",
    permission=Permission.BRANDS_WRITE,
    responses={
        400: "`invalid_draft`: the draft is too large.",
        409: f"{_LOCKED}`brand_approved`: an approved brand cannot be changed here.",
    },
)
def save_brand(request: BrandInput) -> RegistrationView:
    return RegistrationView.of(drafts.save_brand(api.member, request.sent_fields(), api.member.effect))


@api.post(
    "/api/brands/submit",
    summary="Submit the brand and its campaign",
    operation_id="submitBrand",
    description="Checks the drafts, and hands them to the registry: the campaign after the brand is approved, if it is"
    " begun. A campaign that you save later is submitted by another request.",
    permission=Permission.BRANDS_WRITE,
    responses={
        400: "`invalid_registration`: `details` has all fields that are not valid, such as `ein`, `payload.state` and"
        " `campaign.samples`.",
        402: "`plan_quota`: the plan's submissions of this month are used, or it includes none.",
        409: f"{_LOCKED}`brand_approved`: save a campaign first. `already_approved`: both are approved.",
        503: "`no_registry`: this deployment registers no brands.",
    },
)
def submit_brand() -> SubmittedRegistrationView:
    return SubmittedRegistrationView.of(service.submit_brand(api.member, api.member.effect))


@api.post(
    "/api/brands/campaign",
    summary="Save a draft of the campaign",
    operation_id="upsertBrandCampaign",
    description="A JSON Merge Patch (RFC 7396): fields that you do not send stay, and null deletes a field. Nothing is"
    " checked before the submission.",
    permission=Permission.BRANDS_WRITE,
    responses={
        400: "`invalid_draft`: the draft is too large.",
        409: f"{_LOCKED}`campaign_approved`: an approved campaign cannot be changed here.",
    },
)
def save_campaign(request: CampaignDraftInput) -> RegistrationView:
    return RegistrationView.of(drafts.save_campaign(api.member, request.patch(), api.member.effect))


@api.post(
    "/api/brands/verification",
    summary="Send the verification text again",
    operation_id="resendBrandVerification",
    description="The registry sends a text to a sole proprietor, who has to answer it with YES within 24 hours. While"
    " the brand is pending with the error `verification_needed`, this has the text sent again.",
    permission=Permission.BRANDS_WRITE,
    responses={
        409: "`verification_not_needed`: the brand waits for no answer. `verification_just_sent`: wait five minutes."
    },
)
def resend_verification() -> RegistrationView:
    return RegistrationView.of(verification.request_verification(api.member, api.member.effect))


handler = api.handler
