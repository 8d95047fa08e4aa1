"""Reports: an executed notebook, a run and all runs as pages that need nothing else."""

from operation.engine.evidence.reports.gallery import write_gallery
from operation.engine.evidence.reports.latest import latest_run, point_latest
from operation.engine.evidence.reports.notebook import render_notebook
from operation.engine.evidence.reports.run_page import write_run_page

__all__ = ["latest_run", "point_latest", "render_notebook", "write_gallery", "write_run_page"]
