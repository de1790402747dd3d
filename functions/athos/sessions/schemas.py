"""Request and response models of Athos' sessions (docs/contracts/athos.md#sessions)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from switchboard.roleplay.catalog.models import Difficulty
from switchboard.roleplay.models import DrillRequest
from switchboard.roleplay.sessions import CallWithTicket, SessionWithToken

#: Longer than any known id of a customer, and short enough for a table's item.
_MAX_ID_CHARACTERS = 512


class _RequestObject(BaseModel):
    """An object in a request body. Optional fields may be missing, but never null."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:
        for name, member in value.items() if isinstance(value, dict) else ():
            if member is None and name in {to_camel(field) for field in cls.model_fields}:
                raise ValueError(f"{name}: is null: omit the field instead")
        return value


def _default_none() -> None:
    """Returns the default of an optional field. As a factory, the default does not appear in the schema."""


class MintSessionRequest(_RequestObject):
    """The rep of the session."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"externalUserId": "rep_8842", "externalAgencyId": "agency_chicago"}]}
    )

    external_user_id: str = Field(
        min_length=1,
        max_length=_MAX_ID_CHARACTERS,
        description="Your own id of the rep. Calls and webhooks contain it.",
    )
    external_agency_id: Annotated[str, Field(min_length=1, max_length=_MAX_ID_CHARACTERS)] | SkipJsonSchema[None] = (
        Field(default_factory=_default_none, description="Your own id of the rep's agency. You can filter calls by it.")
    )


class MintSessionResponse(BaseModel):
    """A session token. It is shown in this response only."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    token: str = Field(description="A JSON Web Token. The rep's browser redeems it.")
    expires_at: str = Field(
        description="The end of the token's validity, in about five minutes.", json_schema_extra={"format": "date-time"}
    )

    @classmethod
    def of(cls, minted: SessionWithToken) -> MintSessionResponse:
        """Returns the response for a new session."""
        return cls(token=minted.token, expires_at=minted.session.expires_at)


class PersonaFilters(_RequestObject):
    """Preferences for the persona. A filter without a match is ignored."""

    state: str | SkipJsonSchema[None] = Field(
        default_factory=_default_none, description="The two-letter code of a US state."
    )
    category: str | SkipJsonSchema[None] = Field(
        default_factory=_default_none, description="Accepted, but not applied yet."
    )


class RedeemSessionRequest(_RequestObject):
    """The drill that the rep wants to practice."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"drillKey": "ma-full-sale", "difficulty": "Advanced"}]})

    drill_key: str = Field(description="A drill of the catalog, for example `ma-full-sale`. More drills may be added.")
    filters: PersonaFilters = Field(default_factory=PersonaFilters)
    difficulty: Literal["Beginner", "Advanced", "Elite"] = Field(
        default="Advanced", description="The difficulty of the persona."
    )

    def to_drill_request(self) -> DrillRequest:
        """Returns the domain's request for a call."""
        return DrillRequest(
            drill_key=self.drill_key,
            difficulty=Difficulty(self.difficulty),
            state=self.filters.state,
            category=self.filters.category,
        )


class PersonaView(BaseModel):
    """The persona that the rep talks to."""

    name: str


class RedeemSessionResponse(BaseModel):
    """A call that is ready for the rep."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    connection_ticket: str = Field(description="The credential for the call's room. Pass it to the SDK.")
    connection_url: str = Field(description="The address of the call's room. Pass it to the SDK.")
    session_id: str = Field(description="The id of the session, `ext_…`.")
    call_id: str = Field(
        description="The id of the call, `athos_call_…`. The list, webhooks and the call's path use it."
    )
    persona: PersonaView

    @classmethod
    def of(cls, redeemed: CallWithTicket) -> RedeemSessionResponse:
        """Returns the response to a redeemed token."""
        call, ticket = redeemed
        return cls(
            connection_ticket=ticket.token,
            connection_url=ticket.url,
            session_id=call.session_id,
            call_id=call.id,
            persona=PersonaView(name=call.persona.name),
        )
