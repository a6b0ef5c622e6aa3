"""Is there a mistake that nobody would notice? Single faults, each planted and looked for.

A check that never fails says nothing. So every layer has named faults here, each a mistake that
somebody could have made in one function: `service`, `programming`, `memory`, `heap`, `hardware` and
`locking` of the implementation, `modelled` of the model. `fault` says what a mutant is, `killers`
who looks for it (`known_answers` is one that the model cannot be), `catalogue` has all of them and
what became of one.
"""
