"""The pages in a real Chromium: not one request leaves, and the console stays empty."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from operation.engine.evidence.reports.gallery import write_gallery
from operation.engine.evidence.reports.notebook import render_notebook
from operation.engine.evidence.reports.run_page import write_run_page
from tests.operation.engine.evidence.reports.conftest import MakeRun
from tests.operation.engine.evidence.reports.hostile import RAN, VECTORS
from tests.operation.engine.evidence.reports.samples import (
    code,
    example_cells,
    failed_cells,
    failed_manifest,
    markdown,
    shown,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Where the browser itself goes unasked; none of it comes from a page.
OWN_ERRANDS = (
    "*.google.com",
    "*.gvt1.com",
    "clientservices.googleapis.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "update.googleapis.com",
)

# Opens each page in a frame and writes down where it stands and what has the focus.
VISITOR = """<!DOCTYPE html><html><head><link rel="icon" href="data:,"></head><body><script>
const pages = PAGES;
const notes = [];
function visit(at) {
  if (at === pages.length) { document.body.textContent = notes.join("\\n"); return; }
  const frame = document.createElement("iframe");
  frame.width = 1280; frame.height = 700; frame.src = pages[at];
  frame.onload = async () => {
    const inside = frame.contentDocument;
    // Autofocus is given when a frame is drawn, on a busy machine long after the page has loaded, and a
    // frame is drawn only if something asks for it. While the server takes its time, so does the
    // browser's virtual clock.
    for (let tries = 0; tries < 100; tries += 1) {
      frame.contentWindow.requestAnimationFrame(() => {});
      await fetch("wait");
      if (!inside.querySelector("[autofocus]") || inside.activeElement.id) break;
    }
    notes.push([pages[at], inside.activeElement.id, frame.contentWindow.scrollY > 0,
      inside.body.lastElementChild.tagName, inside.documentElement.scrollWidth <= 1280].join(" "));
    frame.remove(); visit(at + 1);
  };
  document.body.append(frame);
}
visit(0);
</script></body></html>"""


# Sorts the gallery by a metric, filters it, and compares its first and last run.
GALLERY_VISITOR = """<!DOCTYPE html><html><head><link rel="icon" href="data:,"></head><body>
<iframe width="1280" height="700" src="runs/index.html"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const inside = frame.contentDocument, notes = [];
  const ends = () => Array.from(inside.querySelectorAll("#table tbody tr"))
    .filter((row) => !row.hidden).map((row) => row.dataset.id.slice(-2)).join(" ");
  const heading = Array.from(inside.querySelectorAll("#table th"))
    .find((one) => one.textContent.startsWith("roc_auc"));
  notes.push(ends());
  heading.firstChild.click(); notes.push(heading.ariaSort + " " + ends());
  heading.firstChild.click(); notes.push(heading.ariaSort + " " + ends());
  const filter = inside.querySelector("[data-filter=status]");
  filter.value = "failed"; filter.dispatchEvent(new Event("input", { bubbles: true })); notes.push(ends());
  filter.value = ""; filter.dispatchEvent(new Event("input", { bubbles: true }));
  const boxes = Array.from(inside.querySelectorAll("#table tbody input"));
  boxes[0].click(); boxes[2].click();
  notes.push(frame.contentWindow.location.hash);
  inside.querySelectorAll("#comparison tbody tr").forEach((row) =>
    notes.push(Array.from(row.cells).map((cell) => cell.textContent).join("|")));
  inside.getElementById("clear").click(); notes.push(inside.getElementById("comparison").hidden);
  document.body.textContent = notes.join("\\n");
};
</script></body></html>"""


@dataclass
class Server:
    """A folder served on the loopback interface, and the paths that were asked for."""

    folder: Path
    port: int = 0
    requested: list[str] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    served = Server(tmp_path)

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/wait":
                time.sleep(0.2)
                self.send_response(204)
                self.end_headers()
                return
            served.requested.append(f"{self.headers['Host'].partition(':')[0]}{self.path}")
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing: the requests are kept."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path))) as listening:
        served.port = listening.server_port
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield served
        listening.shutdown()


def browse(
    server: Server, pages: list[str], profile: Path, visitor: str = VISITOR
) -> tuple[list[str], list[str]]:
    """Visit pages; return what the visitor noted and what the console said."""
    visitor = visitor.replace("PAGES", str(pages))
    (server.folder / "visit.html").write_text(visitor, encoding="utf-8")
    # Whatever host a page asks for, it asks our server, which writes it down.
    rules = ", ".join([*(f"MAP {host} ~NOTFOUND" for host in OWN_ERRANDS), f"MAP * 127.0.0.1:{server.port}"])
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-extensions", "--disable-dev-shm-usage", "--enable-logging=stderr",
            f"--user-data-dir={profile}", f"--host-resolver-rules={rules}",
            "--window-size=1300,900", "--virtual-time-budget=20000", "--dump-dom",
            f"http://127.0.0.1:{server.port}/visit.html",
        ],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    words = done.stdout.partition("<body>")[2].partition("</body>")[0]
    notes = words.removeprefix("<script>").splitlines()
    return notes, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new profile folder for the browser; without a browser the test is skipped, but not in CI."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("chromium is not installed")
    return tmp_path_factory.mktemp("profile")


def test_no_request_leaves_and_no_error_is_logged(make_run: MakeRun, server: Server, chromium: Path) -> None:
    hostile = "<img src='http://x.test/a.png'><script src='http://x.test/a.js'></script></main></body><div>"
    outputs = (
        shown({"text/html": hostile}),
        shown({"text/html": "<style>@import 'http://x.test/a.css'</style>"}),
    )
    good = make_run([*example_cells(), markdown("![x](http://x.test/b.png)"), code("show()", *outputs)])
    bad = make_run(
        failed_cells(), **{**failed_manifest(), "id": "20261122-150000-flights-DEV-fa11"}, name="x"
    )
    for run in (good, bad):
        render_notebook(run.notebook, run.folder / "01-explore-data.html", run.manifest)
        write_run_page(run.folder)
    write_gallery(server.folder / "runs")
    ok, failed = good.folder.name, bad.folder.name
    pages = [
        f"runs/{ok}/01-explore-data.html", f"runs/{ok}/index.html", f"runs/{failed}/01-explore-data.html",
        f"runs/{failed}/index.html", "runs/index.html",
    ]  # fmt: skip
    notes, console = browse(server, pages, chromium)
    assert console == []
    assert sorted(server.requested) == sorted(f"127.0.0.1/{page}" for page in ["visit.html", *pages])
    # The page, what has the focus, whether it was scrolled there, its last element, no sideways scrolling.
    assert notes == [
        f"runs/{ok}/01-explore-data.html  false SCRIPT true",
        f"runs/{ok}/index.html  false FOOTER true",
        f"runs/{failed}/01-explore-data.html failure true SCRIPT true",
        f"runs/{failed}/index.html  false FOOTER true",
        "runs/index.html  false SCRIPT true",
    ]


def test_the_test_above_would_notice(server: Server, chromium: Path) -> None:
    page = "<p>x</p><img src='http://x.test/a.png'><script>console.error('oh')</script>"
    (server.folder / "leak.html").write_text(page, encoding="utf-8")
    _, console = browse(server, ["leak.html"], chromium)
    assert "x.test/a.png" in server.requested
    assert any('"oh"' in line for line in console)


def test_the_gallery_sorts_filters_and_compares(make_run: MakeRun, server: Server, chromium: Path) -> None:
    for end, score, status in (("aa", 0.7, "succeeded"), ("bb", 0.65, "failed"), ("cc", 0.9, "succeeded")):
        metrics = {"evaluate.roc_auc": score}
        make_run(name=f"20261122-120000-flights-DEV-{end}", metrics=metrics, status=status, steps=[])
    write_gallery(server.folder / "runs")
    notes, console = browse(server, [], chromium, GALLERY_VISITOR)
    assert console == []
    assert notes == [
        "cc bb aa",
        "ascending bb aa cc",
        "descending cc aa bb",
        "bb",
        "#compare=20261122-120000-flights-DEV-cc,20261122-120000-flights-DEV-bb",
        "Run||",
        "status|succeeded|failed",
        "Metrics||",
        "evaluate.roc_auc|0.9000|0.6500",
        "true",
    ]


@pytest.mark.parametrize("guarded", [True, False], ids=["with the content policy", "by cleaning alone"])
def test_no_script_of_a_notebook_runs_and_nothing_is_fetched(
    make_run: MakeRun, server: Server, chromium: Path, guarded: bool
) -> None:
    outputs = [shown({media: vector}) for vector in VECTORS for media in ("text/html", "text/markdown")]
    pictures = [shown({"image/svg+xml": vector}) for vector in VECTORS if vector.startswith("<svg")]
    formulas = [
        shown({"text/latex": f"${word}$"}) for word in (f"\\href{{javascript:{RAN}}}{{x}}", VECTORS[5])
    ]
    cells = [markdown(vector) for vector in VECTORS] + [code("x", *outputs, *pictures, *formulas)]
    run = make_run(cells)
    page = run.folder / "hostile.html"
    render_notebook(run.notebook, page, run.manifest)
    if not guarded:
        html = page.read_text(encoding="utf-8")
        page.write_text(html.replace("Content-Security-Policy", "x-no-policy"), encoding="utf-8")
    address = f"runs/{run.folder.name}/hostile.html"
    notes, console = browse(server, [address], chromium)
    assert console == []
    assert sorted(server.requested) == sorted(f"127.0.0.1/{name}" for name in ("visit.html", address))
    assert notes == [f"{address}  false SCRIPT true"]
