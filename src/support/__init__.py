"""DELIVERED: what every Core Script shares: paths, errors, outputs, the model registry; light to import."""
