"""Groups of packages that only some commands need: which command needs which."""

from __future__ import annotations

from collections.abc import Sequence

ALL = frozenset({"azure", "emulator", "ray", "test"})
OF_COMMAND = {
    **{command: {"azure"} for command in ("submit", "models", "deploy")},
    "emulator": {"azure", "emulator"},
    "ci": {"azure", "emulator"},
    **dict.fromkeys(("test", "mlscore"), ALL),
}
OF_OPTION = {"--emulator": {"azure", "emulator"}, "--azure-server": {"azure"}, "--engine=ray": {"ray"}}
WITHOUT = {("models", "--registry"), ("ci", "--dry-run"), ("infrastructure", "--emulator")}  # need none
OF_SETUP = {"--all": ALL, **{f"--group={group}": {group} for group in ALL}}


def needed_groups(arguments: Sequence[str]) -> frozenset[str]:
    """Return the groups that a command line needs beside what everything needs."""
    command, words = "".join(arguments[:1]), list(arguments[1:])
    if any((command, word) in WITHOUT for word in words):
        return frozenset()
    words += [f"{name}={value}" for name, value in zip(words, words[1:], strict=False)]
    options = OF_SETUP if command == "setup" else OF_OPTION
    return frozenset[str]().union(OF_COMMAND.get(command, ()), *(options.get(word, ()) for word in words))
