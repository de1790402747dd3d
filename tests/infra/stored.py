"""The resources with data, which no release may replace, and the properties whose change would replace them.

`python -m tests.infra.stored FOLDER` writes those of a synthesis (`make synth`) as the previous release.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.infra.templates import Templates

#: The last release as a production, with the full context of conftest.py.
PREVIOUS = Path(__file__).parent / "previous.json"
#: Types that hold data, and their properties whose change replaces the resource (CloudFormation's reference of each
#: type, "Update requires: Replacement"). A replacement under the same name fails, or is empty.
REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::Cognito::UserPool": ("UsernameAttributes", "AliasAttributes", "UsernameConfiguration"),
    "AWS::Cognito::UserPoolDomain": ("Domain", "UserPoolId"),
    "AWS::DynamoDB::Table": ("TableName", "KeySchema", "ImportSourceSpecification"),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion"),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::SecretsManager::Secret": ("Name",),
}
#: The type of a key replaces its table, too, and other keys of an index replace the index.
_TABLE = "AWS::DynamoDB::Table"


class Stored(NamedTuple):
    """A resource that holds data."""

    type: str
    properties: dict[str, Any]


def list_stored(templates: Templates) -> dict[str, Stored]:
    """Returns the resources with data by the part of their stack's name and their logical id."""
    return dict(_each(templates))


def _each(templates: Templates) -> Iterator[tuple[str, Stored]]:
    for name, template in templates.stacks.items():
        for id_, resource in template["Resources"].items():
            if resource["Type"] in REPLACING:
                place = f"{name.removeprefix(templates.name())}/{id_}".removeprefix("-")
                yield place, Stored(resource["Type"], _fixed(resource["Type"], resource.get("Properties", {})))


def _fixed(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    found = {name: properties[name] for name in REPLACING[kind] if name in properties}
    if kind == _TABLE:
        types = {one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]}
        found["KeyTypes"] = [types[key["AttributeName"]] for key in properties["KeySchema"]]
        indexes = properties.get("GlobalSecondaryIndexes", [])
        found["Indexes"] = {
            one["IndexName"]: [[key["AttributeName"], types[key["AttributeName"]]] for key in one["KeySchema"]]
            for one in indexes
        }
    return found


def list_replaced(before: Mapping[str, Stored], after: Mapping[str, Stored]) -> Iterator[str]:
    """Yields a line for each resource with data that is gone or that CloudFormation would replace."""
    for place, old in before.items():
        new = after.get(place)
        if new is None:
            yield f"{place}: {old.type} is gone"
        elif new.type != old.type:
            yield f"{place}: {old.type} has become {new.type}"
        else:
            for name in sorted(old.properties.keys() | new.properties.keys()):
                if old.properties.get(name) != new.properties.get(name):
                    yield f"{place}: {name} was {old.properties.get(name)}, and is {new.properties.get(name)}"


def read_previous() -> dict[str, Stored]:
    """Returns the resources with data of the previous release."""
    return {place: Stored(*one) for place, one in json.loads(PREVIOUS.read_text()).items()}


def main() -> None:
    """Write the previous release from a folder of templates."""
    stored = list_stored(Templates(Path(sys.argv[1])))
    lines = (f"{json.dumps(place)}: {json.dumps(one)}" for place, one in sorted(stored.items()))
    PREVIOUS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
