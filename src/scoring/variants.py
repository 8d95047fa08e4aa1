"""Variants: which model answers a request; a key gets the same one on every machine, today and later."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from support import step

CHAMPION = "champion"
WHOLE = 2**64


def position(salt: str, key: str) -> int:
    """Return where `key` lies in 0..2**64-1: the first 8 bytes of SHA-256 of salt, a zero byte and key.

    Uniform over keys, and with another salt independent of where it lay before.
    """
    # a key may hold what is no text, such as half of a surrogate pair out of JSON: it has a place too
    text = f"{salt}\0{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


@dataclass(frozen=True)
class Split:
    """A sticky split of keys among a champion and its challengers.

    The challengers lie side by side from position 0 on, in the order they are named, and the champion has
    what is left. A challenger whose share grows keeps all its keys and takes new ones from what follows: from
    the champion, where it is the only challenger or the last. A share of 0 gives all its keys back.

    Parameters
    ----------
    shares : mapping of str to float
        Each challenger and its share, from 0 to 1; together at most 1.
    salt : str, default ""
        Names the comparison: another one splits the same keys afresh.
    champion : str, default "champion"
        Answers all other keys.

    Raises
    ------
    StepError
        For a share out of range, shares of more than 1 together, or a challenger named as the champion.
    """

    shares: Mapping[str, float]
    salt: str = ""
    champion: str = CHAMPION

    def __post_init__(self) -> None:
        for name, share in self.shares.items():
            if not (math.isfinite(share) and 0 <= share <= 1):
                raise step.StepError(f"the share of {name!r} is {share:g}: give a number from 0 to 1")
        if self.champion in self.shares:
            raise step.StepError(
                f"{self.champion!r} is the champion, it has what is left: give the shares of challengers only"
            )
        if sum(_width(share) for share in self.shares.values()) > WHOLE:
            total = math.fsum(self.shares.values())
            raise step.StepError(
                f"the shares add up to {total:g}: give at most 1 to all challengers together"
            )

    @cached_property
    def _ends(self) -> list[tuple[int, str]]:
        """Each challenger with the position before which it ends."""
        ends, end = [], 0
        for name, share in self.shares.items():
            end += _width(share)
            ends.append((end, name))
        return ends

    @property
    def planned(self) -> dict[str, float]:
        """Every variant, the champion first, and the share of keys that it is to get."""
        return {self.champion: 1 - math.fsum(self.shares.values()), **self.shares}

    def variant(self, key: str) -> str:
        """Return the name of the variant that answers `key`."""
        place = position(self.salt, key)
        for end, name in self._ends:
            if place < end:
                return name
        return self.champion


def _width(share: float) -> int:
    """Return how many positions a share has; exact, because 2**64 only moves the binary point."""
    return int(share * WHOLE)
