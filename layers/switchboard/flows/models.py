"""The models of a flow, and of its versions."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from switchboard.compliance.models import Purpose, StandingConsent

FlowKind = Literal["inbound", "outbound"]
FlowProvider = Literal["openai", "gemini", "elevenlabs"]
SourceFormat = Literal["json", "yaml"]
FlowChannel = Literal["voice", "sms"]
#: A flow starts by a call, by a text that comes in, or by an event from outside (`switchboard.triggers`).
FlowTrigger = Literal["call", "message", "event"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

#: The fields that hold JSON as text, each with the name of its value. A text of None means that there is no value.
TEXT_FIELDS = {
    "tools_json": "tools",
    "transfer_map_json": "transfer_map",
    "flow_transfer_map_json": "flow_transfer_map",
    "outcome_schema_json": "outcome_schema",
    "business_hours_json": "business_hours",
    "holidays_json": "holidays",
    "trigger_variables_json": "trigger_variables",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Tool(_Strict):
    """A function that the agent may call during a call: an HTTP request to the customer's URL.

    `parameters` is the JSON Schema of its arguments.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    url: str
    method: Literal["GET", "POST"] = "POST"


class OpeningWindow(_Strict):
    """The hours from `start` to `end`, as `HH:MM` on the clock of the flow's zone.

    An end at or before the start is on the next day. `24:00` is the end of the day.
    """

    start: str
    end: str

    @property
    def start_minute(self) -> int:
        """The first minute of the window, counted from midnight."""
        return _minute(self.start)

    @property
    def end_minute(self) -> int:
        """The minute after the window, counted from midnight of the day on which it starts. At most 2,880."""
        end = _minute(self.end)
        return end if end > self.start_minute else end + 24 * 60


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


class Holiday(_Strict):
    """A day with other hours than its weekday; without hours it is closed.

    `date` is one day (`2026-12-25`) or a day of each year (`12-25`). `rule` is a day such as `4th thursday of november`
    (`switchboard.flows.holidays`). A holiday has one of the two.
    """

    name: str = ""
    date: str | None = None
    rule: str | None = None
    hours: list[OpeningWindow] = Field(default_factory=list)


BusinessHours = dict[Weekday, list[OpeningWindow]]
TOOLS = TypeAdapter(list[Tool])
TEXT_MAP = TypeAdapter(dict[str, str], config=ConfigDict(strict=True))
HOURS = TypeAdapter(BusinessHours)
HOLIDAYS = TypeAdapter(list[Holiday])


