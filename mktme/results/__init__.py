"""How the answers of `check` and `compare` are written: one module for each format."""
