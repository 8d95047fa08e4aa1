"""A step that depends on its conditions is found out, and on which of them; an honest one is not blamed."""

from __future__ import annotations

import os

import pytest

from operation import cli
from operation.engine import configuration
from operation.engine.evidence.certificate import certify, conditions, ways
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import write

FULL = os.environ.get("WORKBENCH_FULL_CERTIFICATES")
NAMES = "{f'name{index}' for index in range(30)}"
# Expression whose value goes into the output -> what it depends on.
DISHONEST = {
    "os.getcwd()": "working folder",
    "str(Path('x').absolute())": "working folder",
    "os.path.exists('src')": "working folder",
    "os.path.expanduser('~')": "HOME",
    "str(Path.home())": "HOME",
    "os.environ.get('HOME')": "HOME",
    "tempfile.gettempdir()": "temporary folder",
    "os.environ.get('TMPDIR')": "temporary folder",
    "time.strftime('%z')": "time zone",
    "time.localtime(0).tm_hour": "time zone",
    "str(datetime.date.today())": ("time zone", "clock"),
    "datetime.date.today().year": "clock",
    "datetime.datetime.now().month": "clock",
    "datetime.datetime.utcnow().strftime('%Y')": "clock",
    "datetime.datetime.now(datetime.UTC).year": "clock",
    "time.strftime('%Y')": "clock",
    "time.gmtime().tm_yday": "clock",
    "time.ctime()[-4:]": "clock",
    "int(time.time() / 1e6)": "clock",
    "time.time_ns() // 10**15": "clock",
    "__import__('pandas').Timestamp.now().year": "clock",
    "(datetime.date.today() - datetime.date(2026, 1, 1)).days > 700": "clock",
    "str(datetime.datetime.fromtimestamp(0))": "time zone",
    "os.environ.get('TZ')": "time zone",
    "locale.getlocale()[1]": "locale and default encoding",
    "os.environ.get('LC_ALL', os.environ.get('LANG'))": "locale and default encoding",
    "Path(__file__).with_name('accents.txt').read_text()": "locale and default encoding",
    "locale.getpreferredencoding(False)": "locale and default encoding",
    f"list({NAMES})": "hash seed",
    "hash('a')": "hash seed",
    "os.environ.get('OMP_NUM_THREADS')": "number of threads",
    "os.environ.get('MKL_NUM_THREADS')": "number of threads",
    "(mask := os.umask(0), os.umask(mask))[0]": "umask",
    "((folder / 'a').touch(), (folder / 'a').stat().st_mode)[1]": "umask",
    "getpass.getuser()": "user name",
    "os.environ.get('USER')": "user name",
    "socket.gethostname()": "host name",
    "platform.node()": "host name",
    "os.cpu_count()": "CPU count",
    "__import__('multiprocessing').cpu_count()": "CPU count",
    "os.listdir(Path(__file__).parent)": "order of directory listings",
    "[entry.name for entry in os.scandir(Path(__file__).parent)]": "order of directory listings",
    "[path.name for path in Path(__file__).parent.iterdir()]": "order of directory listings",
    "[path.name for path in Path(__file__).parent.glob('*.py')]": "order of directory listings",
    "__import__('glob').glob(str(Path(__file__).parent / '*.py'))": "order of directory listings",
    "[names for _, _, names in os.walk(Path(__file__).parent)]": "order of directory listings",
    "str(folder)": "path of the outputs",
    "os.environ.get('OWN_SETTING')": "other variables",
    "time.time()": conditions.RANDOM,
    "os.getpid()": conditions.RANDOM,
    "random.random()": conditions.RANDOM,
    "__import__('uuid').uuid4().hex": conditions.RANDOM,
    "__import__('numpy').random.rand()": conditions.RANDOM,
}
HONEST = [
    "type(datetime.datetime.now()).__name__",
    "isinstance(__import__('pandas').Timestamp(0).to_pydatetime(), datetime.datetime)",
    "str(datetime.datetime(2024, 1, 1) - datetime.timedelta(days=1))",
    "time.strftime('%Y', time.gmtime(0))",
    "time.time() > 1e9 and time.monotonic() > 0",
    "sorted(path.name for path in Path(__file__).parent.glob('*.py'))",
    f"sorted({NAMES})",
    "random.Random(1).random()",
    "Path(__file__).with_name('accents.txt').read_text(encoding='utf-8')",
    "str(datetime.datetime.fromtimestamp(0, datetime.UTC))",
    "tempfile.TemporaryFile().write(b'1')",
    "sum(1 for _ in os.walk(Path(__file__).parent))",
    "__import__('hashlib').sha256(b'a').hexdigest()",
    "__import__('numpy').random.default_rng(1).random()",
]
QUICK = (
    "datetime.datetime.now().month",
    "os.getcwd()",
    "time.localtime(0).tm_hour",
    "hash('a')",
    "os.environ.get('USER')",
    "os.getpid()",
)
SCRIPT = """
    import argparse, datetime, getpass, json, locale, os, platform, random, socket, tempfile, time
    from pathlib import Path

    from utils import output_path

    def build_parser():
        parser = argparse.ArgumentParser(description="Write a value")
        parser.add_argument("--result", type=output_path, required=True, help="folder")
        return parser

    def main(argv=None):
        folder = Path(build_parser().parse_args(argv).result)
        folder.mkdir()
        (folder / "value.json").write_text(json.dumps(EXPRESSION))

    if __name__ == "__main__":
        main()
"""


def test_a_step_that_depends_on_its_conditions_is_found_out_and_told_on_which(
    tiny: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certify, "WAYS", {name: ways.WAYS[name] for name in ("call", "script")})
    monkeypatch.setenv("OWN_SETTING", "1")
    write(tiny, "src/accents.txt", "é")
    expressions = [*(DISHONEST if FULL else QUICK), *HONEST]
    for index, expression in enumerate(expressions):
        write(tiny, f"src/step{index}.py", SCRIPT.replace("EXPRESSION", expression))
    steps = "".join(f"\n  step{index}: {{}}" for index in range(len(expressions)))
    write(tiny, "configuration/configuration-tiny.yml", f"description: Values\nsteps:{steps}\n")
    _, content = certify.certify(tiny, configuration.load(layout=tiny), [], lambda *_: None)
    found = dict(zip(expressions, content["steps"], strict=True))
    assert {name: step["causes"] for name, step in found.items() if step["differences"]} == {
        name: [dependence] if isinstance(dependence := DISHONEST[name], str) else list(dependence)
        for name in expressions
        if name in DISHONEST
    }


def test_a_step_that_fails_elsewhere_is_told_with_its_message(
    tiny: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(certify, "WAYS", {name: ways.WAYS[name] for name in ("call", "script")})
    script = tiny.src / "count.py"
    text = script.read_text(encoding="utf-8").replace("Path(args.text)", "Path('data/text.txt')")
    script.write_text(text, encoding="utf-8")
    assert cli.main(["certify", "count"]) == 1
    said = capsys.readouterr().out
    assert "    script against call: fails under other conditions: src/count.py:" in said
    assert "No such file or directory: 'data/text.txt'\n    it depends on: working folder\n" in said
    (page,) = (tiny.runs / "certificates").glob("*/certificate.html")
    text = page.read_text(encoding="utf-8")
    assert "It depends on: working folder" in text
    assert all(name in text for name in (*conditions.VARIED, *conditions.NOT_VARIED))
