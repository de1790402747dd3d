"""Runs the CDK's command line on this app: `python -m infra.cdk deploy -c stage=prod …`.

`destroy` deletes a whole stage with its data. It works for stages that were deployed with `keep_data=false`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from infra import build, node
from infra.context import read_context
from infra.stacks.deployment import Deployment

_HERE = Path(__file__).resolve().parent
_HOME = build.ROOT / ".local" / "cdk"
_COMMANDS = ("bootstrap", "deploy", "diff", "destroy")


def main() -> int:
    """Run a command. Returns the exit code of the CDK."""
    parser = argparse.ArgumentParser(prog="python -m infra.cdk", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--yes", action="store_true", help="destroy without a question")
    given, others = parser.parse_known_args()
    try:
        deployment = Deployment.from_context(read_context(given.context).get)
    except ValueError as error:
        sys.exit(str(error))
    if given.command == "destroy":
        _prepare_destroy(deployment, is_sure=given.yes)
        others = ["--force", *others]
    options = [] if given.command == "bootstrap" else ["--all", "--app", f"{sys.executable} -m infra.app"]
    pairs = [part for pair in given.context for part in ("-c", pair)]
    return run_cdk(given.command, *options, *pairs, *others)


def run_cdk(*arguments: str) -> int:
    """Run the CDK's command line, which is installed once. Returns its exit code. Raises NpmError."""
    packages = node.install_packages(_HERE, _HOME)
    program = packages / "aws-cdk" / "bin" / "cdk"
    # Nobody reads the notices of a pinned version.
    environ = os.environ | {"CDK_DISABLE_CLI_TELEMETRY": "true"}
    command = [str(node.node_binary()), str(program), "--no-notices", *arguments]
    return subprocess.run(command, cwd=build.ROOT, env=environ, check=False).returncode


def _prepare_destroy(deployment: Deployment, *, is_sure: bool) -> None:
    """Ask for the stage's name, build, and empty the buckets, because CloudFormation deletes empty ones only.

    A refusal comes first: a build takes minutes. The build comes before the first deletion, because the CDK needs it.
    """
    if deployment.keep_data:
        sys.exit(
            f"Stage {deployment.stage} keeps its data. To delete it with everything in it, first deploy it with"
            " keep_data=false, then destroy it with the same context."
        )
    if not (is_sure or _agrees(deployment.stage)):
        sys.exit("Nothing was deleted.")
    build.main()
    from infra.cdk.emptying import empty_buckets

    empty_buckets(deployment)


def _agrees(stage: str) -> bool:
    """Whether a person types the name of the stage. Without a terminal, nobody does."""
    try:
        return input(f"This deletes all data of stage {stage}. Type its name: ") == stage
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main())
