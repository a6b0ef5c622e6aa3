"""Counterexamples as people meet them: named, drawn, told, written to files and read back."""
