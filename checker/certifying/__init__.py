"""Proofs written down, and the second checkers that have to accept them.

Read `certificate` for what is written, `conditions` and `invariance` for what makes formulas a
proof, `formula_text` for how a file's formulas are read, `smtlib` and `refutation` for how cvc5 is
asked, `program` and `closed_set` for states, `confined` for the memory of their checker, and
`recheck` for a certificate that comes from elsewhere.
"""
