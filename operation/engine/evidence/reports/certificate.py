"""The page of a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.pages import environment, write_page


def write_certificate(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write ``certificate.html`` beside ``certificate.json``.

    Parameters
    ----------
    folder : Path
        Of the certificate.
    content : mapping
        What ``certificate.json`` holds.

    Returns
    -------
    Path
        The page.
    """
    html = environment().get_template("certificate.html.j2").render(certificate=content)
    return write_page(folder / "certificate.html", html)
