"""What runs in the image, and nowhere else: the standard library and the engine's own serving."""
