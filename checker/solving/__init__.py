"""Runs as formulas: bounded search, k-induction, and what a SAT solver needs for them.

Read `bounded` and `induction` for the engines, `unroll` for what a run is to Z3 and `sat_runs` to
a SAT solver, `blast`, `bits` and `circuit` for how a step becomes clauses. `spacer` is the engine
that Z3 brings along.
"""
