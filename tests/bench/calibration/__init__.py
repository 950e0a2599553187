"""How honest estimates are, measured: see `__main__`."""
