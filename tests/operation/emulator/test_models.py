"""Models: pages of long lists, and patches, which the SDK writes in few of their forms."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from operation.emulator.assets import models
from operation.emulator.http import Call, HttpError
from operation.emulator.service import Service
from operation.emulator.state import State


def listed(state: State, query: dict[str, str]) -> dict[str, Any]:
    service = cast(Service, SimpleNamespace(state=lambda _: state, url="https://localhost:1"))
    call = Call("GET", {"workspace": "aml"}, query, {}, b"", service)
    return models._list(call)


def test_a_long_list_is_given_in_pages(tmp_path: Path) -> None:
    state = State(tmp_path)
    for name in ("a", "b", "a", "c", "a"):
        models.register(state, {"name": name, "url": None})
    first = listed(state, {"count": "2"})
    token = parse_qs(urlsplit(first["nextLink"]).query)["$skipToken"][0]
    second = listed(state, {"count": "2", "$skipToken": token})
    assert [one["id"] for one in first["value"] + second["value"]] == ["a:3", "c:1", "a:2", "b:1"]
    assert listed(state, {"count": "2", "$skipToken": "4"})["nextLink"] is None
    assert [one["id"] for one in listed(state, {"latestVersionOnly": "true"})["value"]] == [
        "a:3",
        "c:1",
        "b:1",
    ]


def test_a_patch_adds_replaces_and_removes() -> None:
    document = {"kvTags": {"a": "1", "with/slash": "2"}, "description": None}
    for operation in (
        {"op": "add", "path": "/kvTags/b", "value": "3"},
        {"op": "replace", "path": "/description", "value": "said"},
        {"op": "remove", "path": "/kvTags/with~1slash"},
    ):
        models.patch(document, operation)
    assert document == {"kvTags": {"a": "1", "b": "3"}, "description": "said"}


@pytest.mark.parametrize("path", ["/kvTags/absent", "/nowhere/at/all"])
def test_a_patch_of_what_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(HttpError) as refused:
        models.patch({"kvTags": {}}, {"op": "remove", "path": path})
    assert str(refused.value) == f"the path {path} of the patch leads nowhere"
