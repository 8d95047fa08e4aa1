"""YOURS: the data of the examples; delete it with them."""
