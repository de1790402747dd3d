"""Request and response models of the signed-in person and their organization (docs/contracts/hum.md#account)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from switchboard.access.sessions import SessionIdentity
from switchboard.accounts.models import Organization, VoiceProvider
from switchboard.dialects.hum.shapes import Ok
from switchboard.edge.fields import OneLine
from switchboard.edge.schema import omit_default
from switchboard.email.address import EmailAddress
from switchboard.people.names import one_line
from switchboard.team import members, memberships
from switchboard.team.models import OrganizationRole, PendingInvite, PendingInvites
from switchboard.team.permissions import Permission, Role

# One line of visible text each: other people see an organization's name, for example in mails.
Name = Annotated[str, OneLine(200, least=1)]
Text32 = Annotated[str, OneLine(32)]
Text120 = Annotated[str, OneLine(120)]
Text200 = Annotated[str, OneLine(200)]


class OrganizationInput(BaseModel):
    """An organization's profile. A missing field stays unchanged; `null` clears it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Lakeside Clinic", "contact_email": "office@lakeside.example"}]}
    )

    name: Name
    contact_name: Text200 | None = None
    contact_email: EmailAddress | None = None
    contact_phone: Text32 | None = None
    address_line1: Text200 | None = None
    address_line2: Text200 | None = None
    address_city: Text120 | None = None
    address_region: Text120 | None = None
    address_postal_code: Text32 | None = None
    address_country: Text120 | None = None
    default_provider: VoiceProvider = Field(
        default=VoiceProvider.ELEVENLABS,
        description="The maker of the models that you prefer. It is kept, and has no effect in this version.",
        json_schema_extra=omit_default,
    )
    smart_encoding: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Whether your texts get plain quotes, dashes and spaces for typographic ones. A text that then fits"
        " in GSM-7 has fewer segments. Other texts stay as they are.",
        json_schema_extra=omit_default,
    )

    def sent_fields(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return self.model_dump(mode="json", exclude_unset=True)


class OrganizationView(BaseModel):
    """An organization."""

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
    smart_encoding: bool
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, organization: Organization) -> OrganizationView:
        """Returns HUM's view of an organization."""
        return cls.model_validate(organization.model_dump())


class UserView(BaseModel):
    """A person."""

    id: str
    email: str | None
    name: str
    avatar_url: str | None


class OwnOrganization(BaseModel):
    """An organization of the person."""

    id: str
    name: str
    role: Role


class CurrentOrganization(OwnOrganization):
    """The current organization of the session."""

    plan: str


class OwnInvite(BaseModel):
    """An invite that the person can accept."""

    id: str
    org_name: str
    role: Role
    invited_by: str = Field(description="The name of the member who sent the invite.")
    created_at: str
    expires_at: str

    @classmethod
    def of(cls, pending: PendingInvite) -> OwnInvite:
        """Returns the invited person's view of an invite."""
        invite, organization = pending
        return cls(
            id=invite.id,
            org_name=one_line(organization.name),
            role=invite.role,
            invited_by=one_line(invite.invited_by),
            created_at=invite.created_at,
            expires_at=invite.expires_at,
        )


class OwnInvites(BaseModel):
    """The invites for the person's email address. It is empty until the issuer has verified the address."""

    invites: list[OwnInvite] = Field(description="The newest invites that can still be accepted, at most 20.")
    invite_count: int = Field(description="The number of invites that can be accepted, at most 50.", ge=0)

    @classmethod
    def of(cls, pending: PendingInvites) -> OwnInvites:
        """Returns the invited person's view of their invites."""
        return cls(invites=[OwnInvite.of(one) for one in pending.newest], invite_count=pending.total)


class AcceptInviteResponse(Ok):
    """The organization that the person has joined."""

    org: OwnOrganization

    @classmethod
    def of(cls, place: OrganizationRole) -> AcceptInviteResponse:
        """Returns the response to an accepted invite."""
        org = OwnOrganization(id=place.organization.id, name=place.organization.name, role=place.role)
        return cls(ok=True, org=org)


class CurrentUserView(OwnInvites):
    """The signed-in person, the session's current organization, the person's role in it, and their invites."""

    user: UserView
    org: CurrentOrganization | None = Field(description="`null` until the person creates or joins an organization.")
    role: Role | None
    orgs: list[OwnOrganization]
    permissions: list[Permission]

    @classmethod
    def of_session(cls, signed_in: SessionIdentity, pending: PendingInvites) -> CurrentUserView:
        """Returns the person and organization of a session, and the person's invites."""
        user, organization, membership = signed_in.user, signed_in.organization, signed_in.membership
        role = membership.role if membership else None
        return cls(
            user=UserView(id=user.id, email=user.email, name=user.name, avatar_url=user.avatar_url),
            org=CurrentOrganization(id=organization.id, name=organization.name, role=role, plan=organization.plan.value)
            if organization and role
            else None,
            role=role,
            orgs=[
                OwnOrganization(id=place.organization.id, name=place.organization.name, role=place.role)
                for place in memberships.list_organizations_of(user.id)
            ],
            permissions=members.permissions_of(role) if role else [],
            **dict(OwnInvites.of(pending)),
        )


class SwitchOrganization(BaseModel):
    """The organization to switch to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"org_id": "org_01k9x4c8v6q2m3n4p5r6s7t8v9"}]})

    org_id: str = Field(
        min_length=1, max_length=64, description="The id of one of your organizations, from `GET /api/me`."
    )
