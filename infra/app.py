"""The CDK app: `python -m infra.app` writes the CloudFormation of every stack to cdk.out/, without network or account.

`infra/stacks/deployment.py` lists the context. Give it as `-c name=value`, here or to the CDK's CLI.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import build, node

node.use_bundled_node()

from aws_cdk import App, Tags, Validations  # noqa: E402 jsii starts Node on import
from aws_cdk.cx_api import CloudAssembly  # noqa: E402
from cdk_nag import AwsSolutionsChecks  # noqa: E402

from infra import topology  # noqa: E402
from infra.context import parse_pairs, read_context  # noqa: E402
from infra.stacks.api import RestApi  # noqa: E402
from infra.stacks.data import Data  # noqa: E402
from infra.stacks.deployment import Deployment  # noqa: E402
from infra.stacks.front import Front  # noqa: E402
from infra.stacks.identity import issuer_of  # noqa: E402
from infra.stacks.observability import Observability  # noqa: E402
from infra.stacks.workers import Workers  # noqa: E402

# The CDK's CLI sets this variable for its app. It must not deploy without the built dependencies: no function would
# start.
_UNDER_CLI = "CDK_OUTDIR"


def synthesize(out: Path | None, context: Mapping[str, Any], assets: build.Assets) -> CloudAssembly:
    """Write the stacks' templates. The context of the CDK's CLI, if there is one, overrides `context`."""
    flags = read_context()
    if str(context.get("local_engine")).lower() == "true":
        # The local engine has no Fn::GetStackOutput.
        flags["@aws-cdk/core:defaultCrossStackReferences"] = "strong"
    app = App(outdir=str(out) if out else None, context={**flags, **context}, analytics_reporting=False)
    deployment = Deployment.from_context(app.node.try_get_context)
    check_place(deployment)
    Tags.of(app).add("app", "switchboard")
    Tags.of(app).add("stage", deployment.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    data = Data(app, deployment)
    workers = Workers(app, deployment, data=data, issuer=issuer_of(app, deployment), assets=assets)
    front, observability = Front(app, deployment), Observability(app, deployment)
    for api in topology.APIS:
        RestApi(
            app,
            deployment,
            api,
            front=front,
            observability=observability,
            resources=workers.resources,
            assets=assets,
        )
    return app.synth()


def check_place(deployment: Deployment) -> None:
    """Raise ValueError if the credentials of the CDK's CLI are for another account or region than the stage's."""
    for name, wanted in (("ACCOUNT", deployment.account), ("REGION", deployment.region)):
        given = os.environ.get(f"CDK_DEFAULT_{name}")
        if wanted and given and given != wanted:
            raise ValueError(
                f"stage {deployment.stage} belongs to the {name.lower()} {wanted} (cdk.json, accounts), and your"
                f" credentials are for {given}: choose another profile or another stage"
            )


def main() -> None:
    """Synthesize by hand or for the CDK's CLI."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("-o", "--output", type=Path, help="the output folder; cdk.out by default")
    arguments = parser.parse_args()
    under_cli = _UNDER_CLI in os.environ
    if under_cli and not build.is_built():
        sys.exit("The functions' dependencies are not built: run `make build` first.")
    out = None if under_cli else arguments.output or build.ROOT / "cdk.out"
    try:
        assembly = synthesize(out, parse_pairs(arguments.context), build.build_assets())
    except ValueError as error:
        sys.exit(str(error))
    if not under_cli:
        for stack in assembly.stacks:
            print(f"{len(stack.template['Resources']):4} resources  {stack.template_full_path}")
        if not build.is_built():
            print("The dependencies' layer is a placeholder: run `make build` to make the real layer.")


if __name__ == "__main__":
    main()
