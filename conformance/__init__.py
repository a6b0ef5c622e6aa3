"""Do the model and the implementation describe the same system? The only place that knows both.

Read `owners` for the keys that stand for the model's symbols, `subject` for how a model call is
made on the running kernel, `keywatch` and `pagewatch` for what owners and observers know and the
kernel does not, `abstraction` for how the kernel's bytes are read back as a model state, `lockstep`
for making one call on both, `graph` and `edges` for making every call of a scope, `replay` for
running a counterexample on the kernel, and `observe` for what is then seen in its bytes.

The parser of payload texts has modules of its own: `payloadtexts` for the bytes of its tokens,
`payloadcalls` for what is seen of a call, `payloadreplay` for comparing the two. What a design
costs is measured by `costs`.
"""

from conformance.abstraction import AbstractionError, abstract
from conformance.lockstep import Disagreement, Lockstep
from conformance.replay import replay
from conformance.replayed import Replay, ReplayStep
from conformance.subject import Subject

__all__ = [
    "AbstractionError",
    "Disagreement",
    "Lockstep",
    "Replay",
    "ReplayStep",
    "Subject",
    "abstract",
    "replay",
]
