"""What a failed run leaves, so that it can be replayed elsewhere."""
