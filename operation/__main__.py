"""``python3 -m operation <command>``: enter the project's environment, then parse and dispatch.

This file and `operation.setup` run in whatever Python is there: standard library only, and nothing
that Python 3.8 cannot read, so that the message about the wrong version is what a person sees.
"""

from __future__ import annotations

import atexit
import os
import sys


def main() -> int:
    """Run the command line in the project's environment and return its exit code."""
    arguments = sys.argv[1:]
    # orig_argv came with 3.10, which an environment that was entered has
    if getattr(sys, "orig_argv", [])[1:3] != ["-X", "workbench"]:
        from operation import setup

        code = setup.enter(arguments)
        if code is not None:
            return code
    from operation import cli

    return cli.main(arguments)


def leave() -> None:
    """End this process without taking every library apart, which takes up to half a second."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader has left: the interpreter knows what is usual then
        return
    os._exit(exit_code)


if __name__ == "__main__":
    exit_code = 70  # of a defect that came out of `main`
    atexit.register(leave)  # the first to be registered is the last to be called
    exit_code = main()
    sys.exit(exit_code)
