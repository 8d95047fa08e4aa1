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


if __name__ == "__main__":
    sys.exit(main())
