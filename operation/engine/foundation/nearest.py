"""Did you mean ...?: the valid name that a mistyped one is most like."""

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of `names` most like `name`, or None when none is.

    Letter case and the choice between ``-`` and ``_`` do not count: they are what people mix up. `cutoff` is
    ``difflib``'s, from 0 (anything) to 1 (the same).
    """
    valid = {_plain(valid_name): valid_name for valid_name in names}
    close = difflib.get_close_matches(_plain(name), valid, n=1, cutoff=cutoff)
    return valid[close[0]] if close else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `` Did you mean '...'?`` with a space before it, or nothing."""
    close = nearest(name, names)
    return f" Did you mean '{close}'?" if close and close != name else ""


def listed(names: Iterable[str], conjunction: str = "or") -> str:
    """Return ``a``, ``a or b``, ``a, b or c``; ``nothing`` when there are none."""
    *first, last = [*names] or ["nothing"]
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-")
