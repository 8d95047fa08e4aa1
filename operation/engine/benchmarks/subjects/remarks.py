"""What a reader of figures of executed notebooks must know."""

from __future__ import annotations

CELLS = (
    "in cells: the time inside cells, as papermill's metadata of the executed notebooks says; beside: all "
    "else from the command's start, which is starting, rendering, saving. Imports are made in cells, but for "
    "those that the workbench makes before it forks."
)
PAGES = "HTML: all new pages, in 1000 bytes; of the workbench the page of the run too."
