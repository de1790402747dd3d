"""Request and response models of HUM's flows (docs/contracts/hum.md#flows)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from switchboard.edge.fields import Bit, OneLine
from switchboard.edge.schema import omit_default
from switchboard.events.external_names import MAX_FILTER_CHARACTERS
from switchboard.flows.event_paths import MAX_CHARACTERS
from switchboard.flows.event_rules import MAX_EVENTS
from switchboard.flows.models import (
    Flow,
    FlowChannel,
    FlowKind,
    FlowProvider,
    FlowTrigger,
    FlowVersion,
    SourceFormat,
)
from switchboard.flows.rules import MAX_NAME, TEXT_LIMITS
from switchboard.flows.source import MAX_SOURCE_BYTES
from switchboard.flows.versions import FlowConfig, VersionConfig
from switchboard.numbers.models import Number

Name = Annotated[str, OneLine(MAX_NAME, least=1)]
#: The contract lists null among the values.
Provider = Annotated[FlowProvider, WithJsonSchema({"type": "string", "enum": ["openai", "gemini", "elevenlabs", None]})]
#: The fields that are 0 or 1 here, and true or false in the domain.
_FLAGS = ("voicemail_enabled", "announce_recording", "business_hours_enabled")


def _text(description: str, default: str | None) -> Any:
    return Field(default=default, max_length=MAX_SOURCE_BYTES, description=f"JSON as text: {description}")


class FlowInput(BaseModel):
    """The settings of a flow. A field that ends in `_json` holds JSON as text.

    An error in such a text names the line and the path, for example `line 3, at [0].url: must begin with https://`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Front desk",
                    "kind": "inbound",
                    "greeting": "Hello, this is Lakeside Clinic.",
                    "system_prompt": "You book appointments.",
                    "transfer_map_json": '{"billing": "+14155550142"}',
                    "timezone": "America/Chicago",
                    "business_hours_enabled": 1,
                    "business_hours_json": '{"monday": [{"start": "09:00", "end": "12:00"}, {"start": "13:00", '
                    '"end": "17:00"}]}',
                    "holidays_json": '[{"name": "Thanksgiving", "rule": "4th thursday of november"}]',
                    "after_hours_message": "We are closed. Please call again tomorrow.",
                }
            ]
        }
    )

    name: Name
    kind: FlowKind = Field(default="inbound", description="An inbound flow answers calls, an outbound flow makes them.")
    greeting: str = Field(
        default="",
        max_length=TEXT_LIMITS["greeting"],
        description="The first words of a call. A value of the call's `task_context` replaces its name in double"
        " braces, such as `{{name}}`.",
    )
    system_prompt: str = Field(
        default="",
        max_length=TEXT_LIMITS["system_prompt"],
        description="The instructions for the model that talks. Names in double braces are replaced as in `greeting`.",
    )
    voice: str = Field(
        default="alloy",
        description="A voice of the catalog, or of OpenAI or Gemini by name. The error for another value lists all"
        " voices. Anima's `GET /v1/voice/catalog` describes those of the catalog.",
    )
    voicemail_enabled: Bit = Field(default=1, description="Whether a caller may leave a message: 1 or 0.")
    announce_recording: Bit = Field(
        default=1, description="Whether a caller is told that the call is recorded: 1 or 0. With 0 it is not recorded."
    )
    tools_json: str = _text(
        "a list of `{name, description, parameters, url, method}`. `parameters` is a JSON Schema of the arguments. "
        "`url` is public and begins with https. `method` is GET or POST.",
        "[]",
    )
    transfer_map_json: str = _text("an object from a label to a phone number (E.164).", "{}")
    flow_transfer_map_json: str = _text("an object from a label to the id of another flow.", "{}")
    outcome_schema_json: str | None = _text("the JSON Schema (2020-12) of a call's outcome, an object.", None)
    caller_id_number_id: str | None = Field(
        default=None, max_length=64, description="The id of your number from which the flow calls."
    )
    voicemail_leave_message: str | None = Field(
        default=None,
        max_length=TEXT_LIMITS["voicemail_leave_message"],
        description="The words that ask a caller for a message. Without them the platform has its own.",
    )
    provider: Provider | None = Field(
        default=None,
        description="The maker of the model that you prefer. It is kept, and has no effect in this version: the"
        " configured talker of the platform talks.",
    )
    timezone: str | None = Field(
        default=None, max_length=64, description="An IANA time zone. Without one, the organization's zone applies."
    )
    business_hours_json: str | None = _text(
        'an object from a weekday to its windows, `{"monday": [{"start": "09:00", "end": "17:00"}]}`. A missing day is '
        "closed. An end at or before the start is on the next day. `24:00` is the end of the day.",
        None,
    )
    holidays_json: str | None = _text(
        "a list of `{name, date, hours}` or `{name, rule, hours}`. `date` is `2026-12-25`, or `12-25` for each year. "
        "`rule` is `4th thursday of november`, `last monday of may`, `easter`, or such a day after "
        "`2 days before` or `day after`. `hours` are the windows of the day; without them the day is closed.",
        None,
    )
    after_hours_message: str | None = Field(
        default=None,
        max_length=TEXT_LIMITS["after_hours_message"],
        description="The words for a caller outside the business hours. Without them the platform has its own.",
    )
    business_hours_enabled: Bit = Field(
        default=0,
        description="Whether the flow answers only within `business_hours_json`: 1 or 0.",
        json_schema_extra=omit_default,
    )

    channel: FlowChannel = Field(
        default="voice", description="Whether the flow talks or writes. It says what an event starts: a call or a text."
    )
    trigger_type: FlowTrigger = Field(
        default="call",
        description="A call, a text that comes in, or an event starts the flow. With `event`, each event of"
        " `trigger_events` starts a call of an outbound flow, or sends the `greeting` as a text if the channel is"
        " `sms`. The compliance gate decides as about any other call and text. `GET /api/triggers/{id}/firings` shows"
        " the results.",
    )
    trigger_events: list[Annotated[str, Field(max_length=MAX_FILTER_CHARACTERS)]] = Field(
        default=[],
        max_length=MAX_EVENTS,
        description="The events from outside that start the flow: names such as `external.github.push`, or filters such"
        " as `external.github.*` and `external.*`.",
    )
    trigger_target: str | None = Field(
        default=None,
        max_length=MAX_CHARACTERS,
        description="Where an event has the number to call or text: a JSON pointer such as `/contact/phone`, or"
        " `{{contact.phone}}`. Without it, `/to` and then `/phone`.",
    )
    trigger_variables_json: str = _text(
        'an object from the name of a variable to the path of its value in an event, `{"first_name": "/contact/name"}`.'
        " The fields of the event itself are variables too.",
        "{}",
    )
    consent_source: str | None = Field(
        default=None,
        max_length=100,
        description="How the people whom the flow calls or texts on its own consented, for example"
        " `business-relationship`. It counts for a person without a better consent.",
    )
    consent_date: str | None = Field(default=None, max_length=64, description="The day of that consent.")

    def given(self) -> dict[str, Any]:
        """Returns the fields that the request sent, with their values in the domain."""
        return {
            name: bool(value) if name in _FLAGS else value
            for name, value in self.model_dump(exclude_unset=True).items()
        }

    def settings(self) -> dict[str, Any]:
        """Returns all fields, with their values in the domain."""
        return {name: bool(value) if name in _FLAGS else value for name, value in self.model_dump().items()}


