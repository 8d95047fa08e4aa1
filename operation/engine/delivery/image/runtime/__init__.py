"""What runs in the image, and nowhere else: the standard library, Flask and the engine's own serving."""
