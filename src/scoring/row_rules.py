"""Rules and references of a table's schema, checked in each request as far as one row tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular.columns import Array, category_texts
from tabular.expressions import RowRule, any_missing


@dataclass(frozen=True)
class Check:
    """One rule or reference; model.json holds its fields."""

    name: str  # as the schema has it
    columns: list[str]
    text: str  # what a row does that fails it: ``fails <rule>`` or ``is not in <table>``
    # whether the schema tolerates no row that fails it; else such a row is answered with a warning
    refuses: bool
    rule: str | None = None  # an expression of ``DataFrame.eval``
    known: list[list[str]] | None = None  # the rows of another table, as text, of which `columns` must be one


class RowRules:
    """The checks of a model's schema; `facts` is the content of its model.json."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._checks = [Check(**fields) for fields in facts.get("rules", ())]
        self._rules = {check.name: RowRule(check.rule) for check in self._checks if check.rule is not None}
        self._known = {check.name: {tuple(row) for row in check.known or ()} for check in self._checks}

    def broken(self, columns: Mapping[str, Array]) -> Iterator[tuple[Check, list[int]]]:
        """Yield each check that rows fail, with the rows."""
        for check in self._checks:
            values = {name: columns[name] for name in check.columns}
            rule = self._rules.get(check.name)
            fails = rule.fails(values) if rule else self._is_unknown(check, values)
            if fails.any():
                yield check, np.flatnonzero(fails).tolist()

    def _is_unknown(self, check: Check, values: Mapping[str, Array]) -> Array:
        rows = zip(*map(category_texts, values.values()), strict=True)
        unknown = np.array([row not in self._known[check.name] for row in rows])
        return unknown & ~any_missing(values)
