"""HUM: `/api/numbers*`: the telephone numbers of an organization."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.numbers.schemas import (
    AvailableNumberList,
    AvailableNumberView,
    NumberBuyInput,
    NumberChanges,
    NumberInput,
    NumberList,
    NumberTypeName,
    NumberView,
    Switch,
    SyncView,
)
from switchboard.carriers.numbers.ports.inventory import NumberSearch
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import Cursor
from switchboard.edge.api import Api
from switchboard.edge.fields import Pattern
from switchboard.flows import assignments
from switchboard.numbers import available, registration, service
from switchboard.numbers.purchases import NumberOrder
from switchboard.team.permissions import Permission

api = Api(Hum(), "numbers", tags={"Numbers": "The telephone numbers of the organization, and their flows."})

_NO_PROVIDER = "The provider of numbers is not configured, or does not answer."


@api.get(
    "/api/numbers",
    summary="List numbers",
    operation_id="listNumbers",
    description="Newest first, with the flows that they are assigned to. Released numbers stay in the list.",
    permission=Permission.NUMBERS_READ,
)
def list_numbers(
    limit: Annotated[int, Query(ge=1, le=500, description="The largest number of items in a page.")] = 500,
    cursor: Cursor = None,
) -> NumberList:
    found, after = service.list_number_page(api.member.org_id, limit, cursor)
    return NumberList(numbers=[NumberView.of(number) for number in found], next_cursor=after)


@api.post(
    "/api/numbers",
    summary="Register a number of your inventory",
    operation_id="createNumber",
    description="The number must be in the organization's inventory at the provider. A registered number is returned "
    "as it is. A different name or flow is then refused with `number_exists`: use PATCH.",
    status=201,
    permission=Permission.NUMBERS_WRITE,
    responses={
        400: "`number_not_in_inventory`, `number_exists`, `unknown_flow`. `flow_kind`: the flow answers no calls."
        " `number_without_voice`: the number has no calls.",
        503: _NO_PROVIDER,
    },
)
def create_number(request: NumberInput) -> NumberView:
    number = assignments.register_number(
        api.member, request.sid, request.e164, request.friendly_name or None, request.flow_id, api.member.effect
    )
    return NumberView.of(number)


@api.post(
    "/api/numbers/sync",
    summary="Compare the numbers with the provider's inventory",
    operation_id="syncNumbers",
    description="Adds new numbers, updates changed ones, and marks missing ones as released. A released number has no "
    "flow. The inventory is read completely before the first change.",
    permission=Permission.NUMBERS_WRITE,
    responses={403: "The plan allows fewer numbers: `number_limit`.", 503: _NO_PROVIDER},
)
def sync_numbers() -> SyncView:
    return SyncView.of(registration.sync_numbers(api.member))


@api.get(
    "/api/numbers/available",
    summary="Search for numbers to buy",
    operation_id="searchAvailableNumbers",
    description="All given filters must match.",
    permission=Permission.NUMBERS_READ,
    responses={503: _NO_PROVIDER},
)
def search_available_numbers(
    country: Annotated[str, Query(max_length=2, description="ISO 3166 code: US or CA.")] = "US",
    type: Annotated[NumberTypeName, Query(description="The kind of number.")] = "Local",  # noqa: A002 the contract's
    areaCode: Annotated[  # noqa: N803 the contract's names
        Annotated[str, Pattern(r"^\d{3}$", "must be three digits, such as 415")] | None,
        Query(description="The three digits after +1."),
    ] = None,
    contains: Annotated[
        str | None,
        Query(
            max_length=16,
            description="2 to 15 digits, letters of a telephone keypad, and `*` for any digit. It matches anywhere in "
            "the national number, or from its beginning after `+1`.",
        ),
    ] = None,
    inRegion: Annotated[  # noqa: N803
        str | None, Query(max_length=64, description="The state or province: two letters.")
    ] = None,
    inLocality: Annotated[str | None, Query(max_length=120, description="The city.")] = None,  # noqa: N803
    inPostalCode: Annotated[str | None, Query(max_length=16, description="The postal code.")] = None,  # noqa: N803
    smsEnabled: Annotated[  # noqa: N803
        Switch | None, Query(description="`true` for numbers with texts, `false` for numbers without.")
    ] = None,
    mmsEnabled: Annotated[  # noqa: N803
        Switch | None, Query(description="`true` for numbers with pictures, `false` for numbers without.")
    ] = None,
    voiceEnabled: Annotated[  # noqa: N803
        Switch | None, Query(description="`true` for numbers with calls, `false` for numbers without.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=50, description="The largest number of results.")] = 20,
) -> AvailableNumberList:
    search = NumberSearch(
        country=country,
        type=type,
        area_code=areaCode,
        contains=contains,
        region=inRegion,
        locality=inLocality,
        postal_code=inPostalCode,
        sms=_switch(smsEnabled),
        mms=_switch(mmsEnabled),
        voice=_switch(voiceEnabled),
        limit=limit,
    )
    return AvailableNumberList(
        numbers=[AvailableNumberView.of(one) for one in available.search_available_numbers(search)]
    )


def _switch(text: Switch | None) -> bool | None:
    return None if text is None else text == "true"


@api.post(
    "/api/numbers/buy",
    summary="Buy a number",
    operation_id="buyNumber",
    description="Charges the first month, within the organization's spending cap and the plan's limit of numbers. "
    "Each later month is charged on its first day, also above the cap. A number that the organization has already is "
    "returned as it is, and is not charged again. A number without calls or texts is bought without the flow that "
    "needs them. After a 503, send the same request again: it finds out whether the number was bought, and buys it at "
    "most once.",
    status=201,
    permission=Permission.NUMBERS_BUY,
    responses={
        400: "`number_unavailable`: somebody else has the number, or the provider does not sell it."
        " `number_not_for_sale`: the platform does not sell such numbers. `purchase_refused`: the provider refuses."
        " `unknown_flow`. `flow_kind`: the flow answers no calls.",
        403: "`hard_cap`: the spending cap is reached. `number_limit`: the plan allows no more numbers.",
        503: f"{_NO_PROVIDER} `purchase_unconfirmed`: the outcome is not known yet.",
    },
)
def buy_number(request: NumberBuyInput) -> NumberView:
    order = NumberOrder(
        request.phoneNumber, request.friendly_name or None, request.flow_id or None, request.sms_flow_id or None
    )
    return NumberView.of(assignments.buy_number(api.member, order, api.member.effect))


@api.patch(
    "/api/numbers/<num:number_id>",
    summary="Change a number's name or flow",
    operation_id="updateNumber",
    description="A missing field stays unchanged. `null` takes the number from its flow. The next call follows the "
    "change; a call in progress does not.",
    permission=Permission.NUMBERS_WRITE,
    responses={
        400: "`number_released`: it gets no flow. `unknown_flow`. `flow_kind`: the flow answers no calls."
        " `number_without_voice`, `number_without_sms`: the number cannot serve the flow.",
        404: "There is no such number.",
    },
)
def update_number(number_id: str, request: NumberChanges) -> NumberView:
    return NumberView.of(assignments.update_number(api.member, number_id, request.given(), api.member.effect))


handler = api.handler
