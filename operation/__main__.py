"""``python3 -m operation <command>``: enter the project's environment, then parse and dispatch.

This file must be readable by Python 3.8, so that the message about the wrong version is what a person sees.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line in the project's environment, and end with its exit code."""
    from operation import setup

    code = setup.enter(sys.argv[1:])
    if code is not None:
        sys.exit(code)
    from operation import cli

    cli.watch_what_is_started(sys.argv[1:])
    cli.run_and_leave(lambda: cli.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
