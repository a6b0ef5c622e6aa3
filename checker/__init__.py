"""A model checker over Z3 terms: guarded actions over indexed families, and claims about them.

A system is written once. Read for given sizes it is a finite system that can be searched; read with
sorts of any size it can be proved. Every answer is checked a second time by something that shares
nothing with the engine that gave it.

Reading order:

* `systems`: what is checked. `system` and `property` first, then `effect`; `finite` and `grounding`
  read a text for given sizes; `cone` is the smaller system that a claim depends on
* `answers`: `verdict`, `trace` and `proof`: what an answer may be, and what has to stand behind it
* `exploring`: every reachable state, as NumPy arrays or machine code; `explore` first
* `solving`: runs as formulas, for SAT and Z3: `bounded` search, k-`induction`, `spacer`
* `ic3`: proofs from clauses that are inductive relative to earlier ones; `search` first
* `anysize`: the same text with quantifiers; `parametric` first, then `any_size` and `discovery`
* `reducing`: symmetries and dead variables, proved before they are used; `reduction` first
* `certifying`: proofs written down, and the second checkers; `certificate` first
* `question`, `engines`, `portfolio`: what is asked, which engines there are, which is asked when;
  `confirm`: what is done with a violation; `killable`: processes that can be ended
* `comparing`: two systems side by side, and what one allows and the other does not; `difference`
  first
"""

from __future__ import annotations

from checker.answers.proof import Certificate
from checker.answers.trace import Trace, TraceError, TraceStep, first_violation, run
from checker.answers.verdict import Verdict, Word
from checker.anysize.any_size import any_size, attempt
from checker.anysize.discovery import discover
from checker.anysize.houdini import Lemma
from checker.anysize.parametric import Parametric
from checker.certifying.certificate import certified
from checker.certifying.recheck import CertificateError
from checker.confirm import EngineDisagreement, confirm
from checker.engines import ENGINES, asked
from checker.exploring.checkpoint import CheckpointError
from checker.exploring.compile import CompileError, compile_terms, successor_function
from checker.exploring.exploration import Counterexample, Exploration, Finding, Progress
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge
from checker.exploring.machine import Machine
from checker.ic3.search import ic3
from checker.limits import Limits
from checker.portfolio import answer, answer_by, decide
from checker.question import Question, Texts, about
from checker.reducing.reduction import reduce
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.solving.spacer import spacer
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
    Normaliser,
    Parameter,
    State,
    Step,
    Symmetry,
    System,
    Variable,
)
from checker.systems.wellformed import require_well_formed

__all__ = [
    "BOOL",
    "ENGINES",
    "Action",
    "Call",
    "Certificate",
    "CertificateError",
    "CheckpointError",
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
    "Lemma",
    "Limits",
    "Machine",
    "ModelError",
    "Normaliser",
    "Parameter",
    "Parametric",
    "Premise",
    "Progress",
    "Property",
    "Question",
    "State",
    "Step",
    "Symmetry",
    "System",
    "Texts",
    "TooLarge",
    "Trace",
    "TraceError",
    "TraceStep",
    "Transition",
    "Unknown",
    "Variable",
    "Verdict",
    "Word",
    "about",
    "answer",
    "answer_by",
    "any_size",
    "asked",
    "attempt",
    "bounded",
    "certified",
    "compile_terms",
    "cone_of_influence",
    "confirm",
    "decide",
    "discover",
    "explore",
    "first_violation",
    "ic3",
    "k_induction",
    "lift",
    "reaches_premise",
    "reduce",
    "require_well_formed",
    "run",
    "spacer",
    "successor_function",
]
