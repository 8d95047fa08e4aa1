"""What a client names stays in its place, and who has no token, or comes by another name, gets nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.emulator import tokens
from operation.emulator.access import listening
from operation.emulator.application import application, concerns
from operation.emulator.history import blobs
from operation.emulator.hosts import SUFFIX
from operation.emulator.http import WORKSPACE as TEMPLATE
from operation.emulator.http import HttpError, ServiceRoute
from operation.emulator.jobs import execution_data
from operation.emulator.jobs.execution_job import job_folder
from operation.emulator.pages import area_of, areas, emulated
from operation.emulator.service import Service
from operation.emulator.state import State

NO_TOKEN = {"authorization": ""}
CANARY = b"canary-that-nobody-reads"
WORKSPACE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/amlguarded"
)
# what may be asked without a token, and why it is no hole
PUBLIC = {
    "/metadata/endpoints": "addresses alone",
    "/{tenant}/.well-known/openid-configuration": "addresses alone",
    "/{tenant}/v2.0/.well-known/openid-configuration": "addresses alone",
    "/{tenant}/oauth2/token": "wants the client's secret",
    "/{tenant}/oauth2/v2.0/token": "wants the client's secret",
    "/msi/{secret}/token": "wants the client's secret",
    "/v2/track": "keeps nothing",
    "/v2.1/track": "keeps nothing",
    "/discovery/{identity}": "addresses alone",
    "/discovery/workspaces/{identity}": "addresses alone",
    f"/discovery{TEMPLATE}": "addresses alone",
    "/blob/{account}/{container}": "wants the account's key, a signed address or a token",
    "/blob/{account}/{container}/{path:path}": "wants the account's key, a signed address or a token",
    "/vault/{vault}/secrets": "says where to get a token, then wants it",
    "/vault/{vault}/secrets/{name}": "says where to get a token, then wants it",
    "/vault/{vault}/secrets/{name}/": "says where to get a token, then wants it",
    "/vault/{vault}/secrets/{name}/{version}": "says where to get a token, then wants it",
    "/services/{workspace}/{name}/{what}": "wants the web service's own key",
    "/services/{workspace}/{name}/{version}/{what}": "wants the web service's own key",
    "/": "wants the key or its cookie",
    "/emulated": "wants the key or its cookie",
    "/workspaces/{workspace}": "wants the key or its cookie",
    "/workspaces/{workspace}/runs/{run}": "wants the key or its cookie",
    "/workspaces/{workspace}/runs/{run}/files/{path:path}": "wants the key or its cookie",
    "/runs/{run}": "wants the key or its cookie",
    "/experiments/{experiment}/runs/{run}": "wants the key or its cookie",
}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Return the word of Azure's error document."""
        return self.headers.get("x-ms-error-code", "")


class Guarded:
    """A service with canaries around its files, asked without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        (folder / "outside.txt").write_bytes(CANARY)
        self.service = Service(self.folder, "https://localhost:1", {})
        self.app = application(self.service)
        (self.folder / "service.json").write_bytes(CANARY)
        key = self.folder / "certificates" / "token.key"
        self.token = tokens.token(key.read_bytes(), "x", 3600, "x")
        self.kept = {
            file: file.read_bytes() for file in (folder / "outside.txt", self.folder / "service.json", key)
        }

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
    ) -> Answer:
        """Return the answer to a path as a client writes it: encoded, perhaps with a query."""
        sent = {"authorization": f"Bearer {self.token}", "host": "localhost", **headers}
        return asyncio.run(self._ask(method, path, body, sent))

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        raw, _, query = path.partition("?")
        sent: list[dict[str, Any]] = []
        names = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "root_path": "",
        }
        scope |= {"query_string": query.encode(), "headers": names, "scheme": "https", "http_version": "1.1"}
        scope |= {"server": ("127.0.0.1", 1), "client": ("127.0.0.1", 2)}
        received = iter([{"type": "http.request", "body": body}])

        async def receive() -> dict[str, Any]:
            return next(received, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(dict(message))

        with contextlib.suppress(Exception):  # a defect, of which the client was told
            await self.app(scope, receive, send)
        answered = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], answered, b"".join(one.get("body", b"") for one in sent[1:]))

    def check(self, *answers: Answer) -> None:
        """Check that nothing leaked, nothing broke, and nothing was written but where it belongs."""
        assert not any(answer.code == "EmulatorDefect" for answer in answers), answers
        self.contained(*answers)
        self.untouched()

    def contained(self, *answers: Answer) -> None:
        """Check that nothing leaked."""
        for answer in answers:
            assert answer.status < 500, answer
            assert not any(secret in answer.body for secret in self.kept.values()), answer

    def untouched(self) -> None:
        """Check that nothing was written but where it belongs."""
        assert {file: file.read_bytes() for file in self.kept} == self.kept
        assert {one.name for one in self.folder.parent.iterdir()} == {"outside.txt", "state"}
        known = {"blobs", "blob-facts", "certificates", "service.json", "vaults", "workspaces", "jobs"}
        assert {one.name for one in self.folder.iterdir()} <= known
        assert {one.name for one in (self.folder / "certificates").iterdir()} == {"token.key"}
        for kind, depth in (("blobs", 3), ("workspaces", 3), ("vaults", 2), ("jobs", 2)):
            files = [one for one in (self.folder / kind).rglob("*") if one.is_file()]
            assert all(len(one.relative_to(self.folder / kind).parts) >= depth for one in files)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Return the service that all attempts of this file are made on."""
    made = Guarded(tmp_path_factory.mktemp("guarded"))
    yield made
    made.service.stop()


