from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.notebook import render_notebook
from operation.engine.foundation.errors import WorkbenchError
from tests.operation.engine.evidence.reports.conftest import MakeRun
from tests.operation.engine.evidence.reports.pages import Page, read
from tests.operation.engine.evidence.reports.samples import (
    FAILURE,
    Run,
    code,
    example_cells,
    failed_cells,
    failed_manifest,
    manifest,
    markdown,
    png,
    raised,
    shown,
    stream,
)


def render(run: Run) -> Page:
    target = run.folder / "report.html"
    render_notebook(run.notebook, target, run.manifest)
    return read(target)


def test_the_page_stands_alone(make_run: MakeRun) -> None:
    page = render(make_run())
    assert page.loading() == []
    assert page.problems == []
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta.attributes)
    assert policy.attributes["content"].startswith("default-src 'none'; img-src data:;")


def test_the_content_policy_names_our_script_and_our_styles_by_their_digests(make_run: MakeRun) -> None:
    page = render(make_run([markdown("# Title\n\n<style>p {color: red}</style><script>x()</script>")]))
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta.attributes).attributes["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert "unsafe" not in rules["script-src"]
    assert _digest(page.all("script")[0].text) in rules["script-src"]
    assert rules["style-src-elem"] == _digest(page.all("style")[0].text)
    assert ":is(.html,.prose) p{color: red;}" in page.styles
    assert len(page.all("script")) == len(page.all("style")) == 1


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def test_an_empty_notebook_is_small(make_run: MakeRun) -> None:
    run = make_run([markdown("# Title")])
    render(run)
    assert (run.folder / "report.html").stat().st_size < 24_000


def test_the_page_is_accessible(make_run: MakeRun) -> None:
    page = render(make_run())
    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.all("title")[0].text == "How late? · 20261122-134501-flights-DEV-3f2a"
    assert [heading.text for heading in page.all("h1")] == ["How late?"]
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1
    assert [nav.attributes["aria-label"] for nav in page.all("nav")] == ["Where you are", "Contents"]
    identities = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(identities) == len(set(identities))
    first = next(element for element in page.all("a"))
    assert (first.attributes["href"], first.text) == ("#main", "Skip to the notebook")
    assert all(image.attributes["alt"] for image in page.all("img"))
    assert all(header.attributes["scope"] in {"row", "col"} for header in page.all("th"))


def test_every_link_within_the_page_leads_somewhere(failed_run: Run) -> None:
    page = render(failed_run)
    identities = {element.attributes.get("id") for element in page.elements}
    inner = [link.attributes["href"][1:] for link in page.all("a") if link.attributes["href"].startswith("#")]
    assert set(inner) <= identities
    assert "failure" in inner


def test_the_header_names_the_run(make_run: MakeRun) -> None:
    page = render(make_run())
    assert [fact.text for fact in page.all("dd")] == [
        "✓ succeeded",
        "11 s",
        "2026-11-22 13:45 UTC",
        "4e06e32c0f",
    ]
    assert page.all("li")[0].text == "roc_auc 0.7012 0.6800 to 0.7200, baseline 0.6200"
    assert [row.text.strip() for row in page.all("tr") if row.text.startswith(("rows", "ingest"))] == [
        "rows5",
        "ingest↺ reused0.1 s" + "a" * 10,
    ]


def test_headings_become_contents(make_run: MakeRun) -> None:
    contents = render(make_run()).all("ol")[0].text.split("\n")
    assert [line for line in contents if line] == ["By hour", "By carrier", "Conclusions"]


def test_a_figure_is_described_by_the_sentence_before_it(make_run: MakeRun) -> None:
    assert [image.attributes["alt"] for image in render(make_run()).all("img")] == [
        "In the evening one in three is late."
    ]


def test_a_figure_of_double_density_keeps_its_width_and_its_own_description(make_run: MakeRun) -> None:
    figure = shown({"image/png": png(80, 60)}, **{"image/png": {"width": 40, "height": 30, "alt": "Delays"}})
    image = render(make_run([code("draw()", figure)])).all("img")[0]
    assert (image.attributes["width"], image.attributes["alt"]) == ("40", "Delays")


def test_code_is_folded_with_its_time_and_the_parameters_of_the_run_are_named(make_run: MakeRun) -> None:
    folds = [fold for fold in render(make_run()).all("details") if fold.attributes["class"] == "code"]
    assert all("open" not in fold.attributes for fold in folds)
    assert folds[1].text.split("\n")[1] == "Parameters of this run [1] rows = 5 1.2 s"


def test_long_output_is_folded_and_progress_keeps_its_last_state(make_run: MakeRun) -> None:
    page = render(
        make_run([code("go()", stream("1%\r50%\r"), stream("100%\n"), stream("x\n" * 30, "stderr"))])
    )
    assert [fold.all for fold in [page] if "30 lines of messages" in page.text]
    assert "100%" in page.text
    assert "50%" not in page.text


def test_colours_of_the_terminal_become_classes(failed_run: Run) -> None:
    page = render(failed_run)
    assert any(span.attributes.get("class") == "ansi-red-fg" for span in page.all("span"))
    assert "\x1b" not in page.text


def test_a_failed_notebook_opens_on_the_failing_cell(failed_run: Run) -> None:
    page = render(failed_run)
    cell = next(section for section in page.all("section") if section.attributes.get("id") == "failure")
    assert {"autofocus", "tabindex"} <= set(cell.attributes)
    assert cell.attributes["aria-label"] == "The cell that failed"
    opened = [fold for fold in page.all("details") if "open" in fold.attributes]
    assert [fold.text.strip().split("\n")[-1] for fold in opened] == ["slices(by='carrier')"]
    banner = next(
        section for section in page.all("section") if "banner" in section.attributes.get("class", "")
    )
    assert banner.text.split("\n")[1:4] == [
        "KeyError in cell In [7]",
        "'carrier'",
        "src/evaluate.py:41 Go to the cell that failed",
    ]


def test_the_cell_in_which_the_kernel_died_is_the_failing_one(make_run: MakeRun) -> None:
    content = failed_manifest()
    content["notebooks"][0]["error"] = {**FAILURE, "type": "DeadKernelError", "cell": 1}
    page = render(make_run([code("fine()"), code("allocate()", count=None), code("later()")], **content))
    cell = next(section for section in page.all("section") if section.attributes.get("id") == "failure")
    assert "allocate()" in cell.text


def test_an_index_that_names_no_code_cell_gives_way_to_the_cell_that_raised(make_run: MakeRun) -> None:
    content = failed_manifest()
    content["notebooks"][0]["error"] = {**FAILURE, "cell": 0}
    page = render(make_run(failed_cells(), **content))
    cell = next(section for section in page.all("section") if section.attributes.get("id") == "failure")
    assert "slices(" in cell.text


def test_an_error_that_was_meant_is_no_failure(make_run: MakeRun) -> None:
    meant = code("1/0", raised("ZeroDivisionError", "division by zero"), tags=("raises-exception",))
    page = render(make_run([meant]))
    assert not [element for element in page.elements if element.attributes.get("id") == "failure"]
    assert "ZeroDivisionError" in page.text


def test_what_papermill_adds_to_a_failed_notebook_is_left_out(make_run: MakeRun) -> None:
    note = markdown("An Exception was encountered", metadata={"tags": ["papermill-error-cell-tag"]})
    assert "Exception was encountered" not in render(make_run([note, *example_cells()])).text


def test_without_a_manifest_the_notebook_speaks_for_itself(make_run: MakeRun) -> None:
    run = make_run([markdown("# Alone"), code("1/0", raised("ZeroDivisionError", "division by zero"))])
    target = run.folder / "alone.html"
    render_notebook(run.notebook, target, {})
    page = read(target)
    assert [heading.text for heading in page.all("h1")] == ["Alone"]
    assert [element.tag for element in page.elements if element.attributes.get("id") == "failure"] == [
        "section"
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(min_size=1)
    | st.sampled_from(["</title><script>x</script>", "'\"><img src=x>", "{{ 7*7 }}", "-->"])
)
def test_no_text_breaks_out(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "run"
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    content = manifest(use_case=text, description=text, commit=text, id=text, started=text)
    error = {"type": text, "message": text, "file": text, "line": 1, "cell": 1, "traceback": text}
    content["notebooks"][0] |= {"title": text, "parameters": {text: text}, "error": error, "status": "failed"}
    content["steps"][0] |= {"step": text, "key": text, "metrics": {text: text}, "how": text}
    run = Run(folder, content)
    cells = [markdown("x"), code(text, raised(text, text), stream(text), shown({"text/plain": text}))]
    document = {
        "cells": [{"id": f"c{at}", **cell} for at, cell in enumerate(cells)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    run.notebook.write_text(json.dumps(document), encoding="utf-8")
    page = render(run)
    assert page.loading() == []
    assert page.problems == []
    assert len(page.all("script")) == len(page.all("title")) == len(page.all("h1")) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory. Rerun the notebook."),
        ("{", "not a notebook (Notebook does not appear to be JSON: '{'). Rerun the notebook."),
    ],
)
def test_what_is_no_notebook_is_said(tmp_path: Path, content: str | None, message: str) -> None:
    executed = tmp_path / "a.ipynb"
    if content is not None:
        executed.write_text(content, encoding="utf-8")
    with pytest.raises(WorkbenchError) as caught:
        render_notebook(executed, tmp_path / "a.html", {})
    assert str(caught.value) == f"{executed}: {message}"
    assert not (tmp_path / "a.html").exists()
