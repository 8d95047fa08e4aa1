"""Set-up: make the project's environment when it is missing, then go on inside it.

Everything here runs before the environment exists, in whatever Python a person has: standard
library only, Python 3.8 and later.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from operation.setup.checkout import Checkout
from operation.setup.errors import SetupError


def enter(arguments: list[str], checkout: Checkout | None = None) -> int | None:
    """Go on in the project's environment, making it first when it is missing or out of date.

    Parameters
    ----------
    arguments : list of str
        The words after ``python3 -m operation``.
    checkout : Checkout, optional
        The project; by default the one that this file belongs to.

    Returns
    -------
    int or None
        None: this process is to go on itself. A number: the exit code, all is done. On POSIX a
        hand-over does not return.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # CI cancels so: an installer must not go on
    try:
        return _enter(arguments, checkout or Checkout.here())
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the next call sets up what is missing", file=sys.stderr)
        return 130


def _enter(arguments: list[str], checkout: Checkout) -> int | None:
    from operation.setup import current, handover, registration

    if current.chosen(checkout):
        return None
    registration.ensure(checkout)
    if checkout.ready() or (arguments[:1] == ["lock"] and checkout.can_resolve()):
        return None if checkout.inside() else handover.enter_environment(checkout.python, arguments)
    return _prepare(arguments, checkout)


def _prepare(arguments: list[str], checkout: Checkout) -> int | None:
    from operation.setup import build, handover, helped, interpreter

    if helped.without_environment(arguments):
        return None
    other = _base_python(checkout) or interpreter.better_python()
    if other:
        return handover.start_again(other, arguments)
    build.make(checkout)
    return handover.enter_environment(checkout.python, arguments)


def _base_python(checkout: Checkout) -> Path | None:
    """Return the Python that made the environment when this one is inside: it may be rebuilt."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return Path(base) if checkout.inside() else None
