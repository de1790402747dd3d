"""The worker of MCP servers."""

from __future__ import annotations

from pathlib import Path

from infra.local import demo, pool, samples
from switchboard.mcp_servers import service

SAMPLE = Path(__file__).resolve().parents[3] / "events" / "sqs-mcp-servers.json"


def test_sqs_mcp_servers_checks_a_new_server(cloud: dict[str, str], tmp_path: Path) -> None:
    organization = demo.seed_demo(tmp_path / "demo.json")
    event = samples.fill_sample(SAMPLE.read_text(), organization)
    assert pool.invoke("workers/mcp_servers", event) == {"batchItemFailures": []}
    (found,) = service.list_servers(organization["ORGANIZATION_ID"])
    assert (found.check_state, found.tools) == ("not_dialed", [])
    assert found.last_checked_at
