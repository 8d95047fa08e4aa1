"""Scripts that are really executed: snapshots, environments, data, supervisors, Spark and sweeps."""
