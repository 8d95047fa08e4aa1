"""One row through all trees at once, without walking through any of them.

A tree is a number with a bit for each leaf, the leftmost leaf the lowest. A condition that does not hold
takes the leaves on its left away; the lowest bit that is left is the leaf that the row reaches. What one
value of a feature takes away from every tree stands in a line of a table, so that a row is one line of each
feature, and "and" of all of them. Lucchese et al. (2015), "QuickScorer: a fast algorithm to rank documents
with additive ensembles of regression trees", SIGIR.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

MOST_LEAVES = 64
MOST_BYTES = 64_000_000
Array = np.ndarray[Any, Any]


class Condition(NamedTuple):
    """An inner node: its tree, its left leaves, and what it asks."""

    tree: int
    left: int
    threshold: float
    levels: Array | None
    gap_goes_left: bool


class TreeMasks:
    """Finds the leaf of each tree that a row reaches.

    Parameters
    ----------
    trees : sequence of TreePredictor
        Of scikit-learn's histogram gradient boosting, each of `MOST_LEAVES` leaves at most.
    levels : sequence of int
        How many codes the first features have; all others are numbers.
    features : int
        How many there are.
    """

    def __init__(self, trees: Sequence[Any], levels: Sequence[int], features: int) -> None:
        most = _most_leaves(trees)
        self._kind = np.uint32 if most <= 32 else np.uint64
        self._conditions: list[list[Condition]] = [[] for _ in range(features)]
        self._values = np.zeros((len(trees), most))
        for number, tree in enumerate(trees):
            self._read(number, tree)
        self._starts = np.arange(len(trees)) * most
        self._flat = self._values.ravel()
        tables, self._levels, self._numbers, start = [], [], [], 0
        for place, conditions in enumerate(self._conditions):
            if place < len(levels):
                table = self._of_levels(conditions, levels[place])
                self._levels.append((start, levels[place]))
            else:
                thresholds = sorted({one.threshold for one in conditions})
                table = self._of_numbers(conditions, thresholds)
                self._numbers.append((start, thresholds, len(table) - 1))
            tables.append(table)
            start += len(table)
        self._table = np.concatenate(tables)

    @staticmethod
    def fits(trees: Sequence[Any]) -> bool:
        """Return whether trees have few enough leaves, and the table is small enough."""
        leaves = _most_leaves(trees)
        nodes = np.concatenate([tree.nodes[["feature_idx", "num_threshold"]] for tree in trees])
        lines = len(np.unique(nodes)) + 256 * len(np.unique(nodes["feature_idx"]))
        return leaves <= MOST_LEAVES and lines * len(trees) * (4 if leaves <= 32 else 8) <= MOST_BYTES

    def reached(self, values: Sequence[float], into: Array) -> None:
        """Write the value of the leaf that a row reaches in each tree.

        Parameters
        ----------
        values : sequence of float
            Of the features, codes of levels first; NaN for missing.
        into : ndarray of shape (trees,)
        """
        known = len(self._levels)
        lines = [
            start + (int(value) if value == value else gap)  # noqa: PLR0124 - only NaN differs from itself
            for (start, gap), value in zip(self._levels, values, strict=False)
        ]
        lines += [
            start + (bisect_left(thresholds, value) if value == value else gap)  # noqa: PLR0124
            for (start, thresholds, gap), value in zip(self._numbers, values[known:], strict=True)
        ]
        left = np.bitwise_and.reduce(self._table.take(lines, axis=0), axis=0)
        leaves = np.bitwise_count((left & -left) - self._kind(1))
        self._flat.take(self._starts + leaves, out=into, mode="clip")

    def _read(self, number: int, tree: Any) -> None:
        """Take over the conditions and leaves of a tree, leaves from left to right."""
        nodes, leaves = tree.nodes, 0

        def walk(place: int) -> int:
            nonlocal leaves
            node = nodes[place]
            if node["is_leaf"]:
                self._values[number, leaves] = node["value"]
                leaves += 1
                return 1 << (leaves - 1)
            left, right = walk(int(node["left"])), walk(int(node["right"]))
            sets = tree.raw_left_cat_bitsets[node["bitset_idx"]] if node["is_categorical"] else None
            asked = Condition(
                number, left, float(node["num_threshold"]), sets, bool(node["missing_go_to_left"])
            )
            self._conditions[int(node["feature_idx"])].append(asked)
            return left | right

        walk(0)

    def _blank(self, lines: int) -> Array:
        """Return lines that take nothing away."""
        return np.full((lines, len(self._values)), np.iinfo(self._kind).max, dtype=self._kind)

    def _kept(self, condition: Condition) -> Any:
        return self._kind(int(np.iinfo(self._kind).max) ^ condition.left)

    def _of_numbers(self, conditions: Sequence[Condition], thresholds: Sequence[float]) -> Array:
        """Return a line for each number of thresholds below a value, and one for a missing value."""
        table, rank = self._blank(len(thresholds) + 2), {one: place for place, one in enumerate(thresholds)}
        for one in conditions:
            table[rank[one.threshold] + 1 : -1, one.tree] &= self._kept(one)
            if not one.gap_goes_left:
                table[-1, one.tree] &= self._kept(one)
        return table

    def _of_levels(self, conditions: Sequence[Condition], levels: int) -> Array:
        """Return a line for each code, and one for a missing level."""
        table = self._blank(levels + 1)
        for one in conditions:
            goes_left = np.zeros(levels, dtype=bool)
            if one.levels is not None:
                bits = np.unpackbits(one.levels.astype("<u4").view("u1"), bitorder="little")
                goes_left = bits[:levels].astype(bool)
            table[:-1, one.tree][~goes_left] &= self._kept(one)
            if not one.gap_goes_left:
                table[-1, one.tree] &= self._kept(one)
        return table


def _most_leaves(trees: Sequence[Any]) -> int:
    return max(int(tree.nodes["is_leaf"].sum()) for tree in trees)
