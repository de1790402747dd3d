"""Common to all commands: the choice of the deployment, and failures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchboard.aws import clients, deployment
from switchboard.cli import _parser, deployments
from switchboard.kit import settings
from tests.actors import Tenant
from tests.unit.cli.conftest import Run


@pytest.fixture
def deployed(acme: Tenant, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a deployment that the process does not know. The current directory is empty."""
    names = [name for name in cloud if name.startswith("SWITCHBOARD_")]
    for name in names:
        monkeypatch.delenv(name)
    settings.clear_cache()
    return {name: cloud[name] for name in names}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_stack(home: Path, environ: dict[str, str]) -> None:
    """Write the files that a running local stack leaves in its home."""
    home.mkdir(exist_ok=True)
    (home / "environ.json").write_text(json.dumps(environ))
    (home / "ready").write_text("1\n")


def test_without_a_deployment_the_error_explains_how_to_name_one(run: Run, deployed: dict[str, str]) -> None:
    for words in (("org", "list"), ("queue", "list"), ("usage", "show", "org_1")):
        answer = run(*words)
        assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
        assert "--local or --stage NAME" in answer.err


def test_the_stack_in_the_current_directory_is_the_default(run: Run, deployed: dict[str, str]) -> None:
    write_stack(Path(".local"), deployed)
    assert len(run("org", "list", "--json").json) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--local", "./home", "org", "list", "--json"),
        ("--local=./home", "org", "list", "--json"),
        ("org", "list", "--json", "--local", "./home"),
        ("org", "list", "--local", "./home", "--json"),
    ],
)
def test_local_accepts_a_home(run: Run, deployed: dict[str, str], words: tuple[str, ...]) -> None:
    write_stack(Path("home"), deployed)
    assert len(run(*words).json) == 1


def test_local_without_a_home_may_precede_other_words(run: Run, acme: Tenant, deployed: dict[str, str]) -> None:
    write_stack(Path(".local"), deployed)
    assert run("--local", "org", "show", acme.org_id, "--json").json["organization"] == acme.org_id
    assert run("org", "show", "--local", acme.org_id, "--json").json["organization"] == acme.org_id


def test_a_stack_that_does_not_run_is_named(run: Run, deployed: dict[str, str]) -> None:
    home = Path("home")
    for _ in range(2):
        answer = run("--local", "./home", "org", "list")
        assert (answer.code, answer.err) == (1, "switchboard: No local stack runs in home: start it with `make run`.\n")
        write_stack(home, deployed)
        (home / "ready").unlink()


def test_a_stopped_or_killed_stack_is_named_without_options_too(run: Run, deployed: dict[str, str]) -> None:
    told = "No local stack runs in .local: start it with `make run`, or name a deployment with --stage NAME."
    home = Path(".local")
    write_stack(home, deployed)
    (home / "ready").write_text("4194305\n")  # above the largest process number of Linux
    assert "start it with `make run`.\n" in run("--local", "org", "list").err
    for _ in range(2):
        answer = run("org", "list")
        assert (answer.code, answer.err) == (1, f"switchboard: {told}\n")
        (home / "ready").unlink(missing_ok=True)


def test_a_stage_in_the_environment_precedes_a_stack_that_does_not_run(
    run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", "test")
    Path(".local").mkdir()
    assert run("org", "list").code == 0


def test_the_profile_of_the_operator_is_ignored(
    run: Run, deployed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "theirs")
    write_stack(Path(".local"), deployed)
    assert run("org", "list").code == 0


def test_a_stage_is_found_by_its_parameter(run: Run, deployed: dict[str, str]) -> None:
    assert deployment.parameter_name("prod") == "/switchboard/prod/environ"
    clients.get_client("ssm").put_parameter(
        Name="/switchboard/prod/environ", Type="String", Value=json.dumps(deployed | {"SWITCHBOARD_STAGE": "prod"})
    )
    assert len(run("--stage", "prod", "org", "list", "--json").json) == 1
    answer = run("--stage", "beta", "org", "list")
    assert answer.code == 1
    assert answer.err.startswith("switchboard: This AWS account and region have no deployment 'beta': check ")
    assert run("--stage", "prod", "--local", "org", "list").code == 2


def test_an_error_of_aws_is_one_line(run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TABLE_CORE", "no-such-table")
    settings.clear_cache()
    answer = run("org", "list")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err.startswith("switchboard: AWS: ")


def test_an_interrupted_command_says_so(run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("switchboard.accounts.organizations.list_organizations", stop)
    answer = run("org", "list")
    assert (answer.code, answer.err) == (130, "switchboard: interrupted\n")


@pytest.mark.parametrize("words", [(), ("nothing",), ("org", "nothing"), ("org", "list", "--nothing")])
def test_bad_usage_ends_with_2(run: Run, words: tuple[str, ...]) -> None:
    answer = run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("usage: switchboard")


def test_help_names_every_noun(run: Run) -> None:
    text = run("--help").out
    for noun in ("org", "key", "agent", "audit", "queue", "events", "usage"):
        assert f"\n    {noun} " in text


def test_a_path_after_local_is_its_home_and_nothing_else_is() -> None:
    assert deployments.expand_local_option(["--local", "/tmp/x", "org"]) == ["--local=/tmp/x", "org"]
    assert deployments.expand_local_option(["org", "list", "--local"]) == ["org", "list", "--local=.local"]
    assert deployments.expand_local_option(["--local", "org"]) == ["--local=.local", "org"]


def list_arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Returns all arguments of all commands, each with its command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from list_arguments(command)
        else:
            yield parser.prog, action


def test_the_help_of_an_argument_states_its_default() -> None:
    untold = [
        f"{command} {action.dest}"
        for command, action in list_arguments(_parser())
        if action.default not in (None, False, "", argparse.SUPPRESS) and "by default" not in (action.help or "")
    ]
    assert untold == []
