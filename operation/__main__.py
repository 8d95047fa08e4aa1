"""``python3 -m operation <command>``: enter the project's environment, then parse and dispatch.

This file and `operation.setup` run in whatever Python is there: standard library only, and nothing
that Python 3.8 cannot read, so that the message about the wrong version is what a person sees.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line in the project's environment and return its exit code."""
    arguments = sys.argv[1:]
    if "workbench" not in sys._xoptions:  # `-X workbench`: the call that was handed over below
        from operation import setup

        code = setup.enter(arguments)
        if code is not None:
            return code
    from operation import cli

    return cli.main(arguments)


def leave(code: int) -> None:
    """End this process as the interpreter does, but for taking every library apart: up to half a second."""
    import atexit
    import os
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader has left: the interpreter knows what is usual then
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    leave(main())
