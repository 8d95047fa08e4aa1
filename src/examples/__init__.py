"""The data of the examples: to be deleted with them."""
