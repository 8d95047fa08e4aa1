"""A new environment: another one's file, with its name in the place of the other's."""

import os
import re
from pathlib import Path

from operation.engine.configuration import loading as configuration
from operation.engine.configuration.documents import read_document
from operation.engine.configuration.environment_file import read_environment
from operation.engine.configuration.models import MANDATORY, OPTIONAL
from operation.engine.foundation.errors import ConfigurationError, UsageError
from operation.engine.foundation.layout import Layout

MOST_NAMESPACE = 22  # a storage account, sa$(NAMESPACE), has 24 characters
_FORMS = {
    "environment": ("upper-case letters, digits, '-' and '_', such as UAT", str.upper),
    "use case": ("lower-case letters, digits, '-' and '_', such as house-prices", str.lower),
}


def require_new_name(name: str, kind: str, form: re.Pattern[str], layout: Layout) -> None:
    """Refuse a `name` that is ill-formed or has a file already."""
    if not form.fullmatch(name) or len(name) > 40:
        expected, case = _FORMS[kind]
        proposal = re.sub(r"[^A-Za-z0-9_-]+", "-", case(name)).strip("-_0123456789")[:40]
        hint = f" Did you mean '{proposal}'?" if form.fullmatch(proposal) else ""
        raise UsageError(f"'{name}' is not a valid {kind} name: use {expected}, at most 40 characters.{hint}")
    for taken in configuration.configured_names(layout):
        if taken.casefold() == name.casefold():  # one file on Windows and macOS
            file = layout.relative(configuration.configuration_file(layout, taken))
            raise UsageError(f"{file} exists and is not overwritten. Edit it, or choose another name.")


def write_environment(name: str, source: str, layout: Layout) -> tuple[Path, dict[str, str]]:
    """Write ``configuration-<name>.yml`` after the environment `source`.

    Returns the file, and the variables that differ from `source` with their new values.
    """
    require_new_name(name, "environment", configuration.ENVIRONMENT_NAME, layout)
    configuration.chosen_environment(source, None, layout)
    original = configuration.configuration_file(layout, source)
    problems = read_environment(original, layout.relative(original), source, os.environ)[1]
    if problems:
        raise ConfigurationError(problems)
    lines, changed = _rewritten(original, source, name)
    header = f"# Written by `python3 -m operation new environment {name}` after {source}; edit what differs."
    path = configuration.configuration_file(layout, name)
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8", newline="\n")
    return path, changed


def _rewritten(original: Path, source: str, name: str) -> tuple[list[str], dict[str, str]]:
    document, _ = read_document(original, original.name)
    assert document is not None  # noqa: S101 - it has just been read without a problem
    lines = original.read_text(encoding="utf-8-sig").splitlines()
    changed: dict[str, str] = {}
    for variable in document.data["variables"]:
        old = document.texts[("variables", variable)]
        new = _renamed(variable, old, source, name)
        if new != old:
            at = document.lines[("variables", variable)] - 1
            head, colon, rest = lines[at].partition(":")
            lines[at] = head + colon + rest.replace(old, new, 1)
            changed[variable] = new
    own = re.compile(rf"(?<![A-Za-z0-9]){re.escape(source)}(?![A-Za-z0-9])")
    return [own.sub(name, line) if line.lstrip().startswith("#") else line for line in lines], changed


def _renamed(variable: str, text: str, source: str, name: str) -> str:
    """Return `text` with the new environment's name for the old one's, if Azure is told it."""
    if variable == "ENVIRONMENT":
        return name
    if variable not in {*MANDATORY, *OPTIONAL}:
        return text
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    new = re.sub(rf"{re.escape(source.lower())}(?![a-z])", plain, text)
    new = re.sub(rf"(?<![A-Za-z]){re.escape(source)}(?![A-Za-z])", name, new)
    if variable == "NAMESPACE" and len(new) > MOST_NAMESPACE:
        return (
            new[: MOST_NAMESPACE - len(plain)] + plain
            if len(plain) < MOST_NAMESPACE
            else plain[:MOST_NAMESPACE]
        )
    return new
