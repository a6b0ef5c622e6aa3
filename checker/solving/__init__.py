"""Runs as formulas: bounded search, k-induction, and what a SAT solver needs for them."""
