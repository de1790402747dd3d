"""Asks again, in the commit of accepted work, whether the person who asked for it may still ask."""

from __future__ import annotations

from switchboard.accounts.stops import StoppedError
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionCheck
from switchboard.team import store
from switchboard.team.permissions import Permission, roles_with


def still_permitted_check(org_id: str, user_id: str, permission: Permission) -> ConditionCheck:
    """Returns the check that a person is still a member with a permission. It raises StoppedError at commit."""
    return store.member_check(org_id, user_id, roles_with(permission), _not_permitted)


def _not_permitted(_: list[Item | None]) -> Exception:
    return StoppedError("member_not_permitted", "the member who placed it may no longer place calls")
