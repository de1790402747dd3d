"""Request and response models of HUM's numbers (docs/contracts/hum.md#numbers)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import OneLine, Pattern
from switchboard.edge.schema import omit_default
from switchboard.numbers import a2p, models
from switchboard.numbers.a2p import A2pStatus
from switchboard.numbers.available import PricedNumber
from switchboard.numbers.models import NumberStatus
from switchboard.numbers.registration import SyncCount

E164 = Annotated[str, Pattern(r"^\+[1-9]\d{7,14}$", "must be a number in E.164, such as +14155550142")]
NumberSid = Annotated[str, Pattern("^PN[0-9a-fA-F]{32}$", "must be PN and 32 hexadecimal digits")]
FriendlyName = Annotated[str, OneLine(120)]
FlowId = Annotated[str, Field(min_length=1, max_length=64)]

_NAME = "A name for people. The default is the number."


class NumberInput(BaseModel):
    """A number of the provider's inventory to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sid": "PN0123456789abcdef0123456789abcdef",
                    "e164": "+14155550128",
                    "friendly_name": "Front desk",
                    "flow_id": None,
                }
            ]
        }
    )

    sid: NumberSid = Field(description="The provider's id of the number.")
    e164: E164 = Field(description="The number, as the provider has it.")
    friendly_name: FriendlyName = Field(default="", description=_NAME, json_schema_extra=omit_default)
    flow_id: FlowId | None = Field(default=None, description="The flow that answers calls to the number.")


class NumberBuyInput(BaseModel):
    """A number to buy, as the search returned it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phoneNumber": "+14155550128", "friendly_name": "Front desk"}]}
    )

    phoneNumber: E164 = Field(description="The number, as the search shows it.")  # noqa: N815 the contract's name
    friendly_name: FriendlyName = Field(default="", description=_NAME, json_schema_extra=omit_default)
    flow_id: FlowId | None = Field(default=None, description="The flow that answers calls to the number.")
    sms_flow_id: FlowId | None = Field(default=None, description="The flow that answers texts to the number.")


class NumberChanges(BaseModel):
    """The changes of a number. A missing field stays unchanged; `null` takes the number from the flow."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"friendly_name": "Night line", "flow_id": None}]})

    flow_id: FlowId | None = Field(default=None, description="The flow that answers calls to the number.")
    friendly_name: FriendlyName = Field(default="", description=_NAME, json_schema_extra=omit_default)
    # The next field is not in the contract.
    sms_flow_id: FlowId | None = Field(default=None, description="The flow that answers texts to the number.")

    def given(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return self.model_dump(exclude_unset=True)


class NumberCapabilitiesView(BaseModel):
    """The abilities of a number."""

    voice: bool
    sms: bool
    mms: bool


class NumberView(BaseModel):
    """A telephone number of the organization."""

    id: str
    sid: str
    e164: str
    friendly_name: str
    flow_id: str | None
    sms_flow_id: str | None
    capabilities: NumberCapabilitiesView
    status: NumberStatus
    monthly_cost_cents: int
    a2p_status: A2pStatus = Field(
        description="The registration of a local American number for texts to the United States (A2P 10DLC). Networks"
        " block texts of a number without one."
    )
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, number: models.Number) -> NumberView:
        """Returns HUM's view of a number."""
        return cls.model_validate(number.model_dump() | {"a2p_status": a2p.status_of(number)})


class NumberList(BaseModel):
    """A page of numbers, newest first."""

    numbers: list[NumberView]
    next_cursor: str | None


class AvailableCapabilitiesView(BaseModel):
    """The abilities of a number on sale, in the provider's spelling."""

    voice: bool
    SMS: bool
    MMS: bool


class AvailableNumberView(BaseModel):
    """A number on sale, in the provider's names. A toll-free number has no place."""

    phoneNumber: str  # noqa: N815 the provider's names
    friendlyName: str  # noqa: N815
    locality: str | None
    region: str | None
    postalCode: str | None  # noqa: N815
    isoCountry: str  # noqa: N815
    latitude: float | None
    longitude: float | None
    capabilities: AvailableCapabilitiesView
    monthlyPriceCents: int  # noqa: N815

    @classmethod
    def of(cls, priced: PricedNumber) -> AvailableNumberView:
        """Returns HUM's view of a number on sale."""
        number, features = priced.number, priced.number.features
        return cls(
            phoneNumber=number.e164,
            friendlyName=number.friendly_name,
            locality=number.locality,
            region=number.region,
            postalCode=number.postal_code,
            isoCountry=number.country,
            latitude=number.latitude,
            longitude=number.longitude,
            capabilities=AvailableCapabilitiesView(voice=features.voice, SMS=features.sms, MMS=features.mms),
            monthlyPriceCents=priced.monthly_price_cents,
        )


class AvailableNumberList(BaseModel):
    """Numbers on sale."""

    numbers: list[AvailableNumberView]
    next_cursor: str | None = Field(default=None, description="Always null: narrow the search to see other numbers.")


class SyncView(Ok):
    """The result of a sync."""

    added: int = Field(description="The count of new numbers.")
    updated: int = Field(description="The count of numbers whose facts changed.")
    released: int = Field(description="The count of numbers that the provider no longer has.")

    @classmethod
    def of(cls, count: SyncCount) -> SyncView:
        """Returns HUM's view of a sync."""
        return cls.model_validate({"ok": True, **count._asdict()})


NumberTypeName = Literal["Local", "TollFree"]
Switch = Literal["true", "false"]
