"""Requests and responses of the pages that show a widget (docs/widgets.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from switchboard.calls.models import AGENT_SPEAKER, OVER_STATES, State
from switchboard.carriers import captcha
from switchboard.widgets.lead_forms import MAX_CHARACTERS
from switchboard.widgets.models import CaptchaProvider, LeadField, WidgetToken
from switchboard.widgets.sessions import CAPTCHA_ACTION, SessionWithTalk, StartedSession

_TOKEN_CHARACTERS = 2_048
_NOTICE = "You will talk with an artificial voice. The talk may be recorded. It is written down and kept."
_CONSENT_CHARACTERS = 1_000


class WidgetCaptchaView(BaseModel):
    """The captcha that the page shows."""

    provider: CaptchaProvider
    site_key: str | None = Field(description="The captcha's public key.")
    action: str = Field(description="The action that the page gives to the captcha.")


class WidgetConfigView(BaseModel):
    """The public settings of a widget."""

    name: str
    lead_fields: list[LeadField]
    captcha: WidgetCaptchaView
    max_session_seconds: int
    notice: str = Field(description="The text that the page shows the visitor before the talk.")
    consent_text: str | None = Field(
        description="The words of a box that the visitor may tick. Send them as `consent` if the visitor ticked it."
        " Null if the form asks for no telephone number."
    )
    privacy_url: str | None = Field(description="The privacy policy of the page's owner.")

    @classmethod
    def of(cls, token: WidgetToken) -> WidgetConfigView:
        """Returns the public part of a token."""
        key = None if token.captcha_provider == "none" else token.captcha_site_key or captcha.site_key()
        return cls(
            name=token.name,
            lead_fields=token.lead_fields,
            captcha=WidgetCaptchaView(provider=token.captcha_provider, site_key=key, action=CAPTCHA_ACTION),
            max_session_seconds=token.max_session_seconds,
            notice=token.notice or _NOTICE,
            consent_text=token.asked_consent,
            privacy_url=token.privacy_url,
        )


class LeadInput(BaseModel):
    """The answers of the visitor. Send only the fields that the widget's form has."""

    name: Annotated[str, Field(max_length=MAX_CHARACTERS["name"])] | SkipJsonSchema[None] = None
    email: Annotated[str, Field(max_length=MAX_CHARACTERS["email"])] | SkipJsonSchema[None] = None
    phone: Annotated[str, Field(max_length=MAX_CHARACTERS["phone"])] | SkipJsonSchema[None] = Field(
        default=None, description="With the country code. Ten digits alone are a North American number."
    )
    notes: Annotated[str, Field(max_length=MAX_CHARACTERS["notes"])] | SkipJsonSchema[None] = Field(
        default=None, description="The visitor's question or wish."
    )

    def to_answers(self) -> dict[str, str | None]:
        """Returns the fields that the request sent."""
        return {name: value for name, value in self if name in self.model_fields_set}


class StartSessionInput(BaseModel):
    """The start of a session."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"captcha_token": "0.abc", "lead": {"name": "Ada"}}]})

    captcha_token: Annotated[str, Field(max_length=_TOKEN_CHARACTERS)] | SkipJsonSchema[None] = Field(
        default=None, description="The captcha's token, if the widget has a captcha."
    )
    lead: LeadInput = Field(
        default_factory=LeadInput, description="The answers in the widget's form, by the names of its fields."
    )
    consent: Annotated[str, Field(max_length=_CONSENT_CHARACTERS)] | SkipJsonSchema[None] = Field(
        default=None,
        description="The `consent_text` of the configuration, if the visitor ticked its box. Other words are refused. A"
        " session needs no consent.",
    )


class ConnectionView(BaseModel):
    """The room of the talk: a client of LiveKit joins it with this ticket."""

    url: str
    ticket: str


class StartedSessionView(BaseModel):
    """A new session. The token is shown in this response only."""

    session_id: str
    session_token: str = Field(description="The credential for reading and ending the session.")
    connection: ConnectionView
    expires_at: str = Field(description="When the platform ends the session.")

    @classmethod
    def of(cls, started: StartedSession) -> StartedSessionView:
        """Returns the view of a new session."""
        return cls(
            session_id=started.session.id,
            session_token=started.token,
            connection=ConnectionView(url=started.ticket.url, ticket=started.ticket.token),
            expires_at=started.session.ends_at,
        )


class SessionTurnView(BaseModel):
    """A spoken turn."""

    number: int
    role: Literal["agent", "visitor"]
    text: str
    final: bool = Field(description="Whether the text will not change.")


class SessionView(BaseModel):
    """A session, and what was said so far."""

    session_id: str
    status: Literal["waiting", "live", "ended"] = Field(
        description="`waiting`: the visitor has not joined the room yet."
    )
    expires_at: str
    turns: list[SessionTurnView]

    @classmethod
    def of(cls, found: SessionWithTalk) -> SessionView:
        """Returns the view of a session."""
        state = found.call.state
        status: Literal["waiting", "live", "ended"] = "waiting" if state is State.RINGING else "live"
        return cls(
            session_id=found.session.id,
            status="ended" if state in OVER_STATES else status,
            expires_at=found.session.ends_at,
            turns=[
                SessionTurnView(
                    number=turn.number,
                    role="agent" if turn.speaker == AGENT_SPEAKER else "visitor",
                    text=turn.text,
                    final=turn.final,
                )
                for turn in found.turns
            ],
        )
