"""The demo's output: enough to verify every callback, also for a demo made by an older version."""

from __future__ import annotations

import json
from pathlib import Path

from infra.local import demo
from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.webhooks import callbacks


def test_each_opticomm_key_shows_its_callback_secret(cloud: dict[str, str], tmp_path: Path) -> None:
    memory = tmp_path / "demo.json"
    made = demo.seed_demo(memory)
    for kind, name in ((KeyKind.OPTICOMM_LIVE, ""), (KeyKind.OPTICOMM_TEST, "TEST_")):
        key = access.authenticate_key(made[f"OPTICOMM_{name or 'LIVE_'}KEY"], frozenset({kind})).key
        assert made[f"OPTICOMM_{name}WEBHOOK_SECRET"] == callbacks.callback_secret(made["ORGANIZATION_ID"], key.id)
    older = {name: text for name, text in made.items() if name != "OPTICOMM_TEST_WEBHOOK_SECRET"}
    memory.write_text(json.dumps(older))
    assert demo.seed_demo(memory) == made
