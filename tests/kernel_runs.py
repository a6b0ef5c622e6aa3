"""Short runs that break a claim where a design does not promise it: one function, one run.

A run takes a `Watcher` and ends with the call after which the claim is violated, if the design has
the mistake or pays the price. Each is as short as it can be. Packages are 0 and 1, KeyIDs 1 and 2.
"""

from __future__ import annotations

from kernel_owners import CLEAR, CPU, FORBIDDEN, MALFORMED, NO_ENCRYPT, user
from kernel_pages import Watcher

DARK = 1
LEAKING = MALFORMED[0]


def update_fails_on_a_package(w: Watcher) -> None:
    """One package keeps user key A, the other has B."""
    key = w.have(user("A"))
    w.fail(1)
    w.update(key, user("B"))


def add_fails_on_a_package(w: Watcher) -> None:
    """The KeyID stays free; package 0 has been programmed."""
    w.fail(1)
    w.add(user("A"))


def the_last_keyid_gets_a_user_key(w: Watcher) -> None:
    """KeyID N's bit lies outside the N bits."""
    w.add(CPU, "first")
    w.add(user("A"), "second")


def a_user_key_with_the_last_keyid_meets_the_gate(w: Watcher) -> None:
    """The gate does not count it, and the package comes online with a key of zeros."""
    the_last_keyid_gets_a_user_key(w)
    w.stop_all(DARK)
    w.start(DARK)


def data_under_the_last_keyid_meets_the_gate(w: Watcher) -> None:
    """The same, with a page of that package under the key."""
    w.add(CPU, "first")
    w.hide(w.have(user("A"), "second"), process=w.processes[1])
    w.stop_all(DARK)
    w.start(DARK)


def a_word_full_of_keyids(w: Watcher) -> None:
    """With 64 KeyIDs the bit of the last one is beyond the bitmap."""
    for number in range(64):
        w.add(user("A"), f"key {number}")


def update_fails_everywhere(w: Watcher) -> None:
    """The user key that no package lost is not counted any more."""
    key = w.have(user("A"))
    w.fail(0)
    w.fail(1)
    w.update(key, user("B"))


def a_used_key_is_updated(w: Watcher) -> None:
    """EBUSY, with the map lock left held."""
    key = w.have(CPU)
    w.mmap(w.root)
    w.encrypt(w.root, key)
    w.update(key, CPU)


def a_key_is_added_after_a_busy_update(w: Watcher) -> None:
    """It waits for the map lock that nobody will release."""
    a_used_key_is_updated(w)
    w.add(CPU, "another")


def the_last_user_takes_another_key(w: Watcher) -> None:
    """encrypt_mprotect drops the last reference inside the map lock, which it takes again."""
    first, second = w.have(CPU, "first"), w.have(CPU, "second")
    w.mmap(w.root)
    w.encrypt(w.root, first)
    w.destroy(first)
    w.encrypt(w.root, second)


def a_key_is_destroyed(w: Watcher) -> None:
    """Its KeyID is free, and what it left may lie anywhere."""
    w.destroy(w.have(user("A")))


def a_user_key_is_added(w: Watcher) -> None:
    """Its bytes go through the kernel."""
    w.add(user("A"))


def a_malformed_payload(w: Watcher) -> None:
    """It fails at its last token, after a user key was parsed."""
    w.add(LEAKING)


def a_malformed_payload_then_a_whole_one(w: Watcher) -> None:
    """The key is in use, and where the first attempt left it."""
    w.add(LEAKING)
    w.add(user("A"))


def a_malformed_payload_then_a_key_destroyed(w: Watcher) -> None:
    """The key is released, and still where the first attempt left it."""
    w.add(LEAKING)
    w.destroy(w.have(user("A")))


def a_forbidden_payload(w: Watcher) -> None:
    """type=clear with an algorithm, which the documentation does not allow."""
    w.add(FORBIDDEN[0])


def every_keyid_gets_a_key(w: Watcher) -> None:
    """KeyID N has its reference count outside the array."""
    w.add(CPU, "first")
    w.add(CPU, "second")


# The map holds the address of a freed key object


def a_used_key_is_destroyed(w: Watcher) -> int:
    """A VMA keeps the KeyID, whose slot keeps the address of the key object."""
    key = w.have(CPU, "first")
    w.hide(key)
    w.destroy(key)
    return key


def its_object_is_reused(w: Watcher) -> int:
    """The next key object has the same address, so that the new key has two KeyIDs."""
    a_used_key_is_destroyed(w)
    return w.have(user("A"), "second")


def the_key_in_its_object_is_updated(w: Watcher) -> None:
    """The old KeyID is programmed, under data that is still in use."""
    w.update(its_object_is_reused(w), user("B"))


def the_key_in_its_object_is_destroyed(w: Watcher) -> None:
    """The old KeyID loses a reference, and the new one is nobody's."""
    w.destroy(its_object_is_reused(w))


