"""Templates with as few resources as show every trait once, so that a slow check reads hundreds and not thousands.

A trait is a field of a type with a value, or the fields that an object has. Resources with equal traits differ only in
names, in texts, and in the resources of one type to which they refer. Large resources are chosen first,
because their names and lists are the closest to a limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.templates import Templates

Trait = tuple[object, ...]

#: Texts that follow no rule of a type: names, descriptions, addresses, hashes, code.
_FREE_TEXT = re.compile(r"switchboard|\s|://|/|^[0-9a-f]{32}|^functions\.|@")
#: Fields whose texts are free, and objects whose fields are.
_FREE_FIELDS = {"MetricName", "Name", "PathPart", "Value"}
_FREE_OBJECTS = {"ResponseTemplates", "RequestTemplates", "Variables"}
#: Fields of a resource that belong to no type.
_LEFT_OUT = {"Metadata", "DependsOn"}
#: Small resources that rules look for behind another one: a snapshot needs a version.
_BEHIND = {"AWS::Lambda::Version"}


@dataclass(frozen=True)
class Thinned:
    """A stack's template with the `chosen` resources, and empty ones to which they refer."""

    name: str
    template: dict[str, Any]
    chosen: frozenset[str]


def choose_by_traits(deployments: Iterable[Templates]) -> list[Thinned]:
    """Returns the thinned templates of all stacks from which a resource was chosen."""
    stacks = [one for deployment in deployments for one in deployment.stacks.items()]
    resources = [
        (len(json.dumps(resource)), -place, id_)
        for place, (_, template) in enumerate(stacks)
        for id_, resource in template["Resources"].items()
    ]
    seen: set[Trait] = set()
    chosen: dict[int, set[str]] = {}
    for _, of, id_ in sorted(resources, reverse=True):
        template = stacks[-of][1]["Resources"]
        traits = set(_traits(template[id_], template, (template[id_]["Type"],)))
        if not traits <= seen:
            seen |= traits
            chosen.setdefault(-of, set()).add(id_)
    return [
        Thinned(name, _thin(template, chosen[place]), frozenset(chosen[place]))
        for place, (name, template) in enumerate(stacks)
        if place in chosen
    ]


def _thin(template: dict[str, Any], chosen: set[str]) -> dict[str, Any]:
    everything = template["Resources"]
    kept = {id_: one for id_, one in everything.items() if id_ in chosen}
    kept |= {id_: one for id_, one in everything.items() if one["Type"] in _BEHIND and set(_references(one)) & chosen}
    missing = {target for one in kept.values() for target in _references(one)} & everything.keys() - kept.keys()
    empty = {id_: {"Type": everything[id_]["Type"]} for id_ in sorted(missing)}
    left_out = everything.keys() - kept.keys() - missing
    resources = {id_: _without(one, left_out) for id_, one in {**kept, **empty}.items()}
    return {name: part for name, part in template.items() if name != "Outputs"} | {"Resources": resources}


def _without(resource: dict[str, Any], left_out: set[str]) -> dict[str, Any]:
    """Returns a resource that does not wait for what is left out."""
    depends = resource.get("DependsOn", [])
    waits = [id_ for id_ in ([depends] if isinstance(depends, str) else depends) if id_ not in left_out]
    return {name: part for name, part in resource.items() if name != "DependsOn"} | (
        {"DependsOn": waits} if waits else {}
    )


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": str(id_)} | {"Fn::GetAtt": [str(id_), _]}:
            yield id_
        case dict():
            for part in value.values():
                yield from _references(part)
        case list():
            for part in value:
                yield from _references(part)


def _traits(value: Any, resources: dict[str, Any], path: tuple[str, ...]) -> Iterator[Trait]:
    match value:
        case {"Ref": str(id_)}:
            yield (*path, "Ref", resources[id_]["Type"] if id_ in resources else id_)
        case {"Fn::GetAtt": [str(id_), str(attribute)]}:
            yield (*path, "Fn::GetAtt", resources[id_]["Type"] if id_ in resources else id_, attribute)
        case {"Fn::GetStackOutput": _} | {"Fn::ImportValue": _}:
            yield (*path, "of another stack")
        case dict() if path[-1] in _FREE_OBJECTS:
            for part in value.values():
                yield from [(*path, "text")] if isinstance(part, str) else _traits(part, resources, path)
        case dict():
            yield (*path, *sorted(value))
            for name in value.keys() - _LEFT_OUT:
                yield from _traits(value[name], resources, (*path, name))
        case list():
            for part in value:
                yield from _traits(part, resources, path)
        case str() if path[-1] in _FREE_FIELDS or _FREE_TEXT.search(value):
            yield (*path, "text")
        case _:
            yield (*path, type(value).__name__, value)