def _require_name(schema: dict[str, Any]) -> None:
    schema["required"] = ["name"]
    schema["examples"] = [{"name": "Front desk", "greeting": "Good morning, this is Lakeside Clinic."}]


class FlowChanges(FlowInput):
    """The changes of a flow. A missing field stays unchanged, and its default has no effect.

    `null` clears a field whose type allows null. It is refused for all other fields: send an empty text, or 0.

    The contract requires `name`. A request without it is accepted, and the name stays.
    """

    model_config = ConfigDict(json_schema_extra=_require_name)

    name: Name = Field(default="", json_schema_extra=omit_default)


class AssignedNumberView(BaseModel):
    """A number that uses a flow."""

    id: str
    e164: str
    friendly_name: str
    calls: bool = Field(description="Whether calls to the number come to the flow.")
    texts: bool = Field(description="Whether texts to the number come to the flow.")


class FlowView(BaseModel):
    """A flow."""

    id: str
    name: str
    kind: FlowKind
    greeting: str
    system_prompt: str
    voice: str | None
    voicemail_enabled: Bit
    announce_recording: Bit
    tools_json: str
    transfer_map_json: str
    flow_transfer_map_json: str
    outcome_schema_json: str | None
    caller_id_number_id: str | None
    voicemail_leave_message: str | None
    provider: FlowProvider | None
    timezone: str | None
    business_hours_json: str | None
    holidays_json: str | None
    after_hours_message: str | None
    business_hours_enabled: Bit
    channel: FlowChannel
    trigger_type: FlowTrigger
    trigger_events: list[str]
    trigger_target: str | None
    trigger_variables_json: str
    consent_source: str | None
    consent_date: str | None
    version: int = Field(description="The number of changes, and of saved versions.")
    assigned_numbers: list[AssignedNumberView]
    created_at: str
    updated_at: str
    updated_by: str | None = Field(
        description="The id of the person or key that made the last change, or a name such as `demo` for the platform."
    )

    @classmethod
    def of(cls, flow: Flow, numbers: Sequence[Number]) -> FlowView:
        """Returns HUM's view of a flow. `numbers` are those of the organization, or those of the flow."""
        flags = {name: int(getattr(flow, name)) for name in _FLAGS}
        assigned = [
            AssignedNumberView(
                id=number.id,
                e164=number.e164,
                friendly_name=number.friendly_name,
                calls=number.flow_id == flow.id,
                texts=number.sms_flow_id == flow.id,
            )
            for number in numbers
            if flow.id in number.flow_ids
        ]
        return cls.model_validate(flow.model_dump() | flags | {"assigned_numbers": assigned})


