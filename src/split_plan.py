"""The plan of a split that is in force: a file that a service reads again as soon as it changes."""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from scoring.variants import Split
from support import step

LOG = logging.getLogger("score")
CHALLENGER = "challenger"
TRIES = 50  # on Windows a file that is just being read cannot be replaced


@dataclass(frozen=True)
class Plan:
    """Who answers.

    Parameters
    ----------
    share : float, default 0
        Of keys that the challenger answers, from 0 to 1.
    salt : str, default ""
        Names the comparison.
    shadow : bool, default False
        The champion answers everything, the challenger scores it too; `share` stands still.
    """

    share: float = 0.0
    salt: str = ""
    shadow: bool = False

    @cached_property
    def split(self) -> Split:
        """The split of keys."""
        return Split({CHALLENGER: 0.0 if self.shadow else self.share}, self.salt)


def read_plan(file: Path) -> Plan:
    """Return the plan that `file` holds.

    Raises
    ------
    StepError
        When it is not there, or no plan.
    """
    content = step.read_json(file)
    if not isinstance(content, dict) or set(content) != {"share", "salt", "shadow"}:
        raise step.StepError(f"{file} is no plan: it must hold share, salt and shadow")
    share, salt, shadow = (content[name] for name in ("share", "salt", "shadow"))
    number = isinstance(share, int | float) and not isinstance(share, bool) and math.isfinite(share)
    if not (number and 0 <= share <= 1 and isinstance(salt, str) and isinstance(shadow, bool)):
        raise step.StepError(
            f"{file} is no plan: share must be a number from 0 to 1, salt text, shadow true or false"
        )
    return Plan(float(share), salt, shadow)


def write_plan(plan: Plan, file: Path) -> None:
    """Write the plan whole or not at all; every request that begins afterwards follows it."""
    _ = plan.split  # a share that is none is refused before it is written
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(plan)) + "\n", encoding="utf-8")
    for last in range(TRIES):
        try:
            partial.replace(file)
        except PermissionError:
            if last == TRIES - 1:
                raise
            time.sleep(0.01)
        else:
            return


def main(argv: Sequence[str] | None = None) -> None:
    """Change the plan in a file, and say what is in force from now on."""
    parser = argparse.ArgumentParser(description="Change which share of keys the challenger answers.")
    parser.add_argument("--file", type=Path, required=True, help="the plan of a service")
    parser.add_argument("--share", type=float, required=True, help="from 0 to 1; 0 gives all to the champion")
    parser.add_argument("--salt", help="names the comparison (default: as it is)")
    parser.add_argument("--shadow", action="store_true", help="the challenger scores all, and answers nobody")
    args = parser.parse_args(argv)
    plan = read_plan(args.file) if args.file.exists() else Plan()
    changed = replace(
        plan, share=args.share, shadow=args.shadow, salt=plan.salt if args.salt is None else args.salt
    )
    write_plan(changed, args.file)
    print(told(changed))


def told(plan: Plan) -> str:
    """Return who answers, in words."""
    if plan.shadow:
        return "the champion answers everything, the challenger scores it in shadow"
    if not plan.share:
        return "the champion answers everything"
    return f"the challenger answers {plan.share:.6g} of all keys, the champion the others"


class LivePlan:
    """The plan in a file, looked at before each request.

    A file that is gone, or holds no plan, leaves everything to the champion: that is where a mistake is
    the smallest.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[tuple[int, int, int] | None, Plan] = (None, Plan())

    def now(self) -> Plan:
        """Return the plan that is in force."""
        seen, plan = self._seen
        signature = self._signature()
        if signature != seen:
            plan = self._read() if signature else Plan()
            self._seen = signature, plan
        return plan

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Plan:
        try:
            return read_plan(self._file)
        except step.StepError as error:
            LOG.error("the champion answers everything: %s", error)
            return Plan()


if __name__ == "__main__":
    step.run_script(main)
