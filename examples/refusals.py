"""A property about refusals, which a design can keep where `failure-is-noop` is beyond any.

A PCONFIG that fails on one package cannot be undone on another, so every design breaks
`failure-is-noop`. A call that is refused has executed none: it can leave everything as it was.
"""

from z3 import And, BoolVal, Implies, Or

from mktme import own

NEVER_REFUSED = ("fork", "write", "package_add")
"""Actions without a refusal."""


def is_refused(step):
    return Or([step.answer == step.answers(name) for name in ("EINVAL", "EBUSY")])


def has_same_tables(old, new):
    return old.every(
        own.PACKAGE,
        own.KEYID,
        lambda p, k: And(
            new.entry_mode[p, k] == old.entry_mode[p, k],
            new.entry_bytes[p, k] == old.entry_bytes[p, k],
            new.is_free(p, k) == old.is_free(p, k),
        ),
    )


def keeps_lock(old, new):
    can_lose_it = old.design.error_unlock == "missing"
    return Implies(new.lost_lock, old.lost_lock) if can_lose_it else BoolVal(True)


def changes_nothing(step):
    if step.action in NEVER_REFUSED:
        return BoolVal(True)
    same = And(has_same_tables(step.old, step.new), keeps_lock(step.old, step.new))
    return Implies(is_refused(step), same)


def what_changed(reading, at, call):
    after = reading.after or reading
    lost = after.has("lost_lock") and after.is_true("lost_lock")
    changed = "leaves the map lock held" if lost else "changes a key table or a free KeyID"
    return f"the call answers {reading.answer} and {changed}"


own.property(
    "refusal-is-noop",
    "A call that is refused leaves the key tables, the free KeyIDs and the map lock as they were.",
    changes_nothing,
    premise=is_refused,
    kind="step",
    explain=what_changed,
)
