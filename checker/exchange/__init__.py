"""A ground system and one claim, written for other model checkers in the formats that they read.

What is written is what every engine here is given, so that a checker that shares no line with them
can be asked the same question. Reading order: `nodes` (what is left of Z3's terms), `relation`
(what most formats say), `layout` and `naming`, then the formats: `vmt`, `smt2` with `smtlib`,
`smv`, `btor2`, `tla`; `formats` lists them. Nothing is read back.
"""
