"""The names under which models know tools."""

from __future__ import annotations

import re

from switchboard.mcp_servers.models import MAX_OFFERED_NAME, offered_name


def test_a_name_that_models_accept_stays() -> None:
    assert offered_name("orders", "look_up") == "orders__look_up"
    assert offered_name("o" * 55, "look_up") == f"{'o' * 55}__look_up"


def test_another_name_is_changed_and_stays_unique() -> None:
    given = ("look.up", "look_up", "look-up", "look..up", "x" * 128, "x" * 127 + "y", "x" * 127 + ".")
    names = [offered_name("orders", tool) for tool in given]
    assert names[0].startswith("orders__look_up_")
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names), names
    assert len(offered_name("o" * 64, "look_up")) == MAX_OFFERED_NAME
