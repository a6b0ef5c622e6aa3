"""The shortest counterexample of each property, told call by call, and what it breaks."""

from __future__ import annotations

import pytest
from runs import KEY_SERVICE

from designs import design_from_text
from mktme.judge import judge
from mktme.orders import Orders
from model import Scope
from properties import PROPERTIES

SMALL = Scope(2, 1, 1, 1, 1, 1)
KEYIDS = Scope(1, 1, 2, 1, 1, 1)
TWO_VMAS = Scope(1, 1, 2, 1, 2, 1)

# property, design, scope, the counterexample call by call, what it breaks
SHORTEST: list[tuple[str, str, Scope, str, str]] = [
    (
        "tables-agree",
        "rfc-v2",
        SMALL,
        "boot with all packages; add user key A; update the key at KeyID 1 to a CPU-generated"
        " key while PCONFIG fails on package 1 (ENOKEY)",
        "KeyID 1 stands for user key A, but package 0 holds a random key and package 1 holds key A",
    ),
    (
        "memory-agrees",
        "rfc-v2-fixed",
        SMALL,
        "boot with all packages; take CPU 0 of package 0 offline; add user key A",
        "KeyID 1 stands for user key A, but package 0 (no online CPU) holds TME and package 1"
        " holds key A",
    ),
    (
        "table-as-requested",
        "rfc-v2",
        SMALL,
        "boot with all packages; add user key A; update the key at KeyID 1 to a CPU-generated"
        " key while PCONFIG fails on package 1 (ENOKEY)",
        "the owner of KeyID 1 last got user key A, but package 0 holds a random key",
    ),
    (
        "bitmap-exact",
        "rfc-v2",
        SMALL,
        "boot with package 1 absent; add user key A",
        "KeyID 1 is mapped to user key A and its bit is set, but the gate's weight does not"
        " cover it",
    ),
    (
        "map-exact",
        "rfc-v2",
        KEYIDS,
        "boot with all packages; add user key A; encrypt VMA 0 with the key at KeyID 1; destroy"
        " the key at KeyID 1; add user key A",
        "a live key is found at KeyID 1 and at KeyID 2: a slot still holds the address of a"
        " freed key object that is now this key's",
    ),
    (
        "refcount-exact",
        "rfc-v2",
        KEYIDS,
        "boot with all packages; add user key A; encrypt VMA 0 with the key at KeyID 1; destroy"
        " the key at KeyID 1; add user key A",
        "KeyID 1 has 1 of 2 references: a live key, and VMA 0",
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2",
        SMALL,
        "boot with package 1 absent; add user key A",
        "the bytes of user key A are still in kernel memory, in a freed programming structure",
    ),
    (
        "no-plaintext-after-release",
        "rfc-v2-savekeys-fixed,vault_on_release=keep",
        SMALL,
        "boot with package 1 absent; add user key A; update the key at KeyID 1 to user key A"
        " while PCONFIG fails on package 0 (ENOKEY)",
        "the bytes of user key A are still in kernel memory, in the vault slot of KeyID 1",
    ),
    (
        "cold-boot-keys",
        "rfc-v2-savekeys-fixed",
        SMALL,
        "boot with package 1 absent, TME in bypass; add user key A",
        "a DRAM image yields a key in use: the bytes of user key A are still in kernel memory,"
        " in the vault slot of KeyID 1",
    ),
    (
        "cold-boot-data",
        "rfc-v2-fixed",
        SMALL,
        "boot with all packages, TME in bypass; take CPU 0 of package 0 offline; add user key"
        " A; encrypt VMA 0 with the key at KeyID 1; write to the page of VMA 0 from package 0",
        "the page of VMA 0, whose owner asked for encryption, is plaintext in the DRAM of"
        " package 0: KeyID 1 there is TME",
    ),
    (
        "released-is-clear",
        "rfc-v2",
        SMALL,
        "boot with all packages; add user key A while PCONFIG fails on package 1 (ENOKEY)",
        "KeyID 1 is free, but package 0 still holds key A",
    ),
    (
        "never-in-clear",
        "rfc-v2-fixed",
        SMALL,
        "boot with all packages, TME in bypass; take CPU 0 of package 0 offline; add user key"
        " A; encrypt VMA 0 with the key at KeyID 1; write to the page of VMA 0 from package 0",
        "the page of VMA 0, whose owner asked for encryption, is plaintext in the DRAM of"
        " package 0: KeyID 1 there is TME",
    ),
    (
        "live-data-intact",
        "rfc-v2-fixed",
        SMALL,
        "boot with all packages; add a CPU-generated key; take CPU 0 of package 0 offline;"
        " encrypt VMA 0 with the key at KeyID 1; write to the page of VMA 0 from package 0;"
        " start CPU 0 of package 0",
        "the page of VMA 0 on package 0 does not read back what was written: KeyID 1 there now"
        " holds a random key, which is not what it was written under",
    ),
    (
        "right-key",
        "rfc-v2",
        KEYIDS,
        "boot with all packages; add user key A; encrypt VMA 0 with the key at KeyID 1; destroy"
        " the key at KeyID 1; add user key A; update the key at KeyID 1 and KeyID 2 to user key A",
        "VMA 0 has KeyID 1, which is not the KeyID of the key its owner named",
    ),
    (
        "right-key",
        "rfc-v2-fixed",
        SMALL,
        "boot with all packages; take CPU 0 of package 0 offline; add user key A; encrypt VMA 0"
        " with the key at KeyID 1; write to the page of VMA 0 from package 0",
        "the page of VMA 0 lies on package 0, whose KeyID 1 holds TME; its owner named user key A",
    ),
    (
        "no-neighbour",
        "rfc-v2",
        TWO_VMAS,
        "boot with all packages; add user key A; encrypt VMA 0 with the key at KeyID 1; destroy"
        " the key at KeyID 1; add a CPU-generated key; encrypt VMA 1 with the key at KeyID 1 and"
        " KeyID 2; write to the page of VMA 0 from package 0",
        "the page of VMA 0 lies on package 0 under a key that its KeyID 1 holds, which VMA 1 uses"
        " too, although its owner named another key",
    ),
    (
        "no-neighbour",
        "rfc-v2-fixed,on_release=keep",
        SMALL,
        "boot with all packages; add user key A; take CPU 0 of package 0 offline; encrypt VMA 0"
        " with the key at KeyID 1; destroy the key at KeyID 1; write to the page of VMA 0 from"
        " package 0; unmap VMA 0; add a CPU-generated key",
        "the page of VMA 0 lay, and was freed, on package 0 under a key that its KeyID 1 holds;"
        " that KeyID now stands for a CPU-generated key, whose owner can so decrypt the page",
    ),
    (
        "hotplug-admitted",
        "rfc-v2-fixed",
        SMALL,
        "boot with package 1 absent; add user key A; add package 1 to the machine; start CPU 0"
        " of package 1 (EPERM)",
        "package 1 was just added, no PCONFIG failed, and still CPU 0 is refused with EPERM",
    ),
    (
        "teardown-admitted",
        "no-hotplug",
        SMALL,
        "boot with all packages; add user key A; take CPU 0 of package 0 offline (EBUSY)",
        "CPU 0 is the last online one of package 0, and it is refused with EBUSY because KeyIDs"
        " are mapped",
    ),
    (
        "user-keys-admitted",
        "no-hotplug",
        SMALL,
        "boot with all packages; take CPU 0 of package 0 offline; add user key A (EINVAL)",
        "a well-formed user key is refused with EINVAL, although a KeyID is free and no PCONFIG"
        " failed",
    ),
    (
        "migration-admitted",
        "per-package",
        SMALL,
        "boot with all packages; add user key A on package 1; encrypt VMA 0 with the key at"
        " KeyID 1 of package 1; write to the page of VMA 0 from package 1; migrate the page of"
        " VMA 0 to package 0 (ENOKEY)",
        "the page of VMA 0 cannot move to package 0, whose memory is present (ENOKEY): its key"
        " has no KeyID there",
    ),
    (
        "keyid-names-key",
        "per-package",
        SMALL,
        "boot with all packages; add user key A on package 1; add user key A on package 0",
        "KeyID 1 is one key's (user key A on package 1) and another's (user key A on package 0)",
    ),
    (
        "no-lost-keyid",
        "rfc-v2",
        KEYIDS,
        "boot with all packages; add user key A; encrypt VMA 0 with the key at KeyID 1; destroy"
        " the key at KeyID 1; add user key A; destroy the key at KeyID 1 and KeyID 2",
        "KeyID 2 is still mapped, but no live key and no VMA has it: nothing will free it",
    ),
    (
        "in-bounds",
        "rfc-v2",
        SMALL,
        "boot with package 1 absent; add user key A",
        "one byte beyond the end of the payload's text is read",
    ),
    (
        "in-bounds",
        "rfc-v2-fixed,count_entries=n",
        SMALL,
        "boot with package 1 absent; add user key A",
        "the reference count of the last KeyID is accessed, which lies beyond the array",
    ),
    (
        "no-dangling",
        "rfc-v2",
        SMALL,
        "boot with package 1 absent; add user key A; encrypt VMA 0 with the key at KeyID 1;"
        " destroy the key at KeyID 1",
        "the map still holds the address of a freed key object at KeyID 1, which VMAs use",
    ),
    (
        "failure-is-noop",
        "rfc-v2-fixed",
        SMALL,
        "boot with package 1 absent; add user key A while PCONFIG fails on package 0 (ENOKEY)",
        "the call answers ENOKEY, and yet KeyID 1 waits to be cleared on package 0",
    ),
]


@pytest.mark.parametrize(
    ("property_id", "design", "scope", "story", "because"),
    SHORTEST,
    ids=[f"{row[0]} in {row[1]}" for row in SHORTEST],
)
def test_the_least_of_the_shortest_counterexamples_is_told(
    property_id: str, design: str, scope: Scope, story: str, because: str
) -> None:
    orders = Orders(engine="explore")
    cell = judge(design_from_text(design), PROPERTIES[property_id], scope, orders)
    assert (story, because) == (cell.story, cell.because)
    assert cell.replay is not None
    assert cell.replay.agrees


def test_every_property_that_a_design_violates_has_its_counterexample_told() -> None:
    assert set(KEY_SERVICE) - {"lead-exact", "cold-boot-keys-tme"} == {row[0] for row in SHORTEST}