ATTEMPTS = ["..", ".", "", "...", " ", " ..", ".. ", "%2e%2e", "%252e%252e", "..%2f", "..%252f", "%2f"]
ATTEMPTS += ["..\\", "\\..\\..", "%5c..%5c", "\0", "%00", "a\0.txt", "/etc/passwd", "C:\\x", "C:", "//host/x"]
ATTEMPTS += ["~", "$HOME", "\u2025", "\uff0e\uff0e", "\uff0f", "é" * 130, "a" * 300, "a", "token.key", "\x7f"]
ATTEMPTS += [
    "aux.txt",
    "NUL",
    "com1",
    "lpt9.csv",
    "prn .x",
    "CONOUT$",
    "a.",
    "x" * 1025,
    "\\\\?\\C:\\x",
    "file:///etc",
]
ATTEMPTS += ["certificates", "state", "service.json", "outside.txt", "blobs", "x:stream", "con", "-rf", "\n"]
PATHS = st.one_of(
    st.lists(st.sampled_from(ATTEMPTS), min_size=1, max_size=6).map("/".join),
    st.lists(st.sampled_from(ATTEMPTS), min_size=1, max_size=4).map("\\".join),
    st.sampled_from(ATTEMPTS).map(lambda one: "../" * 9 + one),
    st.text(max_size=40),
).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(path: str, encoded: bool) -> str:
    """Return a path as a client writes it: as it is, as far as a request can hold that, or encoded."""
    return quote(path, safe="") if encoded else quote(path, safe="/%.\\~")


@MANY
@given(account=PATHS, container=PATHS, path=PATHS, encoded=st.booleans())
def test_a_blob_stays_in_its_container(
    guarded: Guarded, account: str, container: str, path: str, encoded: bool
) -> None:
    places = [
        f"/blob/{written(account, encoded)}/{written(container, encoded)}/{written(path, encoded)}",
        f"/blob/sa/{written(container, encoded)}/{written(path, encoded)}",
        f"/blob/{written(account, encoded)}/certificates/token.key",
        f"/blob/sa/c/{written(path, encoded)}",
    ]
    for place in places:
        head = f"{place}?comp=list"
        guarded.check(guarded.ask("PUT", place, b"x"), guarded.ask("GET", place), guarded.ask("GET", head))
    source = {"x-ms-copy-source": f"https://sa.blob.{SUFFIX}/{written(path, True)}"}
    copied = guarded.ask("PUT", "/blob/sa/c/copy", headers=source)
    guarded.check(copied, guarded.ask("GET", "/blob/sa/c/copy"), guarded.ask("DELETE", places[3]))


