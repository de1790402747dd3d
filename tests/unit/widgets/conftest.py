"""An organization with an admin, a flow that answers, and a widget token."""

from __future__ import annotations

import pytest

from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.widgets.models import WidgetToken
from tests.actors import Tenant, member, tenant
from tests.unit.widgets.desk import make_flow, make_token


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.ADMIN, "Ada")


@pytest.fixture
def flow(acme: Tenant) -> Flow:
    return make_flow(acme.org_id)


@pytest.fixture
def token(flow: Flow) -> WidgetToken:
    """A token without a captcha, with a form of all four fields."""
    return make_token(flow)
