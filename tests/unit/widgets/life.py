"""One item of each kind of the noun `widgets`."""

from __future__ import annotations

from tests.actors import Tenant
from tests.unit.widgets.desk import make_flow, make_token, start


def live(acme: Tenant) -> None:
    """Write one item of each kind."""
    start(make_token(make_flow(acme.org_id)), name="Ada")
