"""Every state that a system reaches, by NumPy arrays or by machine code.

Read `explore`, `search` and `sweep` for the search; `emit` for how a term becomes code, `packed`
and `stepper` for how states lie in memory and are stepped, `array_search` and `jit_search` for the
two ways; `least` for which counterexample is shown; `spill`, `checkpoint` and `pauses` for memory,
resuming and interrupts.
"""
