"""What makes one execution the same as another: contract, sources, keys, the store of outputs."""
