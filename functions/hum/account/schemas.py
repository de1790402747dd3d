"""The signed-in person and their organisation, as HUM's clients see them (conventions.md 4.7)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from switchboard.access.sessions import SignedIn
from switchboard.accounts.models import Organisation, VoiceProvider
from switchboard.edge.schema import no_default
from switchboard.email.address import Address
from switchboard.team import service as team
from switchboard.team.permissions import Permission, Role

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text32 = Annotated[str, StringConstraints(strip_whitespace=True, max_length=32)]
Text120 = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)]
Text200 = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class OrganizationInput(BaseModel):
    """An organisation's profile. A field that is left out stays as it is; `null` empties it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Lakeside Clinic", "contact_email": "office@lakeside.example"}]}
    )

    name: Name
    contact_name: Text200 | None = None
    contact_email: Address | None = None
    contact_phone: Text32 | None = None
    address_line1: Text200 | None = None
    address_line2: Text200 | None = None
    address_city: Text120 | None = None
    address_region: Text120 | None = None
    address_postal_code: Text32 | None = None
    address_country: Text120 | None = None
    default_provider: VoiceProvider = Field(default=VoiceProvider.ELEVENLABS, json_schema_extra=no_default)

    def given(self) -> dict[str, Any]:
        """What the request says, and nothing that it leaves out."""
        return self.model_dump(mode="json", exclude_unset=True)


class Organization(BaseModel):
    """An organisation."""

    id: str
    name: str
    slug: str
    plan: str
    timezone: str
    contact_name: str | None
    contact_email: str | None
    contact_phone: str | None
    address_line1: str | None
    address_line2: str | None
    address_city: str | None
    address_region: str | None
    address_postal_code: str | None
    address_country: str | None
    default_provider: VoiceProvider
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, organisation: Organisation) -> Organization:
        """An organisation of the domain, as HUM shows it."""
        return cls.model_validate(organisation.model_dump())


class User(BaseModel):
    """A person."""

    id: str
    email: str | None
    name: str
    avatar_url: str | None


class OwnOrganization(BaseModel):
    """An organisation that the person belongs to."""

    id: str
    name: str
    role: Role


class CurrentOrganization(OwnOrganization):
    """The organisation that the session looks at."""

    plan: str


class Me(BaseModel):
    """The signed-in person, the organisation that the session looks at, and what they may do there."""

    user: User
    org: CurrentOrganization | None = Field(description="`null` before an organisation is created or joined.")
    role: Role | None
    orgs: list[OwnOrganization]
    permissions: list[Permission]

    @classmethod
    def of(cls, signed_in: SignedIn) -> Me:
        """What a session stands for."""
        user, organisation, membership = signed_in.user, signed_in.organisation, signed_in.membership
        role = membership.role if membership else None
        return cls(
            user=User(id=user.id, email=user.email, name=user.name, avatar_url=user.avatar_url),
            org=CurrentOrganization(id=organisation.id, name=organisation.name, role=role, plan=organisation.plan.value)
            if organisation and role
            else None,
            role=role,
            orgs=[
                OwnOrganization(id=place.organisation.id, name=place.organisation.name, role=place.role)
                for place in team.places_of(user.id)
            ],
            permissions=team.permissions(role) if role else [],
        )


class Switch(BaseModel):
    """Another organisation to look at."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"org_id": "org_01k9x4c8v6q2m3n4p5r6s7t8v9"}]})

    org_id: str = Field(min_length=1, max_length=64)
