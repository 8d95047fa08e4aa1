"""Names of new environments and use cases: well-formed, and not taken on any file system."""

from __future__ import annotations

import re

from operation.engine.configuration import loading as configuration
from operation.engine.errors import UsageError
from operation.engine.layout import Layout

_FORMS = {
    "environment": ("upper-case letters, digits, '-' and '_', such as UAT", str.upper),
    "use case": ("lower-case letters, digits, '-' and '_', such as house-prices", str.lower),
}


def require_new_name(name: str, kind: str, form: re.Pattern[str], layout: Layout) -> None:
    """Refuse a `name` that is ill-formed or has a file already.

    Raises
    ------
    UsageError
        With the nearest name that is well-formed, or the file that is there.
    """
    if not form.fullmatch(name) or len(name) > 40:
        words, case = _FORMS[kind]
        proposal = re.sub(r"[^A-Za-z0-9_-]+", "-", case(name)).strip("-_0123456789")[:40]
        hint = f" Did you mean '{proposal}'?" if form.fullmatch(proposal) else ""
        raise UsageError(f"'{name}' is no {kind}'s name: expected {words}, at most 40 characters.{hint}")
    for taken in configuration.configured_names(layout):
        if taken.casefold() == name.casefold():  # one file on Windows and macOS
            file = layout.relative(configuration.configuration_file(layout, taken))
            raise UsageError(f"{file} exists and is not overwritten. Edit it, or choose another name.")
