"""Models behind web services, and packages of them."""
