"""What a cell put out, made ready to be shown: nothing acts, nothing loads, and no text is endless."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.markup import Fragments, plain_text
from operation.engine.evidence.reports.styles import svg_address
from operation.engine.evidence.reports.wording import clip, html_size

LONGEST_TEXT = 200_000  # bytes of one output's text on the page
PAGE_TEXT = 1_200_000  # and of all outputs' text
LONGEST_HTML = 5_000_000  # characters of one output's HTML or SVG
LONGEST_ERROR = 40_000  # bytes of a traceback
LONGEST_MARKDOWN = 40_000  # bytes of an output's markdown, which takes longer to read than text

_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
PRIORITY = ("text/html", "text/markdown", *_PICTURES, "text/latex", "text/plain")
_ANIMATED = ("image/gif", "image/webp")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_VIEWER = re.compile(r"application/vnd\.(?:plotly|vega|bokehjs|holoviews)")
_VISIBLE = re.compile(r"<(?:img|svg|table|hr|progress|meter|input)\b")
_ELEMENT = 200  # bytes of the elements around a text
_DEEPEST = 8  # widgets within widgets


@dataclass
class Outputs:
    """Prepares the outputs of one page, cell by cell."""

    fragments: Fragments  # of the page
    folders: tuple[Path, ...] = ()  # where pictures named by a relative path are looked for
    widgets: Mapping[str, Any] = field(default_factory=dict)  # state of the notebook's widgets, by model
    room: int = PAGE_TEXT  # bytes of text that the page can still take

    def prepare(self, cell: Any, sentence: str) -> None:
        """Make the outputs of a cell ready; `sentence` describes pictures without a description."""
        cell.outputs = _merged([_well_formed(output) for output in cell.get("outputs", [])])
        pictures = [id(output) for output in cell.outputs if _is_picture(output)]
        for output in cell.outputs:
            alt = sentence
            if len(pictures) > 1 and id(output) in pictures:
                alt += f" ({pictures.index(id(output)) + 1} of {len(pictures)})"
            own = _own_metadata(output)
            output.metadata = {"alt": own.get("alt") or _described(output) or alt, "width": own.get("width")}
            self._prepare_one(output, alt)
        cell.outputs = [output for output in cell.outputs if not output.metadata.get("dropped")]

    def _prepare_one(self, output: Any, alt: str) -> None:
        if output.output_type == "stream":
            output.text = self._clip(output, output.text)
        elif output.output_type == "error":  # however full the page is: it is what a reader looks for
            output.evalue, missing = clip(str(output.get("evalue", "")), LONGEST_ERROR // 4)
            trace, more = clip("\n".join(output.traceback), LONGEST_ERROR)
            output.traceback = [trace] if trace else []
            if missing + more:
                output.metadata["note"] = f"{missing + more:,} characters are omitted."
        else:
            output.data = self._bundle(output, dict(output.data), alt)

    def _bundle(self, output: Any, data: dict[str, Any], alt: str) -> dict[str, Any]:
        """Return what is shown of an output: the first of `PRIORITY` that there is, fit for the page."""
        types = clip(", ".join(data), 400)[0]
        self._as_text(data)
        _as_pictures(data)
        if isinstance(data.get("text/html"), str):
            self._html(output, data, alt)
        media = next((media for media in PRIORITY if media in data), None)
        if media is None and types:
            output.metadata["note"] = f"This output needs JavaScript or another viewer ({types})."
        if media is None:
            return {"text/plain": ""}
        return {media: self._fit(output, media, data[media])}

    def _fit(self, output: Any, media: str, content: Any) -> Any:
        if media == "text/markdown":
            from operation.engine.evidence.reports.prose import render

            source = self._clip(output, str(content), LONGEST_MARKDOWN)
            return render(source, self.fragments, None, self.folders, headings=False)
        return self._clip(output, str(content)) if media in ("text/plain", "text/latex") else content

    def _as_text(self, data: dict[str, Any]) -> None:
        """Write down what is data rather than a picture: JSON, the state of a widget."""
        if "application/json" in data:
            data["text/plain"] = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
        view = data.get(_WIDGET)
        if isinstance(view, Mapping):
            state = self._widget(str(view.get("model_id", "")), depth=0)
            data["text/plain"] = state or data.get("text/plain", "Widget without saved state.")
        if any(_VIEWER.match(media) for media in data):
            data.pop("text/plain", None)  # a program's view of the same

    def _html(self, output: Any, data: dict[str, Any], alt: str) -> None:
        source = data.pop("text/html")
        html = self.fragments.clean(source, alt=alt) if len(source) <= 4 * LONGEST_HTML else ""
        if len(html or source) > LONGEST_HTML:
            output.metadata["note"] = f"Its HTML of {len(source):,} characters is too long for a report."
        elif "<script" not in source.lower() or plain_text(html) or _VISIBLE.search(html):
            data["text/html"] = html
        elif not any(media in data for media in _PICTURES):
            data.clear()

    def _widget(self, model: str, depth: int) -> str:
        """Return what a widget showed when it was saved, with its parts."""
        entry = self.widgets.get(model)
        state = entry.get("state") if isinstance(entry, Mapping) else None
        if not isinstance(state, Mapping) or depth > _DEEPEST:
            return ""
        children = state.get("children")
        parts = [state.get("description"), _value(state)]
        parts = [plain_text(self.fragments.clean(str(part))) for part in parts if part is not None]
        for child in children if isinstance(children, list) else []:
            parts.append(self._widget(str(child).removeprefix("IPY_MODEL_"), depth + 1))
        return " ".join(part for part in parts if part)

    def _clip(self, output: Any, text: str, longest: int = LONGEST_TEXT) -> str:
        """Return as much of a text as the page has room for."""
        if self.room <= _ELEMENT:
            output.metadata["dropped"] = True
            return ""
        clipped, left_out = clip(text, min(self.room - _ELEMENT, longest))
        self.room -= html_size(clipped) + _ELEMENT
        if left_out:
            output.metadata["note"] = f"{left_out:,} of {len(text):,} characters are omitted."
        if self.room <= _ELEMENT:
            output.metadata["note"] = "The page's limit for text is reached: later text is omitted."
        return clipped


def _as_pictures(data: dict[str, Any]) -> None:
    """Make a picture of any kind one that the page can show."""
    if "image/svg+xml" in data:
        data["image/svg+xml"] = svg_address(str(data["image/svg+xml"])[: LONGEST_HTML + 1])
        if not data["image/svg+xml"]:
            del data["image/svg+xml"]
    for media in _ANIMATED:
        if isinstance(data.get(media), str) and not any(better in data for better in _PICTURES):
            data["text/html"] = f'<figure><img src="data:{media};base64,{escape(data[media])}"></figure>'


def _value(state: Mapping[str, Any]) -> Any:
    labels, index = state.get("_options_labels"), state.get("index")
    if isinstance(labels, list) and isinstance(index, int) and 0 <= index < len(labels):
        return labels[index]
    value = state.get("value")
    if isinstance(value, float) and isinstance(state.get("max"), float):
        return f"{value:g} of {state['max']:g}"
    return None if isinstance(value, Mapping) else value


def _well_formed(output: Any) -> Any:
    """Give an output the types that its format asks for, whatever wrote it."""
    data, metadata, trace = output.get("data"), output.get("metadata"), output.get("traceback")
    output.metadata = metadata if isinstance(metadata, dict) else {}
    output.data = {
        media: content
        for media, content in (data.items() if isinstance(data, dict) else ())
        if isinstance(content, str) or media.endswith("json")
    }
    output.text, output.name = str(output.get("text", "")), str(output.get("name", ""))
    output.traceback = [str(line) for line in trace] if isinstance(trace, list) else []
    return output


def _merged(outputs: list[Any]) -> list[Any]:
    """Join what one stream wrote piece by piece; progress bars keep their last state."""
    groups = [list(group) for _, group in groupby(outputs, _stream_name)]
    for group in groups:
        if group[0].output_type == "stream":
            group[0].text = _last_state("".join(output.text for output in group)).rstrip()
            del group[1:]
    return [output for group in groups for output in group]


def _stream_name(output: Any) -> str | None:
    return str(output.name) if output.output_type == "stream" else None


def _last_state(text: str) -> str:
    """Return a text as a terminal would leave it: what follows a carriage return overwrites its line."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _is_picture(output: Any) -> bool:
    return any(media.startswith("image/") for media in output.data)


def _own_metadata(output: Any) -> dict[str, Any]:
    """Return the picture's own description, and its width where it is of double density."""
    entries = [entry for media, entry in output.metadata.items() if media.startswith("image/")]
    own = next((entry for entry in entries if isinstance(entry, dict)), {})
    types = {"alt": str, "width": int}
    return {name: own[name] for name, kind in types.items() if isinstance(own.get(name), kind)}


def _described(output: Any) -> str:
    """Return the description that came with a picture: matplotlib's own names only its class and size."""
    plain = str(output.data.get("text/plain", ""))
    return "" if plain.startswith("<") or "\n" in plain else plain
