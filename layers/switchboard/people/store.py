"""People in the `core` table, and their short-lived sessions and sign-ins in the `sessions` table.

| item | pk | sk |
|---|---|---|
| person | `user#<id>` | `user` |
| person look-up | `identity#<digest of issuer and subject>` | `identity` |

| item | id |
|---|---|
| session | `session#<SHA-256 of its secret>` |
| unfinished sign-in | `sign-in#<SHA-256 of its state>` |

A person may belong to several organizations, so the person's key contains none. The look-up holds only a pointer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Delete, Put, Update
from switchboard.kit import clock, texts
from switchboard.people.models import ConsoleSession, SignIn, User

#: Seconds after the end of an item until DynamoDB may delete it. An ended item grants nothing.
_EXPIRY_SLACK_SECONDS = 3_600


def user_ref(user_id: str) -> Ref[User]:
    """Returns the reference to a person."""
    return Ref("core", {"pk": f"user#{user_id}", "sk": "user"}, User.model_validate)


def _identity_key(issuer: str, subject: str) -> Key:
    digest = texts.digest(f"{issuer}\n{subject}")
    return {"pk": f"identity#{digest}", "sk": "identity"}


def session_ref(digest: str) -> Ref[ConsoleSession]:
    """Returns the reference to a session, by the digest of its cookie."""
    return Ref("sessions", {"id": f"session#{digest}"}, ConsoleSession.model_validate)


def _sign_in_key(digest: str) -> Key:
    return {"id": f"sign-in#{digest}"}


def get_user(user_id: str) -> User | None:
    return reads.read_ref(user_ref(user_id))


def find_user_id(issuer: str, subject: str) -> str | None:
    item = reads.get_item("core", _identity_key(issuer, subject))
    return str(item["user_id"]) if item else None


def user_writes(user: User, otherwise: Any) -> list[Put]:
    pointer = {**_identity_key(user.issuer, user.subject), "user_id": user.id}
    return [
        Put(table="core", item={**user_ref(user.id).key, **user.model_dump()}, unless_exists=True),
        Put(table="core", item=pointer, unless_exists=True, otherwise=otherwise),
    ]


def user_change_write(user_id: str, changes: dict[str, Any]) -> Update:
    return Update.set_attributes("core", user_ref(user_id).key, changes)


def session_write(session: ConsoleSession) -> Put:
    # No condition is needed: the key is the digest of a new random secret. A repeated write is the same write.
    return Put(
        table="sessions",
        item={**session_ref(session.digest).key, **session.model_dump(), "expiration": _expiration(session.expires_at)},
    )


def session_change_write(digest: str, changes: dict[str, Any]) -> Update:
    """Returns the write that changes an existing session. It cannot restore a session that was ended."""
    return Update.set_attributes("sessions", session_ref(digest).key, changes)


def session_delete_write(digest: str) -> Delete:
    return Delete(table="sessions", key=session_ref(digest).key)


def sign_in_write(digest: str, sign_in: SignIn) -> Put:
    # No condition is needed, as in `session_write`.
    return Put(
        table="sessions",
        item={**_sign_in_key(digest), **sign_in.model_dump(), "expiration": _expiration(sign_in.expires_at)},
    )


def get_sign_in(digest: str) -> SignIn | None:
    item = reads.get_item("sessions", _sign_in_key(digest))
    return SignIn.model_validate(item) if item else None


def sign_in_delete_write(digest: str, sign_in: SignIn, otherwise: Callable[[list[Item | None]], Exception]) -> Delete:
    """Returns the write that deletes a sign-in of its browser. Only one request succeeds with it."""
    return Delete(
        table="sessions",
        key=_sign_in_key(digest),
        condition="browser = :browser",
        values={":browser": sign_in.browser},
        otherwise=otherwise,
    )


def _expiration(stamp: str) -> int:
    moment: datetime = clock.parse(stamp)
    return int(moment.timestamp()) + _EXPIRY_SLACK_SECONDS