class FlowList(BaseModel):
    """A page of flows."""

    flows: list[FlowView]
    next_cursor: str | None


class FlowVersionView(BaseModel):
    """A version of a flow."""

    version: int
    note: str | None
    created_at: str
    created_by: str | None
    format: SourceFormat | None = Field(description="The format, if the version was saved as a configuration.")

    @classmethod
    def of(cls, entry: FlowVersion) -> FlowVersionView:
        """Returns HUM's view of a version."""
        return cls.model_validate(entry.model_dump())


class FlowVersionList(BaseModel):
    """A page of a flow's versions."""

    versions: list[FlowVersionView]
    next_cursor: str | None


class FlowSnapshotView(BaseModel):
    """A version of a flow, with its configuration."""

    version: int
    note: str | None
    created_at: str
    created_by: str | None
    format: SourceFormat
    source: str

    @classmethod
    def of(cls, found: VersionConfig) -> FlowSnapshotView:
        """Returns HUM's view of a version with its configuration."""
        told = {"format": found.source.format, "source": found.source.text}
        return cls.model_validate(found.entry.model_dump() | told)


class FlowConfigInput(BaseModel):
    """A configuration to save. Its fields are those of a flow; a field that ends in `_json` has its value instead.

    The name of such a field has no ending: `tools` is a list, and `business_hours` an object. A missing field gets its
    default.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "format": "yaml",
                    "source": "name: Front desk\ngreeting: Hello, this is Lakeside Clinic.\n"
                    'transfer_map:\n  billing: "+14155550142"  # until six\n',
                    "note": "Calls about bills go to the office.",
                }
            ]
        }
    )

    format: SourceFormat = Field(default="json", description="The language of `source`.")
    source: str = Field(min_length=1, max_length=MAX_SOURCE_BYTES, description="The configuration, as one text.")
    note: str = Field(
        default="", max_length=500, description="A note on the new version.", json_schema_extra=omit_default
    )


class FlowRollbackInput(BaseModel):
    """The version to go back to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1, "note": "The old greeting was better."}]})

    version: int = Field(
        strict=True, ge=1, description="The number of the version whose settings become current again."
    )
    note: str = Field(
        default="",
        max_length=500,
        description="A note on the new version. The default is `Rollback to version N`.",
        json_schema_extra=omit_default,
    )


class FlowConfigView(BaseModel):
    """A flow as one text."""

    version: int
    format: SourceFormat
    source: str
    updated_at: str
    updated_by: str | None

    @classmethod
    def of(cls, found: FlowConfig) -> FlowConfigView:
        """Returns HUM's view of a configuration."""
        flow, source = found
        return cls(
            version=flow.version,
            format=source.format,
            source=source.text,
            updated_at=flow.updated_at,
            updated_by=flow.updated_by,
        )
