"""What the explorer's tests share: sessions, their paths, and walks."""

from __future__ import annotations

import random

from mktme.explore.paths import path_from_text
from mktme.explore.session import Session
from mktme.explore.typed import numbered

BROKEN = (
    "design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A);update(key=0,kind=user,bytes=B,fails.1)"
)
"""After these calls the key tables do not agree."""


def session_at(text: str) -> Session:
    """A session that has gone along a path."""
    path = path_from_text(text)
    session = Session(path)
    session.go(path)
    return session


def walked(text: str, calls: int, seed: int) -> Session:
    """A session after so many calls that were drawn among those it offers, action by action."""
    session, chance = session_at(text), random.Random(seed)
    for _ in range(calls):
        offers = session.offers()
        if not offers:
            break
        call, _ = chance.choice(numbered((chance.choice(offers),)))
        session.make(call)
    return session


def afresh(session: Session) -> Session:
    """Another session at the same place, which never was elsewhere."""
    return session_at(str(session.path))
