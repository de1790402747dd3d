"""The renderer of the API reference: installs Scalar's build for browsers into the portal's folder.

`renderer.json` pins the package's version and digest, with the same words as a lock file of npm. The build contains all
that it needs. `npm ci` would also install 283 packages with 310 MB that only the build of the package needs, so the
package is fetched alone.

To update: change the version, set the digest that `npm view @scalar/api-reference@VERSION dist.integrity` prints, and
run `tests/integration/test_reference.py`.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import shutil
import tarfile
import tempfile
from pathlib import Path

from infra import node
from infra.local.terminal import print_line

_HERE = Path(__file__).resolve().parent
LOCK = _HERE / "renderer.json"
#: The portal serves the file in this folder. Git ignores it, and the function's zip contains it.
FOLDER = _HERE.parent / "functions" / "portal" / "scalar"
#: The build for browsers in one file, and its name in the portal. Its modules would be thirty requests for each
#: visitor, and each request counts for the limit of the visitor's address.
_BUILD = "package/dist/browser/standalone.js"
_FILE = "scalar.js"
#: The copy of the lock in the folder says which version is there.
STAMP = "installed.json"


class WrongPackageError(RuntimeError):
    """The registry's package is not the pinned one."""


def install_renderer(folder: Path = FOLDER) -> None:
    """Install the pinned version, if it is not there. Raises WrongPackageError for other content."""
    cache = _HERE.parent / ".local"
    cache.mkdir(exist_ok=True)
    with (cache / "renderer.lock").open("w") as turn:
        # Two processes that start at once, for example parallel tests, install only once.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not is_installed(folder):
            with tempfile.TemporaryDirectory(dir=cache) as place:
                _unpack(_fetch_package(Path(place)), Path(place) / "scalar")
                shutil.rmtree(folder, ignore_errors=True)
                shutil.move(Path(place) / "scalar", folder)


def try_install_renderer() -> None:
    """Install the pinned version. If that is not possible, print one line with the reason."""
    try:
        install_renderer()
    except (node.NpmError, WrongPackageError) as error:
        print_line(f"The API reference cannot be shown, because its renderer cannot be installed: {error}")


def is_installed(folder: Path = FOLDER) -> bool:
    """Whether the folder has the pinned version."""
    stamp = folder / STAMP
    return stamp.exists() and stamp.read_bytes() == LOCK.read_bytes()


def _fetch_package(place: Path) -> Path:
    lock = json.loads(LOCK.read_text())
    node.run_npm("pack", f"{lock['name']}@{lock['version']}", "--prefer-offline", "--silent", at=place)
    package = next(place.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if lock["integrity"] != f"sha512-{digest}":
        raise WrongPackageError(
            f"{lock['name']} {lock['version']} has the digest sha512-{digest}, which is not the one in {LOCK.name}:"
            " check the version and the registry"
        )
    return package


def _unpack(package: Path, target: Path) -> None:
    target.mkdir()
    with tarfile.open(package) as archive:
        source = archive.extractfile(_BUILD)
        assert source is not None
        (target / _FILE).write_bytes(source.read())
    shutil.copyfile(LOCK, target / STAMP)


if __name__ == "__main__":
    install_renderer()