@MANY
@given(origin=PATHS, container=PATHS, path=PATHS, encoded=st.booleans())
def test_an_artifact_stays_in_its_container(
    guarded: Guarded, origin: str, container: str, path: str, encoded: bool
) -> None:
    base = f"/artifact/v2.0{WORKSPACE}/artifacts"
    for place in (
        f"{written(origin, encoded)}/{written(container, encoded)}",
        f"ExperimentRun/{written(container, encoded)}",
    ):
        whole = f"{place}/{written(path, encoded)}"
        guarded.check(
            guarded.ask("POST", f"{base}/content/{whole}", b"x"),
            guarded.ask("GET", f"{base}/content/{whole}"),
            guarded.ask("GET", f"{base}/{place}"),
            guarded.ask("GET", f"{base}/prefix/contentinfo/{whole}"),
        )


@MANY
@given(path=PATHS, blob=PATHS, name=PATHS)
def test_a_snapshot_is_unpacked_into_its_folder(guarded: Guarded, path: str, blob: str, name: str) -> None:
    base = f"/content/v2.0{WORKSPACE}/snapshots"
    name = name if name.strip("/") else "x"
    node = {"FullName": path, "BlobUri": f"https://sa.blob.{SUFFIX}/snapshots/{quote(blob)}"}
    tree = {"children": {path: {"name": path, "type": "File"}}}
    body = {"FileRevisionList": {"FileNodes": [node]}, "DirTreeNode": tree}
    made = guarded.ask("POST", f"{base}/{written(name, True)}", json.dumps(body).encode())
    addresses = guarded.ask("POST", f"{base}/getblob", json.dumps({"FileNames": [path]}).encode())
    zipped = guarded.ask("POST", f"{base}/{written(name, True)}/zip")
    sent = {"Configuration": {"script": "x.py"}, "SnapshotId": name}
    run = f"/execution/v1.0{WORKSPACE}/experiments/e/snapshotrun?{urlencode({'runId': '../../' + name})}"
    guarded.check(made, addresses, zipped, guarded.ask("POST", run, json.dumps(sent).encode()))


@MANY
@given(account=PATHS, container=PATHS, path=PATHS, name=PATHS)
def test_the_data_of_a_job_stays_in_its_datastore(
    guarded: Guarded, account: str, container: str, path: str, name: str
) -> None:
    base, state = f"/datastore/v1.0{WORKSPACE}/datastores", guarded.service.state("amlguarded")
    for at, where in {"foreign": (account, container), "own": ("sa", "c")}.items():
        section = {"accountName": where[0], "containerName": where[1], "endpoint": SUFFIX}
        body = {"name": at, "dataStoreType": "AzureBlob", "azureStorageSection": section}
        guarded.check(
            guarded.ask("POST", f"{base}?createIfNotExists=true", json.dumps(body).encode()),
            guarded.ask("GET", f"{base}/{written(name, True)}"),
        )
        for configuration in configurations(at, path, name):
            resolved(guarded, state, configuration)
        guarded.check(guarded.ask("DELETE", f"{base}/{at}"))


