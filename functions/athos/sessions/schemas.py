"""Sessions, as Athos' clients see them (docs/contracts/athos.md#sessions)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from switchboard.roleplay.catalog.models import Difficulty
from switchboard.roleplay.models import Wanted
from switchboard.roleplay.sessions import Minted, Redeemed

#: Longer than any id that was ever seen, and short enough for an item.
_LONGEST_ID = 512


class _Asked(BaseModel):
    """A body's object: what is not there is left out, and never null."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:
        for name, member in value.items() if isinstance(value, dict) else ():
            if member is None and name in {to_camel(field) for field in cls.model_fields}:
                raise ValueError(f"{name}: is null: leave it out instead")
        return value


def _nothing() -> None:
    """The default of what may be left out: as a factory, it has no place in the schema."""


class MintSessionRequest(_Asked):
    """The rep that a session is for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"externalUserId": "rep_8842", "externalAgencyId": "agency_chicago"}]}
    )

    external_user_id: str = Field(
        min_length=1, max_length=_LONGEST_ID, description="Your own id of the rep: calls and webhooks carry it."
    )
    external_agency_id: Annotated[str, Field(min_length=1, max_length=_LONGEST_ID)] | SkipJsonSchema[None] = Field(
        default_factory=_nothing, description="Your own id of the rep's agency: a label to filter by."
    )


class MintSessionResponse(BaseModel):
    """A session token, shown this once."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    token: str = Field(description="A JSON Web Token, for the rep's browser to redeem.")
    expires_at: str = Field(
        description="Until when it can be redeemed: about five minutes.", json_schema_extra={"format": "date-time"}
    )

    @classmethod
    def of(cls, minted: Minted) -> MintSessionResponse:
        """The answer to a minting."""
        return cls(token=minted.token, expires_at=minted.session.expires_at)


class Filters(_Asked):
    """Wishes for the persona: what nothing matches is passed over."""

    state: str | SkipJsonSchema[None] = Field(default_factory=_nothing, description="A US state, by its two letters.")
    category: str | SkipJsonSchema[None] = Field(default_factory=_nothing, description="Accepted, and not applied yet.")


class RedeemSessionRequest(_Asked):
    """What the rep wants to practise."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"drillKey": "ma-full-sale", "difficulty": "Advanced"}]})

    drill_key: str = Field(description="A drill of the catalogue, `ma-full-sale` for example. More are added.")
    filters: Filters = Field(default_factory=Filters)
    difficulty: Literal["Beginner", "Advanced", "Elite"] = Field(
        default="Advanced", description="How hard the persona makes it."
    )

    def wanted(self) -> Wanted:
        """The wish in the domain's terms."""
        return Wanted(
            drill_key=self.drill_key,
            difficulty=Difficulty(self.difficulty),
            state=self.filters.state,
            category=self.filters.category,
        )


class Persona(BaseModel):
    """Whom the rep will talk to."""

    name: str


class RedeemSessionResponse(BaseModel):
    """A call that awaits its rep."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    connection_ticket: str = Field(description="Opens the call's room, for the SDK alone.")
    connection_url: str = Field(description="Where the room is, for the SDK alone.")
    session_id: str = Field(description="The session's id, `ext_…`.")
    call_id: str = Field(description="The call's id, `athos_call_…`: in the list, in webhooks, at its own path.")
    persona: Persona

    @classmethod
    def of(cls, redeemed: Redeemed) -> RedeemSessionResponse:
        """The answer to a redemption."""
        call, ticket = redeemed
        return cls(
            connection_ticket=ticket.token,
            connection_url=ticket.url,
            session_id=call.session_id,
            call_id=call.id,
            persona=Persona(name=call.persona.name),
        )
