"""The signed-in person and their organisation, as HUM's clients see them (docs/contracts/hum.md#account)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from switchboard.access.sessions import SignedIn
from switchboard.accounts.models import Organisation, VoiceProvider
from switchboard.edge.fields import Line
from switchboard.edge.ok import Ok
from switchboard.edge.schema import no_default
from switchboard.email.address import Address
from switchboard.people.names import one_line
from switchboard.team import members, places
from switchboard.team.models import PendingInvite, PendingInvites, Place
from switchboard.team.permissions import Permission, Role

# One visible line each: what the organization is called is shown to others, in mails too.
Name = Annotated[str, Line(200, least=1)]
Text32 = Annotated[str, Line(32)]
Text120 = Annotated[str, Line(120)]
Text200 = Annotated[str, Line(200)]


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


class OwnInvite(BaseModel):
    """An invite that the person may accept."""

    id: str
    org_name: str
    role: Role
    invited_by: str = Field(description="The name of the person who invited.")
    created_at: str
    expires_at: str

    @classmethod
    def of(cls, pending: PendingInvite) -> OwnInvite:
        """An invite, as the person sees it whose address it is for."""
        invite, organisation = pending
        return cls(
            id=invite.id,
            org_name=one_line(organisation.name),
            role=invite.role,
            invited_by=one_line(invite.invited_by),
            created_at=invite.created_at,
            expires_at=invite.expires_at,
        )


class OwnInvites(BaseModel):
    """The invites for the person's address, once their issuer has verified it."""

    invites: list[OwnInvite] = Field(description="The newest ones that can still be accepted, 20 at most.")
    invite_count: int = Field(description="How many can be accepted; more than 50 count as 50.", ge=0)

    @classmethod
    def of(cls, pending: PendingInvites) -> OwnInvites:
        """A person's invites, as they see them."""
        return cls(invites=[OwnInvite.of(one) for one in pending.newest], invite_count=pending.total)


class AcceptedInvite(Ok):
    """The organization that the person has joined."""

    org: OwnOrganization

    @classmethod
    def of(cls, place: Place) -> AcceptedInvite:
        """The place that an invite led to."""
        org = OwnOrganization(id=place.organisation.id, name=place.organisation.name, role=place.role)
        return cls(ok=True, org=org)


class Me(OwnInvites):
    """The signed-in person, the organization that the session looks at, their role there, and who invites them."""

    user: User
    org: CurrentOrganization | None = Field(description="`null` before an organisation is created or joined.")
    role: Role | None
    orgs: list[OwnOrganization]
    permissions: list[Permission]

    @classmethod
    def told(cls, signed_in: SignedIn, pending: PendingInvites) -> Me:
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
                for place in places.places_of(user.id)
            ],
            permissions=members.permissions_of(role) if role else [],
            **dict(OwnInvites.of(pending)),
        )


class Switch(BaseModel):
    """Another organisation to look at."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"org_id": "org_01k9x4c8v6q2m3n4p5r6s7t8v9"}]})

    org_id: str = Field(min_length=1, max_length=64)
