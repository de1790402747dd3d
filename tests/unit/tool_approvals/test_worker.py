"""The worker of approved tools."""

from __future__ import annotations

from pathlib import Path

from infra.local import demo, pool, samples
from switchboard.tool_approvals import service

SAMPLE = Path(__file__).resolve().parents[3] / "events" / "sqs-tool-runs.json"


def test_sqs_tool_runs_ends_an_approved_use(cloud: dict[str, str], tmp_path: Path) -> None:
    organization = demo.seed_demo(tmp_path / "demo.json")
    event = samples.fill_sample(SAMPLE.read_text(), organization)
    assert pool.invoke("workers/tool_runs", event) == {"batchItemFailures": []}
    ((found,), _) = service.list_approvals(organization["ORGANIZATION_ID"], None, 10, None)
    # The vendor of the language model dials the sample's server.
    assert (found.state, found.outcome) == ("finished", "failed")
