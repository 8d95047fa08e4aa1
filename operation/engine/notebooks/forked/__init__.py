"""papermill's engine ``workbench``: a process for each notebook, forked from one that has the libraries."""
