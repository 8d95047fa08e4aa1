from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest

from operation.engine.evidence.reports import thumbnails as module
from operation.engine.evidence.reports.thumbnails import thumbnails
from tests.operation.engine.evidence.reports.samples import code, png, shown, write_notebook


def _size(address: str) -> tuple[int, int]:
    content = base64.b64decode(address.partition(",")[2])
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def test_the_largest_figure_that_fills_a_card_stands_for_the_notebook(tmp_path: Path) -> None:
    figures = [shown({"image/png": png(*size)}) for size in ((30, 20), (60, 40), (20, 400))]
    notebook = write_notebook(tmp_path / "a.ipynb", [code("draw()", *figures)])
    assert _size(thumbnails([notebook])[0]) == (60, 40)


def test_a_large_figure_is_scaled_down(tmp_path: Path) -> None:
    from matplotlib.image import imsave
    from numpy.random import default_rng

    figure = io.BytesIO()
    imsave(figure, default_rng(1).random((300, 960)))
    picture = base64.b64encode(figure.getvalue()).decode("ascii")
    notebook = write_notebook(tmp_path / "a.ipynb", [code("draw()", shown({"image/png": picture}))])
    assert _size(thumbnails([notebook])[0]) == (560, 175)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"cells": [1]}', '{"cells": [{"outputs": [{"data": {"image/png": 7}}]}]}']
)
def test_a_broken_notebook_has_no_figure(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.ipynb").write_text(content, encoding="utf-8")
    assert thumbnails([tmp_path / "a.ipynb", tmp_path / "gone.ipynb"]) == ["", ""]


def test_the_page_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb", [code("draw()", shown({"image/png": png()}))])
    address = thumbnails([notebook])[0]
    monkeypatch.setattr(module, "BUDGET", len(address) * 2)
    assert thumbnails([notebook] * 3) == [address, address, ""]
