"""People, their sessions, and a sign-in under way."""

from __future__ import annotations

from pydantic import BaseModel


class User(BaseModel):
    """A person, known by what an issuer calls them. The address is how to reach them, and never who they are."""

    id: str
    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    avatar_url: str | None = None
    created_at: str
    updated_at: str
    #: Sessions that began by then are over.
    signed_out_at: str | None = None
    #: The organisation that they turned to last, where the next session begins.
    last_org_id: str | None = None


class Session(BaseModel):
    """A browser that a person signed in with, until they sign out, go away for long, or its time is over.

    `org_id` is the organisation that it looks at.
    """

    digest: str
    user_id: str
    org_id: str | None
    created_at: str
    seen_at: str
    #: When it ends if nobody uses it, and when it ends whatever happens.
    idle_at: str
    expires_at: str

    def over(self, user: User, now: str) -> bool:
        """Whether it opens nothing any more."""
        return min(self.idle_at, self.expires_at) <= now or (user.signed_out_at or "") >= self.created_at


class SignIn(BaseModel):
    """A sign-in under way: where it goes on, and the digest of the browser that began it."""

    return_to: str
    browser: str
    expires_at: str
