"""An image of our own: what goes into it, how it is built, and what runs in it."""
