"""Proofs for any number of elements: the same text, read with uninterpreted sorts and quantifiers.

Read `parametric` for the two interpretations of one text, `any_size` for the induction, `houdini`
for which lemmas it rests on, `gap` for where it gets stuck, and `discovery` for how lemmas are
found that nobody wrote.
"""
