"""The CDK's command line, and the end of a stage whose data is not kept."""

from __future__ import annotations

import io
import sys

import boto3
import pytest

from infra import build
from infra.cdk import __main__ as command
from infra.cdk import emptying
from infra.context import read_context
from infra.stacks.deployment import Deployment

_STAGE = ["-c", "stage=test"]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The arguments of each run of the CDK, which does not run."""
    found: list[tuple[str, ...]] = []

    def note(*arguments: str) -> int:
        found.append(arguments)
        return 0

    monkeypatch.setattr(command, "run_cdk", note)
    monkeypatch.setattr(build, "main", lambda: note("build"))
    monkeypatch.setattr(emptying, "empty_buckets", lambda deployment: note("empty", deployment.stage))
    return found


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cdk", *arguments])
    return command.main()


def test_a_deployment_has_the_app_and_the_context(ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "deploy", *_STAGE, "--require-approval", "never") == 0
    (arguments,) = ran
    assert arguments[:3] == ("deploy", "--all", "--app")
    assert arguments[4:] == ("-c", "stage=test", "--require-approval", "never")


def test_a_wrong_context_runs_nothing(ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="stage must be"):
        run(monkeypatch, "deploy", "-c", "stage=Test")
    with pytest.raises(SystemExit, match="is not NAME=VALUE"):
        run(monkeypatch, "deploy", "-c", "stage")
    with pytest.raises(SystemExit, match=r"the context has no keep_date: did you mean keep_data\?"):
        run(monkeypatch, "deploy", "-c", "keep_date=false")
    assert not ran


def test_kept_data_is_not_destroyed(ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="Stage test keeps its data"):
        run(monkeypatch, "destroy", *_STAGE, "--yes")
    assert not ran


def test_a_stage_is_destroyed_after_its_name_is_typed(
    ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    thrown_away = [*_STAGE, "-c", "keep_data=false"]
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    with pytest.raises(SystemExit, match="Nothing was deleted"):
        run(monkeypatch, "destroy", *thrown_away)
    assert not ran
    monkeypatch.setattr("builtins.input", lambda _: "test")
    assert run(monkeypatch, "destroy", *thrown_away) == 0
    assert ran[:2] == [("build",), ("empty", "test")], "nothing is deleted before the build, and a refusal needs none"
    assert ran[2][:2] == ("destroy", "--all")
    assert "--force" in ran[2]


def test_nothing_is_destroyed_if_nobody_can_answer(ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit, match="Nothing was deleted"):
        run(monkeypatch, "destroy", *_STAGE, "-c", "keep_data=false")
    assert not ran


def test_all_objects_of_a_stage_are_deleted_and_no_others(cloud: dict[str, str]) -> None:
    deployment = Deployment.from_context({"stage": "test", "keep_data": "false"}.get)
    s3 = boto3.client("s3")
    here, other = f"switchboard-test-uploads-123456789012-{s3.meta.region_name}", "switchboard-prod-uploads"
    for name in (here, other):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="one", Body=b"1")
    emptying.empty_buckets(deployment)
    assert [s3.list_objects_v2(Bucket=name)["KeyCount"] for name in (here, other)] == [0, 1]


def test_the_context_of_the_command_line_goes_over_the_file() -> None:
    assert read_context(["stage=a=b"])["stage"] == "a=b"
    assert "@aws-cdk/core:target-partitions" in read_context()
    flag = "@aws-cdk/core:defaultCrossStackReferences"
    assert read_context([f"{flag}=both"])[flag] == "both"