class FlowSettings(BaseModel):
    """The settings of a flow, in the words of the HUM contract.

    `provider_agent_id` is the voice provider's own agent that talks, if there is one. `caller_id` is the number from
    which the flow calls. `consent_source` and `consent_date` are the consent for its calls, if no better consent is
    known. `purpose` is the purpose of its calls: telemarketing or informational.

    A flow whose `trigger_type` is `event` calls or texts somebody when an event of `trigger_events` is fired. The path
    `trigger_target` says where the event has the number, and `trigger_variables_json` which of its values have names.

    A field that ends in `_json` holds the text that a person saved. Its value is a property of the same name without
    the ending. A new object may give the value instead of the text.
    """

    name: str
    kind: FlowKind = "inbound"
    greeting: str = ""
    system_prompt: str = ""
    voice: str | None = None
    voicemail_enabled: bool = True
    announce_recording: bool = True
    tools_json: str = "[]"
    transfer_map_json: str = "{}"
    flow_transfer_map_json: str = "{}"
    outcome_schema_json: str | None = None
    caller_id_number_id: str | None = None
    voicemail_leave_message: str | None = None
    provider: FlowProvider | None = None
    timezone: str | None = None
    business_hours_json: str | None = None
    holidays_json: str | None = None
    after_hours_message: str | None = None
    business_hours_enabled: bool = False
    channel: FlowChannel = "voice"
    trigger_type: FlowTrigger = "call"
    trigger_events: list[str] = Field(default_factory=list)
    trigger_target: str | None = None
    trigger_variables_json: str = "{}"
    provider_agent_id: str | None = None
    caller_id: str | None = None
    consent_source: str | None = None
    consent_date: str | None = None
    purpose: Purpose = Purpose.INFORMATIONAL

    @model_validator(mode="before")
    @classmethod
    def _write_texts(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        texts = {}
        for field, name in TEXT_FIELDS.items():
            if name in given and field not in given:
                value = given[name]
                empty = value is None and cls.model_fields[field].default is None
                texts[field] = None if empty else write_json(value)
        return {name: value for name, value in given.items() if name not in TEXT_FIELDS.values()} | texts

    @property
    def tools(self) -> list[Tool]:
        """The tools that the agent may call."""
        return TOOLS.validate_json(self.tools_json)

    @property
    def transfer_map(self) -> dict[str, str]:
        """The numbers (E.164) to which the agent may transfer a call, by label."""
        return TEXT_MAP.validate_json(self.transfer_map_json)

    @property
    def flow_transfer_map(self) -> dict[str, str]:
        """The flows to which the agent may transfer a call, by label."""
        found = TEXT_MAP.validate_json(self.flow_transfer_map_json)
        return {label: flow_id.lower() for label, flow_id in found.items()}

    @property
    def outcome_schema(self) -> dict[str, Any] | None:
        """The JSON Schema of a call's outcome."""
        return json.loads(self.outcome_schema_json) if self.outcome_schema_json else None

    @property
    def business_hours(self) -> BusinessHours | None:
        """The opening windows of each weekday. A missing day is closed."""
        return HOURS.validate_json(self.business_hours_json) if self.business_hours_json else None

    @property
    def holidays(self) -> list[Holiday]:
        """The days with other hours."""
        return HOLIDAYS.validate_json(self.holidays_json) if self.holidays_json else []

    @property
    def trigger_variables(self) -> dict[str, str]:
        """The paths of an event's values, by the names that the greeting and the prompt use."""
        return TEXT_MAP.validate_json(self.trigger_variables_json)

    @property
    def event_filters(self) -> list[str]:
        """The filters of the events that start the flow, none for a flow that no event starts."""
        return self.trigger_events if self.trigger_type == "event" else []


def write_json(value: Any) -> str:
    """Returns a value of models and plain values as JSON text."""
    return json.dumps(value, ensure_ascii=False, default=lambda model: model.model_dump(mode="json", exclude_none=True))


class Flow(FlowSettings):
    """An agent for calls. Its id is a UUID, because OptiComm's contract identifies an agent by a UUID.

    `version` counts its changes. A call keeps the version with which it started (`service.get_flow_version`).
    `source_version` is the last version that was saved as a whole configuration. Its text is kept with its comments.
    """

    id: str
    org_id: str
    version: int = 1
    source_version: int | None = None
    created_at: str
    updated_at: str
    updated_by: str | None = None

    @property
    def basis(self) -> StandingConsent | None:
        """The consent for its calls."""
        if self.consent_source is None:
            return None
        return StandingConsent(source=self.consent_source, date=self.consent_date, of=f"flow:{self.id}")


class FlowVersion(BaseModel):
    """One version of a flow. `format` is the format of the saved configuration, if the version has one."""

    version: int
    note: str | None = None
    format: SourceFormat | None = None
    created_at: str
    created_by: str | None = None


class FlowSource(NamedTuple):
    """The text of a configuration."""

    text: str
    format: SourceFormat


class FlowSnapshot(NamedTuple):
    """A version with its flow. `source` is the text of the configuration, if it was saved as one."""

    entry: FlowVersion
    flow: Flow
    source: FlowSource | None


class FlowUsers(NamedTuple):
    """The things that use a flow: numbers, and flows that transfer calls to it."""

    numbers: list[dict[str, str]]
    flows: list[dict[str, str]]
