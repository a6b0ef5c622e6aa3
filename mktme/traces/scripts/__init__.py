"""Recorded runs as scripts that `mktme simulate` runs."""
