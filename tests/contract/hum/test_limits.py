"""HUM over HTTP: rate limits and unknown paths."""

from __future__ import annotations

import httpx
import pytest

from switchboard.accounts.plans import PLANS, PlanName
from tests.contract import console
from tests.contract.console import Console
from tests.contract.hum.conftest import assert_refused
from tests.contract.world import Ask


def test_each_person_has_their_own_limits(http: httpx.Client) -> None:
    org = console.open_organization(http, PlanName.FREE)
    for who in (org.admin, org.viewer, org.operator):
        headers = who.get("/api/team").headers
        limit, left = int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"])
        assert (left, limit > PLANS[PlanName.FREE].requests_per_minute) == (limit - 1, True)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/team"), ("POST", "/api/me"), ("DELETE", "/auth/login")])
def test_a_wrong_method_lists_the_allowed_ones(org: Console, method: str, path: str) -> None:
    answer = org.admin.send(Ask(method, path))
    assert_refused(answer, 405, "method_not_allowed")
    assert method not in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/api/teams", "/api/team/members", "/api/orgs/other", "/api/contacts/x/y", "/auth/"])
def test_an_unknown_path_is_not_found(org: Console, path: str) -> None:
    assert_refused(org.admin.get(path), 404, "not_found")
