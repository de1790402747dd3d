"""The settings that the code reads, so that a deployment can set each of them and nobody lists them twice.

`python -m infra.code_settings` prints them with their defaults.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

_ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = ("layers/switchboard", "functions")
#: The local stack's own settings of the command line are not the functions'.
_LEFT_OUT = ("layers/switchboard/cli/", "layers/switchboard/kit/settings.py")
_PREFIX = "SWITCHBOARD_"

Kind = Literal["text", "number", "flag"]


@dataclass(frozen=True)
class Setting:
    """A setting, the form of its values, its default as it is written in the code, and the file that reads it."""

    name: str
    kind: Kind
    default: str
    file: str


class WrongSettingError(ValueError):
    """A setting that no code reads, that the deployment makes itself, or with a value of a wrong form."""


@cache
def list_settings() -> Mapping[str, Setting]:
    """Returns all settings that the functions read, by name. A name that ends in `_` stands for all that begin so."""
    found: dict[str, Setting] = {}
    for folder in _FOLDERS:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            file = path.relative_to(_ROOT).as_posix()
            if not file.startswith(_LEFT_OUT):
                for setting in _list_of_file(file, ast.parse(path.read_text())):
                    found.setdefault(setting.name, setting)
    return dict(sorted(found.items()))


def _list_of_file(file: str, tree: ast.Module) -> Iterator[Setting]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="settings"), attr=("text" | "number" | "flag") as kind),
                args=[name, *others],
            ):
                if given := _name_of(name):
                    defaults = [*others, *(one.value for one in node.keywords)]
                    yield Setting(given, kind, ast.unparse(defaults[0]) if defaults else "", file)
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str() as variable), *others]):
                if variable.startswith(_PREFIX):
                    default = ast.unparse(others[0]) if others else ""
                    yield Setting(variable.removeprefix(_PREFIX), "text", default, file)


def _name_of(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str() as name):
            return name
        case ast.JoinedStr(values=[ast.Constant(value=str() as beginning), *_]):
            return beginning
    return None


def check_settings(given: Mapping[str, str], made: frozenset[str]) -> None:
    """Raises WrongSettingError for settings that cannot be set. `made` are those that the deployment makes itself."""
    # Most deployments give none, and reading all sources takes seconds.
    known = list_settings() if given else {}
    for name, value in given.items():
        setting = known.get(name) or next(
            (one for one in known.values() if one.name.endswith("_") and name.startswith(one.name)), None
        )
        if name in made:
            raise WrongSettingError(f"settings: the deployment sets {name} itself: use the context (docs/deploying.md)")
        if setting is None:
            near = get_close_matches(name, known, n=1)
            hint = f": did you mean {near[0]}?" if near else ": `python -m infra.code_settings` lists them"
            raise WrongSettingError(f"settings: no code reads {name}{hint}")
        if setting.kind == "number" and not value.removeprefix("-").isdecimal():
            raise WrongSettingError(f"settings: {name} must be a whole number, not {value}")
        if setting.kind == "flag" and value not in ("on", "off"):
            raise WrongSettingError(f"settings: {name} must be on or off, not {value}")


if __name__ == "__main__":
    for each in list_settings().values():
        print(f"{each.name:32} {each.kind:7} {each.default or '(needed)':36} {each.file}")
