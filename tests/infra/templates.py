"""Synthesized templates, read so that a test can use the topology's names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

Resource = dict[str, Any]

_NAMES = (
    *("TableName", "QueueName", "FunctionName", "LogGroupName", "TopicName", "DomainName"),
    *("UserPoolName", "ClientName", "Name"),
)


class Templates:
    """The stacks of one synthesis."""

    def __init__(self, assembly: Path, stage: str = "test") -> None:
        self.assembly, self.stage = assembly, stage
        manifest = json.loads((assembly / "manifest.json").read_text())
        self.artifacts: dict[str, dict[str, Any]] = {
            name: artifact
            for name, artifact in manifest["artifacts"].items()
            if artifact["type"] == "aws:cloudformation:stack"
        }
        self.stacks: dict[str, dict[str, Any]] = {
            name: json.loads((assembly / artifact["properties"]["templateFile"]).read_text())
            for name, artifact in self.artifacts.items()
        }

    def name(self, *parts: str) -> str:
        """The name of a resource of the deployment."""
        return "-".join(("switchboard", self.stage, *parts)).replace("/", "-")

    def all(self, kind: str, stack: str | None = None) -> Iterator[Resource]:
        """The properties of every resource of a type. `stack`, `id` and the resource itself are added to each."""
        for name, template in self.stacks.items():
            for id_, resource in template["Resources"].items():
                if resource["Type"] == kind and stack in (None, name):
                    properties = self.resolve(name, resource.get("Properties", {}))
                    yield {**properties, "stack": name, "id": id_, "resource": resource}

    def one(self, kind: str, **properties: Any) -> Resource:
        """The only resource of a type that has these properties."""
        wanted = properties.items()
        found = [made for made in self.all(kind) if all(made.get(name) == value for name, value in wanted)]
        assert len(found) == 1, f"{len(found)} of {kind} {properties}"
        return found[0]

    def function(self, name: str) -> Resource:
        """A function of the topology."""
        return self.one("AWS::Lambda::Function", FunctionName=self.name(name))

    def resolve(self, stack: str, value: Any) -> Any:
        """A value with intrinsic functions resolved: a resource becomes its name, an attribute `name.Attribute`."""
        match value:
            case {"Ref": target}:
                return self._named(stack, target)
            case {"Fn::GetAtt": [target, attribute]}:
                return f"{self._named(stack, target)}.{attribute}"
            case {"Fn::ImportValue": export}:
                return self.resolve(*self._exports[export])
            case {"Fn::GetStackOutput": {"StackName": producer, "OutputName": output}}:
                return self.resolve(producer, self.stacks[producer]["Outputs"][output]["Value"])
            case {"Fn::Select": [int(index), {"Fn::Split": [":", {"Ref": alias}]}]}:
                arn = [
                    "arn",
                    "Partition",
                    "lambda",
                    "Region",
                    "AccountId",
                    "function",
                    *self._named(stack, alias).split(":"),
                ]
                return arn[index]
            case {"Fn::Join": [separator, parts]}:
                return separator.join(str(part) for part in self.resolve(stack, parts))
            case dict():
                return {name: self.resolve(stack, part) for name, part in value.items()}
            case list():
                return [self.resolve(stack, part) for part in value]
        return value

    def _named(self, stack: str, target: str) -> str:
        if target.startswith("AWS::"):
            return target.removeprefix("AWS::")
        resource = self.stacks[stack]["Resources"].get(target, {})
        properties = resource.get("Properties", {})
        if resource.get("Type") == "AWS::Lambda::Alias":
            return f"{self.resolve(stack, properties['FunctionName'])}:{properties['Name']}"
        named = (properties[name] for name in _NAMES if isinstance(properties.get(name), str))
        return next(named, target)

    @cached_property
    def _exports(self) -> dict[str, tuple[str, Any]]:
        return {
            output["Export"]["Name"]: (name, output["Value"])
            for name, template in self.stacks.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def metadata(self, kind: str) -> Iterator[tuple[str, Any]]:
        """The library's notes about constructs, of one level: the construct's path, and the note."""
        for artifact in self.artifacts.values():
            notes = json.loads((self.assembly / artifact["additionalMetadataFile"]).read_text())
            for path, entries in notes.items():
                yield from ((path, entry["data"]) for entry in entries if entry["type"] == kind)
