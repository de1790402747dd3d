"""Builds reproducible zips for the deployment: the functions, the shared layer, and the layer of dependencies.

`python -m infra.build` writes all of them to build/.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra import renderer, topology
from infra.resources import Function

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build"
LAYER = ROOT / "layers"
REQUIREMENTS = ROOT / "layers" / "dependencies" / "requirements.txt"

#: The earliest date that a zip can store.
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Lambda's Python 3.13 runs on Amazon Linux 2023 with glibc 2.34. pip accepts no version range, so each tag is listed.
_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64", "manylinux_2_34_aarch64")
_PIP = (
    *(word for platform in _PLATFORMS for word in ("--platform", platform)),
    *("--python-version", "3.13", "--implementation", "cp", "--only-binary=:all:"),
    *("--no-deps", "--require-hashes", "--no-compile", "--quiet", "--disable-pip-version-check"),
)
#: The AWS services that keep their descriptions in botocore. All four hundred would be three times as large as all
#: other dependencies together.
SERVICES = frozenset(
    {
        *("bedrock-runtime", "cloudwatch", "dynamodb", "dynamodbstreams", "events", "kms", "lambda", "logs", "s3"),
        *("scheduler", "secretsmanager", "ses", "sesv2", "sns", "sqs", "ssm", "sso", "sso-oidc", "sts", "transcribe"),
    }
)
#: Folders that are unused at run time. The last two are the places and carriers of `phonenumbers`: 20 MB.
_UNUSED = frozenset({"tests", "__pycache__", "examples", "bin", "geodata", "carrierdata"})
#: The largest function with its layers, unzipped, that Lambda accepts (Lambda quotas, "deployment package").
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024


class TooLargeError(RuntimeError):
    """The layers leave no room for a function."""


@dataclass(frozen=True)
class Assets:
    """The paths of the zips."""

    functions: dict[str, Path]
    layer: Path
    dependencies: Path


def build_assets(out: Path = OUT) -> Assets:
    """Zip the current code. Use the dependencies that `main` built, or else a placeholder."""
    built = _dependencies_zip(out)
    return Assets(
        functions={function.name: write_function_zip(function, out) for function in topology.FUNCTIONS},
        layer=write_layer_zip(out),
        dependencies=built if is_built(out) else _placeholder(out),
    )


def write_function_zip(function: Function, out: Path = OUT) -> Path:
    """Write a function's zip: its folder, the folders it includes, and the `__init__.py` of its parent packages."""
    home = ROOT / "functions"
    packages = [home / parent / "__init__.py" for parent in Path(function.name).parents]
    files = [path for folder in (function.name, *function.includes) for path in _files(home / folder)]
    target = out / "functions" / f"{function.name.replace('/', '-')}.zip"
    return _zip(target, ((path, path.relative_to(ROOT)) for path in (*packages, *files)))


def write_layer_zip(out: Path = OUT) -> Path:
    """Write the shared layer's zip."""
    files = ((path, "python" / path.relative_to(LAYER)) for path in _files(LAYER / "switchboard"))
    return _zip(out / "layers" / "switchboard.zip", files)


def build_dependencies(out: Path = OUT) -> Path:
    """Install the pinned requirements for Lambda's platform, and zip them. Does nothing if they have not changed."""
    if is_built(out):
        return _dependencies_zip(out)
    home = out / "dependencies"
    shutil.rmtree(home, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", *_PIP, "--target", str(home / "python"), "-r", str(REQUIREMENTS)]
    subprocess.run(command, check=True)
    _strip(home / "python")
    target = _zip(_dependencies_zip(out), ((path, path.relative_to(home)) for path in _files(home)))
    require_room(target, write_layer_zip(out))
    _stamp(out).write_text(_recipe())
    return target


def require_room(*zips: Path) -> None:
    """Raises TooLargeError if layers are together larger than Lambda accepts."""
    size = sum(map(unzipped_bytes, zips))
    if size > MAX_UNZIPPED_BYTES:
        raise TooLargeError(
            f"the layers have {size / 1e6:.0f} MB unzipped, and Lambda accepts {MAX_UNZIPPED_BYTES / 1e6:.0f} MB:"
            " remove a dependency, or add what is unused at run time to _UNUSED"
        )


def unzipped_bytes(path: Path) -> int:
    """Returns the size of a zip's files."""
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def is_built(out: Path = OUT) -> bool:
    """Whether the dependencies in `out` match the lock file."""
    stamp = _stamp(out)
    return _dependencies_zip(out).exists() and stamp.exists() and stamp.read_text() == _recipe()


def _dependencies_zip(out: Path) -> Path:
    return out / "layers" / "dependencies.zip"


def _stamp(out: Path) -> Path:
    return out / "layers" / "dependencies.stamp"


def _recipe() -> str:
    parts = (REQUIREMENTS.read_text(), *_PIP, *sorted(SERVICES), *sorted(_UNUSED))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _placeholder(out: Path) -> Path:
    home = out / "dependencies-missing"
    home.mkdir(parents=True, exist_ok=True)
    note = home / "README"
    note.write_text("`python -m infra.build` was not run before the synthesis.\n")
    return _zip(out / "layers" / "dependencies-missing.zip", [(note, Path("python/README"))])


def _strip(site: Path) -> None:
    for service in (site / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    for folder in [path for path in site.rglob("*") if path.is_dir() and path.name in _UNUSED]:
        shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist, but the topology names it")
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _zip(target: Path, files: Iterable[tuple[Path, Path]]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    with zipfile.ZipFile(fresh, "w") as archive:
        for source, name in sorted(files, key=lambda pair: pair[1].as_posix()):
            entry = zipfile.ZipInfo(name.as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o755 if source.suffix == ".sh" else 0o644) << 16
            archive.writestr(entry, source.read_bytes())
    return fresh.replace(target)


def main() -> None:
    """Build everything, and print the sizes."""
    renderer.install_renderer()
    build_dependencies()
    made = build_assets()
    for path in (*made.functions.values(), made.layer, made.dependencies):
        size, unzipped = path.stat().st_size, unzipped_bytes(path)
        print(f"{path.relative_to(ROOT)!s:44} {size / 1e6:6.2f} MB, {unzipped / 1e6:6.2f} MB unzipped")


if __name__ == "__main__":
    main()