def configurations(store: str, path: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield run configurations that read and write `path`, each in its own way."""
    reference = {"dataStoreName": store, "pathOnDataStore": path}
    yield {"dataReferences": {"a": {**reference, "mode": "mount"}}}
    yield {"dataReferences": {name: {**reference, "mode": "download", "pathOnCompute": path}}}
    place = {"datastoreName": store, "relativePath": path}
    yield {"data": {name: {"dataLocation": {"dataPath": place}}}}
    yield {"outputData": {name: {"outputLocation": {"dataPath": place}}}}


def resolved(guarded: Guarded, state: State, configuration: dict[str, Any]) -> None:
    """Check that the paths a job is given are below the service's blobs or the job's own folder."""
    folder = job_folder(guarded.service, "job")
    try:
        found = execution_data.resolve(guarded.service, state, configuration, folder)
    except HttpError:
        guarded.check()
        return
    guarded.check()
    paths = [Path(value).resolve() for value in found.placeholders.values()]
    roots = ((guarded.folder / "blobs").resolve(), folder.resolve())
    assert all(any(path.is_relative_to(root) for root in roots) for path in paths)


@MANY
@given(name=PATHS, prefix=PATHS)
def test_a_model_has_a_name_and_files_of_its_own(guarded: Guarded, name: str, prefix: str) -> None:
    base = f"/modelmanagement/v1.0{WORKSPACE}"
    asset = {"name": "m", "artifacts": [{"prefix": prefix}]}
    kept = json.loads(guarded.ask("POST", f"{base}/assets", json.dumps(asset).encode()).body)
    model = {"name": name, "url": f"aml://asset/{kept['id']}"}
    made = guarded.ask("POST", f"{base}/models", json.dumps(model).encode())
    guarded.check(made, guarded.ask("GET", f"{base}/models/{written(name, True)}"))
    mlflow = f"/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow"
    source = {"name": name, "source": f"azureml://artifacts/{prefix}"}
    guarded.check(
        guarded.ask("POST", f"{mlflow}/model-versions/create", json.dumps(source).encode()),
        guarded.ask("GET", f"{mlflow}/logged-models/{written(name, True)}/artifacts/directories"),
    )


@MANY
@given(name=PATHS, encoded=st.booleans())
def test_a_workspace_and_a_vault_have_folders_of_their_own(
    guarded: Guarded, name: str, encoded: bool
) -> None:
    place = WORKSPACE.replace("amlguarded", written(name, encoded))
    secret = json.dumps({"name": "service", "value": "x"}).encode()
    guarded.check(
        guarded.ask("GET", place),
        guarded.ask("PUT", f"/credential/v2.0{place}/secrets", secret),
        guarded.ask("GET", f"/workspaces/{written(name, encoded)}"),
        guarded.ask("PUT", f"/vault/{written(name, encoded)}/secrets/service", secret),
        guarded.ask("GET", f"/vault/kv/secrets/{written(name, encoded)}"),
        guarded.ask("GET", "/secrets/service", headers={"host": f"{quote(name)}.vault.{SUFFIX}"}),
    )


def test_a_signed_address_does_not_copy_what_it_does_not_name(guarded: Guarded) -> None:
    guarded.ask("PUT", "/blob/sa/c/hidden", b"hidden")
    own = urlsplit(blobs.signed_url(guarded.service, "sa", "c", "mine"))
    other = blobs.signed_url(guarded.service, "sa", "c", "hidden")
    address = f"/blob/sa{own.path}?{own.query}"
    for source, status in ((other.partition("?")[0], 403), (other, 201)):
        headers = {**NO_TOKEN, "x-ms-copy-source": source}
        assert guarded.ask("PUT", address, headers=headers).status == status
    assert guarded.ask("GET", address, headers=NO_TOKEN).body == b"hidden"
    assert guarded.ask("GET", address.replace("/mine?", "/hidden?"), headers=NO_TOKEN).status == 403


HOSTILE = [
    "../../../certificates/token.key",
    "..\\..\\outside.txt",
    "/etc/passwd",
    "..%2f..%2foutside.txt",
    "a\0b",
]


@pytest.mark.parametrize("name", [*HOSTILE, "n" * 2000])
def test_no_name_in_any_route_leads_elsewhere(guarded: Guarded, name: str) -> None:
    fields = dict.fromkeys(("name", "Name", "Id", "path", "run_id", "runId", "source"), name)
    query, body = urlencode(fields), json.dumps(fields).encode()
    for route in routes():
        path = re.sub(r"\{[^}]*\}", written(name, encoded=True), route.path)
        own = re.sub(r"\{[^}]*\}", written(name, encoded=True), route.path.replace(TEMPLATE, WORKSPACE))
        for method in sorted((route.methods or set()) - {"HEAD"}):
            guarded.contained(guarded.ask(method, f"{own}?{query}", body), guarded.ask(method, path, b"{}"))
    guarded.untouched()


@pytest.mark.parametrize("name", ["con", "NUL.txt", "aux", "com1.csv", "LPT9", "c:", "a.", "a ", "CONIN$"])
def test_a_name_that_is_no_file_on_windows_is_refused_everywhere(guarded: Guarded, name: str) -> None:
    place = WORKSPACE.replace("amlguarded", quote(name))
    answers = [
        guarded.ask("GET", f"/mlflow/v2.0{place}/api/2.0/mlflow/experiments/search"),
        guarded.ask("PUT", f"/vault/{quote(name)}/secrets/x", b'{"value": "x"}'),
        guarded.ask("PUT", f"/blob/{quote(name)}/c/x", b"x"),
    ]
    assert {answer.code for answer in answers} == {"InvalidUri"}


def test_a_token_for_pages_or_one_web_service_opens_nothing_else(guarded: Guarded) -> None:
    for audience in ("pages", "web service other"):
        limited = tokens.token(guarded.service.secret, audience, 60, "x")
        answer = guarded.ask("GET", "/subscriptions", headers={"authorization": f"Bearer {limited}"})
        assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")


def test_a_link_does_not_lead_out_of_a_container(guarded: Guarded) -> None:
    store = guarded.folder / "blobs" / "sa" / "linked"
    store.mkdir(parents=True)
    (store / "out").symlink_to(guarded.folder / "certificates", target_is_directory=True)
    answer = guarded.ask("GET", "/blob/sa/linked/out/token.key")
    assert (answer.status, answer.code) == (400, "InvalidUri")


def routes() -> list[ServiceRoute]:
    """Return all routes of the service."""
    return [route for route in application_routes() if isinstance(route, ServiceRoute)]


def application_routes() -> list[object]:
    """Return what the web application routes by."""
    return [*(route for module in concerns() for route in module.ROUTES), emulated(concerns())]


def test_what_needs_no_token_is_listed() -> None:
    assert {route.path for route in routes() if route.public} == set(PUBLIC)


def test_every_other_call_needs_a_token(guarded: Guarded) -> None:
    for route in routes():
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if not route.public:
                answer = guarded.ask(method, path, headers=NO_TOKEN)
                assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken"), (method, path)


# of web services those that are there have keys: tests of deployment look at them
GUARDED = [path for path, why in PUBLIC.items() if "want" in why and "web service" not in why]


@pytest.mark.parametrize("path", GUARDED)
def test_what_is_public_guards_itself(guarded: Guarded, path: str) -> None:
    place = re.sub(r"\{[^}]*\}", "x", path)
    method = "POST" if "token" in path else "GET"
    answer = guarded.ask(method, place, b"client_secret=wrong", headers=NO_TOKEN)
    assert answer.status in (401, 403), answer


def test_a_key_opens_the_pages_and_stays_out_of_later_addresses(guarded: Guarded) -> None:
    key = tokens.client_secret(guarded.service.secret)
    opened = guarded.ask("GET", f"/?key={key}", headers=NO_TOKEN)
    assert (opened.status, opened.headers["location"]) == (302, "/")
    cookie = opened.headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert key not in cookie
    with_cookie = {**NO_TOKEN, "cookie": cookie.partition(";")[0]}
    shown = guarded.ask("GET", "/", headers=with_cookie)
    assert b"<title>Workspaces" in shown.body
    # the cookie is for pages alone: a page of somebody else's cannot call the service with it
    called = guarded.ask("GET", "/subscriptions", headers=with_cookie)
    assert called.status == 401
    assert b"This page needs its key" in guarded.ask("GET", "/", headers=NO_TOKEN).body


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", f"a.b.{SUFFIX}", "169.254.169.254"]
)
def test_a_name_that_is_not_the_services_is_refused(guarded: Guarded, host: str) -> None:
    assert guarded.ask("GET", "/metadata/endpoints", headers={"host": host}).status == 400


def test_the_page_of_what_is_emulated_lists_every_route_and_its_tests(guarded: Guarded) -> None:
    text = guarded.ask("GET", "/emulated").body.decode()
    paths = {one.path for one in routes()} - {"/emulated"}
    assert [path for path in sorted(paths) if f"<code>{path}</code>" not in text] == []
    assert {area_of(module) for module in concerns()} == set(areas())
    here = Path(__file__).parent
    assert [
        name for area in areas().values() for name in area["tests"] if not (here / f"{name}.py").exists()
    ] == []


@pytest.mark.skipif(not hasattr(__import__("os"), "getuid"), reason="rights are of POSIX")
def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    tokens.signing_key(tmp_path)
    listening.certificate(tmp_path / "certificates", "localhost")
    assert (tmp_path / "certificates").stat().st_mode & 0o077 == 0
    assert (tmp_path / "certificates" / "token.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("apart", "others"), [("localhost,127.0.0.1", False), ("localhost,.corp", True)])
def test_who_is_asked_without_the_proxy_is_trusted_as_before(
    tmp_path: Path, apart: str, others: bool
) -> None:
    for before in ("localhost,other", apart):
        listening.certificate(tmp_path, before)
    trusted = (tmp_path / "trusted.pem").read_text(encoding="utf-8").count("BEGIN CERTIFICATE")
    assert (trusted > 1) is others
