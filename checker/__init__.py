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

from checker.answers.trace import Trace, TraceError, TraceStep, first_violation, run
from checker.answers.verdict import Verdict, Word
from checker.exploring.compile import CompileError, compile_terms, successor_function
from checker.exploring.exploration import Counterexample, Exploration, Finding, Progress
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge
from checker.exploring.machine import Machine
from checker.portfolio import EngineDisagreement, confirm, decide
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.solving.unroll import Unknown
from checker.systems.cone import cone_of_influence, lift
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Premise, Property, Transition
from checker.systems.system import (
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
from checker.systems.wellformed import require_well_formed

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
