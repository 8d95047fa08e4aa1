"""Which groups of packages a command line needs: no more than it imports."""

from __future__ import annotations

import pytest

from operation.setup.groups import ALL, needed_groups


@pytest.mark.parametrize(
    ("line", "groups"),
    [
        ("run", set()),
        ("models list", {"azure"}),
        ("models promote --registry --environment DEV --to TEST", set()),
        ("submit --emulator", {"azure", "emulator"}),
        ("sweep 03-train-model --engine ray", {"ray"}),
        ("export shell", set()),
        ("ci cd-training", {"azure", "emulator"}),
        ("ci cd-training --dry-run", set()),
        ("infrastructure apply --emulator", set()),
        ("setup --group ray", {"ray"}),
        ("test", ALL),
    ],
)
def test_a_command_needs(line: str, groups: set[str]) -> None:
    assert needed_groups(line.split()) == groups