def the_key_in_its_object_encrypts(w: Watcher) -> None:
    """Its owner gets a VMA under the old KeyID."""
    new = its_object_is_reused(w)
    w.mmap(w.root, 1)
    w.encrypt(w.root, new, 1)


# A package without online CPUs, whose memory stays


def a_key_is_added_past_a_dark_package(w: Watcher) -> int:
    """The dark package's entry stays in mode TME."""
    w.stop_all(DARK)
    return w.have(CPU, "first")


def its_vma_may_have_pages_there(w: Watcher) -> None:
    """A VMA with the key: half of the memory is not under it."""
    key = a_key_is_added_past_a_dark_package(w)
    w.mmap(w.root)
    w.encrypt(w.root, key)


def its_data_lies_there(w: Watcher) -> None:
    """A page of the dark package, written without the key."""
    w.hide(a_key_is_added_past_a_dark_package(w), process=w.processes[1])


def its_data_lies_there_beside_another_key(w: Watcher) -> None:
    """Two keys, neither of which is on the dark package: they read the same there."""
    its_data_lies_there(w)
    w.add(CPU, "second")


def the_package_comes_back_over_its_data(w: Watcher) -> None:
    """The startup programs what the data was not written under."""
    its_data_lies_there(w)
    w.start(DARK)


def a_package_comes_back_over_data_of_a_cpu_key(w: Watcher) -> None:
    """The package draws another random key than the data was written under."""
    w.hide(w.have(CPU), process=w.processes[1])
    w.stop_all(DARK)
    w.start(DARK)


# The gate


def a_package_comes_back_to_a_user_key(w: Watcher) -> None:
    """EPERM, unless its keys were kept."""
    w.add(user("A"))
    w.stop_all(DARK)
    w.start(DARK)


def a_package_is_added_to_a_user_key(w: Watcher) -> None:
    """EPERM, unless its keys were kept; the owners do not answer."""
    w.owners_answer = False
    w.add(user("A"))
    w.add_package(DARK)
    w.start(DARK)


def a_package_is_added_to_any_key(w: Watcher) -> None:
    """EPERM where a KeyID in use is enough to refuse."""
    w.add(CPU)
    w.add_package(DARK)
    w.start(DARK)


def a_package_goes_dark_with_a_key(w: Watcher) -> None:
    """EBUSY where a package must keep its last CPU."""
    w.add(CPU)
    w.stop_all(DARK)


def a_user_key_is_added_past_a_dark_package(w: Watcher) -> None:
    """EINVAL where every package must be in reach."""
    w.stop_all(DARK)
    w.add(user("A"))


# KeyIDs per package


def a_user_key_is_wanted_on_a_dark_package(w: Watcher) -> None:
    """ENOKEY: nothing can program it, and no other package will do."""
    w.stop_all(DARK)
    w.add(user("A"), packages=[DARK])


def a_page_is_to_leave_its_package(w: Watcher) -> None:
    """ENOKEY: the key has no KeyID where the page is to go."""
    w.hide(w.have(CPU, packages=[0]))
    w.migrate(w.root, 0, 1)


def two_packages_have_keys_of_their_own(w: Watcher) -> None:
    """KeyID 1 is one key here and another one there."""
    w.add(CPU, "here", [0])
    w.add(CPU, "there", [1])


def a_key_is_updated_past_a_dark_package(w: Watcher) -> int:
    """The dark package keeps what the key was before."""
    key = w.have(CLEAR)
    w.stop_all(DARK)
    w.update(key, CPU)
    return key


def the_package_comes_back_to_the_updated_key(w: Watcher) -> None:
    """A package that comes online programs nothing."""
    a_key_is_updated_past_a_dark_package(w)
    w.start(DARK)


def the_updated_key_encrypts(w: Watcher) -> None:
    """A VMA with the key: half of the memory is under what it was before."""
    key = a_key_is_updated_past_a_dark_package(w)
    w.mmap(w.root)
    w.encrypt(w.root, key)


def data_of_the_updated_key_lies_there(w: Watcher) -> None:
    """A page of the dark package, written without the key."""
    w.hide(a_key_is_updated_past_a_dark_package(w), process=w.processes[1])


def data_of_the_updated_key_lies_beside_another(w: Watcher) -> None:
    """Both keys read the same on the dark package."""
    w.add(NO_ENCRYPT, "neighbour")
    key = w.have(NO_ENCRYPT)
    w.stop_all(DARK)
    w.update(key, CPU)
    w.hide(key, process=w.processes[1])


# Failures that change something


def a_range_with_a_gap(w: Watcher) -> None:
    """encrypt_mprotect stops at the gap; the page before it has another key."""
    key = w.have(CPU)
    w.mmap(w.root)
    w.encrypt(w.root, key, 0, 2)
