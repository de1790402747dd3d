"""The synthesized templates, deployed to the local engine through CloudFormation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import httpx

from infra.local.engine import ACCOUNT, Engine
from tests.infra.templates import Templates


class Deployed:
    """A deployment in the engine's first account. The engine's API gateway ignores credentials and uses it."""

    def __init__(self, engine: Engine, templates: Templates) -> None:
        self._engine, self.templates = engine, templates
        environ = engine.environ(ACCOUNT)
        self._session = boto3.Session(
            environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], region_name=environ["AWS_REGION"]
        )
        self._bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{environ['AWS_REGION']}"

    @property
    def url(self) -> str:
        """Where the engine answers."""
        return self._engine.url

    def client(self, service: str) -> Any:
        """A client of the engine."""
        return self._session.client(service, endpoint_url=self._engine.url)  # type: ignore[call-overload]

    def deploy(self) -> None:
        """Deploy as `cdk bootstrap` and `cdk deploy` do."""
        self.client("s3").create_bucket(Bucket=self._bucket)
        version = {"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "30", "Type": "String"}
        self.client("ssm").put_parameter(**version)
        for name, artifact in self.templates.artifacts.items():
            self._upload(json.loads((self.templates.assembly / f"{name}.assets.json").read_text())["files"])
            template = artifact["properties"]["stackTemplateAssetObjectUrl"].rsplit("/", 1)[1]
            self._create(name, f"{self._engine.url}/{self._bucket}/{template}")

    def _upload(self, files: dict[str, Any]) -> None:
        for file in files.values():
            source = self.templates.assembly / file["source"]["path"]
            for destination in file["destinations"].values():
                self.client("s3").upload_file(str(source), self._bucket, destination["objectKey"])

    def _create(self, name: str, url: str) -> None:
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_IAM"])
        stack = cloudformation.describe_stacks
        wait_for_result(lambda: not stack(StackName=name)["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS"))
        made = stack(StackName=name)["Stacks"][0]
        assert made["StackStatus"] == "CREATE_COMPLETE", made

    def request(self, api: str, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to an API at its own address, which has no base path of the domain."""
        rests = self.client("apigateway").get_rest_apis()["items"]
        id_ = next(rest["id"] for rest in rests if rest["name"] == self.templates.name("api", api))
        url = f"{self._engine.url}/restapis/{id_}/live/_user_request_{path}"
        return httpx.request(method, url, timeout=30, **options)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table."""
        resource = self._session.resource("dynamodb", endpoint_url=self._engine.url)
        return list(resource.Table(self.templates.name(table)).scan()["Items"])

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Put an item into a table."""
        resource = self._session.resource("dynamodb", endpoint_url=self._engine.url)
        resource.Table(self.templates.name(table)).put_item(Item=item)


def wait_for_result(what: Callable[[], Any], seconds: float = 150) -> Any:
    """Call until the result is truthy, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.1)
    return found
