"""Requests for the dashboard and for reports."""

from __future__ import annotations

from tests.contract.asks.flows import make_flow
from tests.contract.world import Ask

GOOD = {
    "getDashboard": lambda _: Ask("GET", "/api/dashboard"),
    "getAnalytics": lambda _: Ask("GET", "/api/analytics", query={"days": "7"}),
    "getFlowAnalytics": lambda org: Ask("GET", f"{make_flow(org.admin)}/analytics"),
}
