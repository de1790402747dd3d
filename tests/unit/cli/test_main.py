"""Common to all commands: the choice of the deployment, and failures."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from infra.smoke import ANSWERS
from switchboard.aws import clients, deployment
from switchboard.cli import expand_local_option, nouns, program
from switchboard.kit import settings
from tests.actors import Tenant
from tests.unit.cli.conftest import Run
from tests.unit.opticomm.backend import post


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
        assert "make run" in answer.err
        assert "--local HOME" in answer.err
        assert "--stage NAME" in answer.err


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


def test_the_page_of_a_deployment_makes_all_that_the_smoke_test_needs(run: Run, deployed: dict[str, str]) -> None:
    clients.get_client("ssm").put_parameter(
        Name="/switchboard/prod/environ", Type="String", Value=json.dumps(deployed | {"SWITCHBOARD_STAGE": "prod"})
    )
    page = (Path(__file__).resolve().parents[3] / "docs" / "deploying.md").read_text()
    section = page.partition("### The first organization\n")[2].partition("\n### ")[0]
    commands = re.findall(r"^\$ \.venv/bin/switchboard (--stage prod .*)$", section, re.MULTILINE)
    made = [run(*shlex.split(command, comments=True), "--json").json for command in commands]
    org, agent, flow, key, invite = made
    assert (org["master_key"][:3], agent["agent_key"][:3], invite["email"]) == ("mk_", "ak_", "ada@example.com")
    call = {"action": "initiate_call", "agent_id": flow["flow"], "phone_number": ANSWERS, "request_id": "smoke-1"}
    placed = post(json.dumps(call), {"X-API-Key": key["text"], "Content-Type": "application/json"})
    assert placed.is_success, placed.text


def test_an_error_of_aws_is_one_line(run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TABLE_CORE", "no-such-table")
    settings.clear_cache()
    answer = run("org", "list")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err.startswith("switchboard: AWS: ")


@pytest.mark.parametrize("region", [None, ""])
def test_a_missing_region_or_sign_in_names_the_cure(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, region: str | None
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region) if region is not None else None
    clients.clear_clients()
    assert "Set AWS_REGION to the region of the deployment" in run("org", "list", "--stage", "prod").err
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    answer = run("org", "list", "--stage", "prod")
    clients.clear_clients()
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert answer.err.strip().endswith("Sign in to AWS, or name a profile with AWS_PROFILE")


def test_an_interrupted_command_says_so(run: Run, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("switchboard.accounts.organizations.list_organizations", stop)
    answer = run("org", "list")
    assert (answer.code, answer.err.strip()) == (130, "switchboard: interrupted")


@pytest.mark.parametrize("words", [("nothing",), ("org",), ("org", "nothing"), ("org", "list", "--nothing")])
def test_bad_usage_ends_with_2(run: Run, words: tuple[str, ...]) -> None:
    answer = run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Usage: switchboard")


def test_one_line_of_usage_precedes_an_error(run: Run) -> None:
    answer = run("team", "invite", "acme", "ada@example.com", "--role", "owner")
    assert answer.err.splitlines() == [
        "Usage: switchboard team invite [OPTIONS] ORG EMAIL",
        "switchboard: owner is not a role: choose admin, operator, viewer",
    ]


def test_an_error_is_json_if_the_output_is(run: Run, cloud: dict[str, str]) -> None:
    for words, code, exit_code in (
        (("org", "show", "org_none", "--json"), "not_found", 1),
        (("--json", "org", "show"), "usage", 2),
    ):
        answer = run(*words)
        assert (answer.code, answer.out) == (exit_code, "")
        error = json.loads(answer.err)["error"]
        assert error["code"] == code
        assert error["message"]


def test_help_names_every_noun(run: Run) -> None:
    for words in ((), ("--help",), ("help",)):
        answer = run(*words)
        assert answer.code == 0
        for noun, (_, summary, topic) in nouns.NOUNS.items():
            assert f"\n  {noun} " in answer.out
            assert topic in answer.out
            assert summary.split()[0] in answer.out


def test_help_shows_a_command(run: Run) -> None:
    assert run("help", "org", "create").out == run("org", "create", "--help").out
    assert run("help", "nothing").code == 2


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").out == f"switchboard {version('switchboard')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    assert "_SWITCHBOARD_COMPLETE" in run("completion", shell).out
    assert "choose bash, zsh, fish" in run("completion", "csh").err


def test_bash_completes_with_the_printed_script(run: Run, tmp_path: Path) -> None:
    """The shells zsh and fish run in no test: they are seldom installed."""
    run_program = 'import sys; from switchboard.cli import main; sys.argv[0] = "switchboard"; sys.exit(main())'
    (tmp_path / "switchboard").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{run_program}' \"$@\"\n")
    (tmp_path / "switchboard").chmod(0o755)
    asked = '_switchboard_completion switchboard; echo "${COMPREPLY[@]}"'
    script = f"{run('completion', 'bash').out}\nCOMP_WORDS=(switchboard org set-) COMP_CWORD=2\n{asked}"
    environ = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set-plan", "set-cap"], done.stderr


def test_an_unknown_command_names_the_help_that_lists_the_commands(run: Run) -> None:
    assert "no such command 'nope': `switchboard help` lists the commands" in run("nope").err
    assert "`switchboard help org` lists the commands" in run("org", "nope").err
    assert "Did you mean 'create'? `switchboard help org` lists the commands" in run("org", "creat").err


def test_completion_completes_nouns_commands_options_and_words() -> None:
    for words, begun, expected in (
        ([], "or", ["org"]),
        (["org"], "set-", ["set-plan", "set-cap"]),
        (["org", "create"], "--sl", ["--slug"]),
        (["org", "set-plan", "acme"], "gr", ["growth"]),
    ):
        found = ShellComplete(program, {}, "switchboard", "_SWITCHBOARD_COMPLETE").get_completions(words, begun)
        assert [one.value for one in found] == expected


def test_an_empty_list_says_so_on_stderr(run: Run, cloud: dict[str, str]) -> None:
    answer = run("org", "list")
    assert (answer.code, answer.out, answer.err) == (0, "", "There are no organizations.\n")
    assert run("org", "list", "--json").json == []


@pytest.mark.parametrize(("environ", "is_colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_color_is_for_terminals_without_no_color(
    run: Run, acme: Tenant, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], is_colored: bool
) -> None:
    assert "\x1b[" not in run("org", "list").out, "this output is no terminal"
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda _, color=None: color is False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in run("org", "list").out) is is_colored


def test_a_command_starts_without_the_modules_of_other_nouns() -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from switchboard.cli import main; main(['--help'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    for module in ("botocore", "pydantic", "phonenumbers", "switchboard.cli.organizations"):
        assert f" {module}\n" not in loaded


def test_a_path_after_local_is_its_home_and_nothing_else_is() -> None:
    assert expand_local_option(["--local", "/tmp/x", "org"]) == ["--local=/tmp/x", "org"]
    assert expand_local_option(["org", "list", "--local"]) == ["org", "list", "--local=.local"]
    assert expand_local_option(["--local", "org"]) == ["--local=.local", "org"]


def list_parameters(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    """Returns all options of all commands, each with its command."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            found = command.get_command(context, word)
            assert found is not None
            assert found.help, f"{name} {word} has no summary"
            yield from list_parameters(found, f"{name} {word}")
    for parameter in command.params:
        yield name, parameter


def test_the_help_of_an_option_states_its_default() -> None:
    untold = [
        f"{command} {option.name}"
        for command, option in list_parameters(program, "switchboard")
        if isinstance(option, click.Option)
        and not option.is_flag
        and option.to_info_dict()["default"] not in (None, "", ())
        and "by default" not in (option.help or "")
    ]
    assert untold == []


def test_every_option_has_a_help() -> None:
    without = [
        f"{command} {option.name}"
        for command, option in list_parameters(program, "switchboard")
        if isinstance(option, click.Option) and not option.help and not option.required
    ]
    assert without == []
