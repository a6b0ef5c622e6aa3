"""Lemmas: what is true of every reachable state and makes the claims inductive.

One catalogue serves all designs. A lemma gives None where the design lacks what it speaks of;
which of the others hold in a design, and which of them a claim needs, is found out by `checker`,
so that a design with changed knobs has its proof without being asked for its lemmas. A lemma that
is wrong for a design is dropped there; it cannot make a wrong claim pass.
"""

from __future__ import annotations

from checker.anysize.houdini import Lemma
from properties import keylemmas, memorylemmas

LEMMAS: tuple[Lemma, ...] = (
    Lemma("leads-online", "A lead CPU is online.", keylemmas.leads_are_online),
    Lemma(
        "online-lead",
        "A package with an online CPU has a lead CPU.",
        keylemmas.online_packages_have_a_lead,
    ),
    Lemma("some-lead", "Some package has a lead CPU.", keylemmas.some_package_is_led),
    Lemma(
        "online-present", "An online CPU's package is present.", keylemmas.online_cpus_are_present
    ),
    Lemma(
        "online-memory",
        "The memory of a package with an online CPU is present.",
        keylemmas.online_packages_have_memory,
    ),
    Lemma(
        "absent-tme", "The entries of an absent package are TME.", keylemmas.absent_tables_are_empty
    ),
    Lemma("one-key", "A KeyID stands for one key at most.", keylemmas.keyids_have_one_key),
    Lemma(
        "mapped-in-service",
        "A mapped KeyID does not wait for CLEAR_KEY.",
        keylemmas.mapped_keyids_are_in_service,
    ),
    Lemma(
        "mapped-memory",
        "With per-package KeyIDs, a key has KeyIDs on packages with memory only.",
        keylemmas.for_own_keyids(keylemmas.used_packages_have_memory),
    ),
    Lemma(
        "mapped-online",
        "With per-package KeyIDs, a package where a key has a KeyID has an online CPU.",
        keylemmas.for_own_keyids(keylemmas.used_packages_are_online),
    ),
    Lemma(
        "unmapped-clear",
        "The entry of an unmapped KeyID is TME, or waits for CLEAR_KEY.",
        keylemmas.unmapped_entries_are_clear,
    ),
    Lemma(
        "bit-user",
        "A KeyID whose bit is set is mapped to a user key.",
        keylemmas.bits_are_of_user_keys,
    ),
    Lemma("user-bit", "The bit of a user key's KeyID is set.", keylemmas.user_keys_have_bits),
    Lemma(
        "user-bytes",
        "The owner of a live user key asked for a user's key bytes.",
        keylemmas.user_keys_are_user_bytes,
    ),
    Lemma(
        "asked-known",
        "The owner of a user key knows the bytes that it last got.",
        keylemmas.asked_keys_are_known,
    ),
    Lemma("no-user-keys", "No live key is a user key.", keylemmas.no_user_keys),
    Lemma(
        "online-modes",
        "On a package with an online CPU, a mapped KeyID's mode is what its owner asked for.",
        keylemmas.modes_as_asked(keylemmas.with_cpu),
    ),
    Lemma(
        "memory-modes",
        "On a package with memory, a mapped KeyID's mode is what its owner asked for.",
        keylemmas.modes_as_asked(keylemmas.with_memory),
    ),
    Lemma(
        "online-keys",
        "On a package with an online CPU, a user key's entry has the bytes its owner asked for.",
        keylemmas.user_entries_as_asked(keylemmas.with_cpu),
    ),
    Lemma(
        "memory-asked",
        "On a package with memory, a mapped KeyID's entry is what its owner asked for.",
        keylemmas.entries_as_asked(keylemmas.with_memory),
    ),
    Lemma(
        "used-asked",
        "With per-package KeyIDs, a mapped KeyID's entry is what its owner asked for.",
        keylemmas.for_own_keyids(keylemmas.entries_as_asked(keylemmas.anywhere)),
    ),
    Lemma(
        "used-modes",
        "With per-package KeyIDs, a mapped KeyID's mode is what its owner asked for.",
        keylemmas.for_own_keyids(keylemmas.modes_as_asked(keylemmas.anywhere)),
    ),
    Lemma(
        "used-keys",
        "With per-package KeyIDs, a user key's entry has the bytes its owner asked for.",
        keylemmas.for_own_keyids(keylemmas.user_entries_as_asked(keylemmas.anywhere)),
    ),
    Lemma(
        "used-in-reach",
        "While a KeyID is mapped, packages with memory have an online CPU.",
        keylemmas.for_global_keyids(keylemmas.used_memory_is_in_reach),
    ),
    Lemma(
        "control-words",
        "The vault's control word of a mapped KeyID is of the type its owner asked for.",
        keylemmas.for_global_keyids(keylemmas.control_words_as_asked),
    ),
    Lemma(
        "kept-keys",
        "The vault keeps the bytes that a user key's owner asked for.",
        keylemmas.for_global_keyids(keylemmas.kept_keys_as_asked),
    ),
    Lemma(
        "key-counted",
        "The reference of a live key is counted at its KeyID.",
        memorylemmas.keys_are_counted,
    ),
    Lemma(
        "counted-live",
        "A key whose reference is counted is live.",
        memorylemmas.counted_keys_are_live,
    ),
    Lemma(
        "vma-counted",
        "The reference of a VMA is counted at its KeyID.",
        memorylemmas.vmas_are_counted,
    ),
    Lemma(
        "counted-uses",
        "A VMA whose reference is counted uses the KeyID.",
        memorylemmas.counted_vmas_use,
    ),
    Lemma("used-mapped", "A KeyID that a VMA uses is mapped.", memorylemmas.used_keys_are_mapped),
    Lemma(
        "one-keyid", "A key has one KeyID at most in each map.", memorylemmas.keys_have_one_keyid
    ),
    Lemma("mapped-counted", "A mapped KeyID has a reference.", memorylemmas.mapped_is_counted),
    Lemma(
        "mapped-given",
        "The KeyID of a live key is the one it was given.",
        memorylemmas.keys_keep_what_they_got,
    ),
    Lemma(
        "given-mapped", "A KeyID that a key was given is still its.", memorylemmas.given_is_mapped
    ),
    Lemma(
        "none-astray",
        "Every VMA has the KeyID of the key its owner named.",
        memorylemmas.none_is_astray,
    ),
    Lemma(
        "wants-encrypted",
        "The owner of a VMA asked for encryption exactly where its KeyID's key encrypts.",
        memorylemmas.wants_encryption,
    ),
    Lemma("page-encrypted", "A page is of a VMA that has a KeyID.", memorylemmas.pages_are_of_vmas),
    Lemma(
        "page-memory", "A page lies in memory that is present.", memorylemmas.pages_lie_in_memory
    ),
    Lemma("one-page", "A page lies on one package.", memorylemmas.pages_lie_once),
    Lemma(
        "wanted-sealed",
        "The page of a VMA whose owner asked for encryption is not plaintext.",
        memorylemmas.wanted_pages_are_encrypted,
    ),
    Lemma(
        "kept-in-use",
        "A user key in the vault is that of a KeyID in use.",
        memorylemmas.kept_keys_are_in_use,
    ),
    Lemma(
        "shared-page",
        "VMAs that share a page have one, and share it mutually.",
        memorylemmas.sharers_have_a_page,
    ),
    Lemma(
        "opened-encrypt",
        "A KeyID that decrypts a page is in mode encrypt.",
        memorylemmas.opened_are_encrypted,
    ),
    Lemma(
        "entry-known",
        "The entry of a mapped KeyID that encrypts is random, or a key that its owner knows.",
        memorylemmas.entries_are_known,
    ),
    Lemma(
        "left-memory",
        "A freed page lies in memory that is present.",
        memorylemmas.freed_pages_lie_in_memory,
    ),
    Lemma(
        "left-once",
        "A VMA's last freed page is one, and not its page.",
        memorylemmas.freed_pages_are_not_pages,
    ),
    Lemma(
        "released-user", "What is released is a user key.", memorylemmas.released_keys_are_user_keys
    ),
    Lemma(
        "none-about",
        "No user key lies in freed or forgotten memory.",
        memorylemmas.nothing_lies_about,
    ),
    Lemma("none-kept", "No user key is in the vault.", memorylemmas.nothing_is_kept),
)
"""Every lemma of the modelled key service, in the order in which it is easiest read."""


def lemmas_about(system: str) -> tuple[Lemma, ...]:
    """The lemmas of one of a design's systems: of the key service there are some."""
    return LEMMAS if not system else ()
