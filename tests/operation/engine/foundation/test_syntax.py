"""Many threads read Python at once, as notebooks side by side do."""

from __future__ import annotations

import ast
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from operation.engine.foundation import syntax

TEXT = "\n".join(f"value_{number} = [{number}, (1 + 2) * 3]" for number in range(300))


class Litter:
    """Collected while a tree is made, it lets another thread go on."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.sleep(0.0001)


def _parsed(_: int) -> ast.Module:
    litter: Any = [Litter() for _ in range(20)]
    del litter
    return syntax.parse(TEXT)


def test_trees_are_right_when_threads_parse_at_once() -> None:
    expected, threshold = ast.dump(ast.parse(TEXT)), gc.get_threshold()
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(8) as threads:
            trees = list(threads.map(_parsed, range(40)))
    finally:
        gc.set_threshold(*threshold)
    assert {ast.dump(tree) for tree in trees} == {expected}
