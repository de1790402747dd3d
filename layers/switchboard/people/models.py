"""People, their sessions, and sign-ins that are not finished."""

from __future__ import annotations

from pydantic import BaseModel


class User(BaseModel):
    """A person, identified by an issuer's subject. The email address is only for contact, never for identity."""

    id: str
    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    avatar_url: str | None = None
    created_at: str
    updated_at: str
    #: Sessions that began at this time or earlier are over.
    signed_out_at: str | None = None
    #: The organization that the person chose last. The next session begins there.
    last_org_id: str | None = None


class ConsoleSession(BaseModel):
    """The session of a signed-in browser. It ends by sign-out, after a long idle time, or at its expiry.

    `org_id` is the organization that the session works in.
    """

    digest: str
    user_id: str
    org_id: str | None
    created_at: str
    seen_at: str
    #: The end of an unused session, and the end of any session.
    idle_at: str
    expires_at: str


class SignIn(BaseModel):
    """A sign-in that is not finished: the path to return to, and the digest of the browser that began it."""

    return_to: str
    browser: str
    expires_at: str
