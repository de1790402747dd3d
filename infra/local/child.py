"""Runs a program that the kernel kills when the parent process ends: `child.py PARENT PROGRAM ARGUMENT…`.

This is for programs that cannot watch their parent themselves. It runs without site-packages, so it imports no module
of this project.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the parent has ended already")
    os.execv(program, [program, *arguments])  # noqa: S606 this is the purpose of the module


if __name__ == "__main__":
    main()
