"""What is measured: contenders, and comparisons of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a contender works in one round: prepared for it, which is not measured.

    Parameters
    ----------
    project : Path
        A copy of the project; its ``runs`` holds what was there before.
    out : Path
        An empty folder for what the contender leaves elsewhere.
    """

    project: Path
    out: Path


@dataclass(frozen=True)
class Command:
    """One command.

    Parameters
    ----------
    words : sequence of str
        The program and its arguments.
    folder : Path
        Where it is started.
    variables : mapping
        Environment variables beside those of this process.
    """

    words: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """Something that is measured.

    Parameters
    ----------
    name : str
        As the table says it.
    commands : callable
        Given its place, returns what is executed.
    note : str
        What it leaves, and what it does not do that others do.
    about : float
        Seconds that it takes on two cores, roughly: for the estimate before anything is measured.
    at_once : int, default=1
        How many of its commands are executed at the same time.
    proof : str, default=""
        What the output of its last command must hold; else it has not done what is measured.
    figure : callable, optional
        Returns the seconds that count from the output of its last command, where it measures itself in
        a process that is warm already. By default the wall time of all its commands counts.
    """

    name: str
    commands: Callable[[Place], Sequence[Command]]
    note: str = ""
    about: float = 5.0
    at_once: int = 1
    proof: str = ""
    figure: Callable[[str], float] | None = None


@dataclass(frozen=True)
class Comparison:
    """Contenders that do the same work.

    Parameters
    ----------
    name : str
        For file names: letters, digits and ``-``.
    title : str
        What is done, in a sentence.
    contenders : sequence of Contender
        The first is the reference that ratios are of.
    place : callable
        Returns a place for a contender, as if nothing had been measured before.
    remarks : sequence of str
        What a reader must know.
    """

    name: str
    title: str
    contenders: Sequence[Contender]
    place: Callable[[Contender], Place]
    remarks: Sequence[str] = ()

    @property
    def reference(self) -> str:
        """The contender that ratios are of."""
        return self.contenders[0].name


@dataclass(frozen=True)
class Measured:
    """One contender in one round.

    Parameters
    ----------
    seconds : float
        From the first command's start to the last one's end, or what the contender measured itself.
    cpu : float or None
        Seconds of processor time of all its processes; None where the platform does not tell.
    others : float or None
        Share of the cores that other work on the machine took meanwhile, from 0 to 1; None but on Linux.
    cells : float or None
        Seconds that its executed notebooks spent in their cells, all together; None without any.
    kilobytes : float or None
        All HTML that it left, in 1000 bytes; None without any.
    """

    seconds: float
    cpu: float | None = None
    others: float | None = None
    cells: float | None = None
    kilobytes: float | None = None
