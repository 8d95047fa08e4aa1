"""Models, environments, compute, datastores, datasets and secrets."""
