"""Sessions of visitors, as a page starts, reads and ends them."""

from __future__ import annotations

from switchboard.widgets.models import WidgetToken
from tests.unit.widgets.desk import SHOP, ask_page


def test_a_page_starts_a_session_and_reads_it(token: WidgetToken) -> None:
    config = ask_page("GET", "/config", token.public_key)
    assert config.status == 200, config.body
    started = ask_page("POST", "/sessions", token.public_key, {"lead": {"name": "Ada", "phone": "415 555 0142"}})
    assert started.status == 200, started.body
    assert started.headers["access-control-allow-origin"] == SHOP
    seen = ask_page("GET", f"/sessions/{started.body['session_id']}", started.body["session_token"])
    assert seen.body["status"] == "waiting"
