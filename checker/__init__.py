"""A small model checker over Z3 terms: guarded actions over finite, indexed families.

Reading order:

* `system` and `property`: what is checked; `effect`: how an action's effect is written down
* `finite`, `grounding`: a text about families, read for given sizes, gives a ground system
* `trace`, `reading` and `verdict`: what a run is, and what an answer may be
* `compile`, `packed`, `instances`, `stepper`, `explore`, `exploration`: every state, as arrays
* `least`: which of the shortest counterexamples is shown
* `unroll`, `bounded`, `induction`: runs as formulas, for Z3
* `cone`, `portfolio`: the smaller system that a claim depends on, and which engine decides it
* `machine`: one state at a time; `wellformed`: what every engine takes for granted
"""

from __future__ import annotations

from checker.bounded import bounded, reaches_premise
from checker.compile import CompileError, compile_terms, successor_function
from checker.cone import cone_of_influence, lift
from checker.exploration import Counterexample, Exploration, Finding, Progress
from checker.explore import explore
from checker.finite import Finite
from checker.grounding import Grounding
from checker.induction import k_induction
from checker.instances import TooLarge
from checker.machine import Machine
from checker.portfolio import EngineDisagreement, confirm, decide
from checker.property import GroundProperty, Premise, Property, Transition
from checker.system import (
    BOOL,
    Action,
    Call,
    Enum,
    Family,
    GroundAction,
    GroundSystem,
    Index,
    ModelError,
    Parameter,
    State,
    Step,
    System,
    Variable,
)
from checker.trace import Trace, TraceError, TraceStep, first_violation, run
from checker.unroll import Unknown
from checker.verdict import Verdict, Word
from checker.wellformed import require_well_formed

__all__ = [
    "BOOL",
    "Action",
    "Call",
    "CompileError",
    "Counterexample",
    "EngineDisagreement",
    "Enum",
    "Exploration",
    "Family",
    "Finding",
    "Finite",
    "GroundAction",
    "GroundProperty",
    "GroundSystem",
    "Grounding",
    "Index",
    "Machine",
    "ModelError",
    "Parameter",
    "Premise",
    "Progress",
    "Property",
    "State",
    "Step",
    "System",
    "TooLarge",
    "Trace",
    "TraceError",
    "TraceStep",
    "Transition",
    "Unknown",
    "Variable",
    "Verdict",
    "Word",
    "bounded",
    "compile_terms",
    "cone_of_influence",
    "confirm",
    "decide",
    "explore",
    "first_violation",
    "k_induction",
    "lift",
    "reaches_premise",
    "require_well_formed",
    "run",
    "successor_function",
]
