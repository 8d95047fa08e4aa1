"""Reports: an executed notebook, a run and all runs as pages that need nothing else."""
