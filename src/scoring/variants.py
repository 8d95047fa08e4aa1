"""Variants: which model answers a request; a key gets the same one on every machine, at any time."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from support import step

CHAMPION, CHALLENGER = "champion", "challenger"
WHOLE = 2**64


def position(salt: str, key: str) -> int:
    """Return the position of `key` in 0..2**64-1: the first 8 bytes of SHA-256 of salt, a zero byte and key.

    Uniform over keys, and independent for different salts.
    """
    # a key from JSON may hold an unpaired surrogate: it has a position too
    text = f"{salt}\0{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


@dataclass(frozen=True)
class Split:
    """A sticky split of keys among a champion and its challengers.

    Challengers take positions side by side from 0 on, in the order of `shares`, the champion the rest. A
    challenger whose share grows keeps its keys and takes new ones from what follows: from the champion,
    where it is the only challenger or the last.

    Parameters
    ----------
    shares : mapping of str to float
        Each challenger and its share, from 0 to 1; together at most 1.
    salt : str, default ""
        Names the comparison: another salt splits the same keys afresh.
    champion : str, default "champion"
        Name of the variant that answers the remaining keys.

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
                f"{self.champion!r} is the champion and gets the rest: give the shares of challengers only"
            )
        if sum(_width(share) for share in self.shares.values()) > WHOLE:
            total = math.fsum(self.shares.values())
            raise step.StepError(f"the shares add up to {total:g}: give challengers at most 1 in total")

    @cached_property
    def _ends(self) -> list[tuple[int, str]]:
        """The end of each challenger's positions, exclusive, with its name."""
        ends, end = [], 0
        for name, share in self.shares.items():
            end += _width(share)
            ends.append((end, name))
        return ends

    def variant(self, key: str) -> str:
        """Return the name of the variant that answers `key`."""
        key_position = position(self.salt, key)
        return next((name for end, name in self._ends if key_position < end), self.champion)


def _width(share: float) -> int:
    """Return the number of positions of a share; exact, because 2**64 only moves the binary point."""
    return int(share * WHOLE)
