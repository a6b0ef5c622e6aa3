"""What of a script is refused before its first line runs, and what cannot be told before."""

from __future__ import annotations

import pytest
from simulations import CPU, USER, answers, simulate

from impl.hardware.machine import CPUS_MAX, PACKAGES_MAX
from mktme import statuses
from mktme.simulation.expectations import COUNTED, ERRNO, NUMBER, TEXT, WORDS
from mktme.simulation.language import FORMS, SHOWN_COUNTS, answers_of
from mktme.simulation.script import ScriptError, script

BEFORE = {
    # What an answer can be.
    "race\ngc\nworker\nend => ok": "4: a race never answers ok; it answers a count of findings,",
    "cold-boot => ok": "1: cold-boot never answers ok; it answers a count of findings",
    "disclosure => ok": "1: disclosure never answers ok",
    'disclosure => "0 findings"': '1: disclosure never answers "0 findings"',
    "gc => no findings": "1: gc never answers no findings; it answers ok, hangs,",
    "gc => ENOKEY": "1: gc never answers ENOKEY",
    "mmap 4K => garbage": "1: mmap never answers garbage",
    "mmap 4K => no keys": "1: mmap never answers no keys",
    "show tables => no keys": "1: show never answers no keys",
    "show map => no locks": "1: show never answers no locks",
    "keyctl describe @s => 5": "1: keyctl describe never answers 5",
    "read 4096 1 => 5": "1: read never answers 5",
    "sleep 1 => hangs": "1: sleep never answers hangs",
    "as root => EPERM": "1: as never answers EPERM",
    "gc => enokey": "1: 'enokey' is no answer (did you mean ENOKEY?)",
    "gc => OK": "1: 'OK' is no answer (did you mean ok?)",
    "gc=>ok": "1: => stands alone, with spaces around it; in a text it stands in quotes",
    "gc =>ok": "1: => stands alone",
    "gc=> ok": "1: => stands alone",
    "k=mmap 4K": "1: the = after a variable's name stands alone, with spaces around it",
    "k= mmap 4K": "1: the = after a variable's name stands alone",
    "k =mmap 4K": "1: the = after a variable's name stands alone",
    # What is on the machine, and in the design.
    f"keyctl add mktme k {CPU} @u packages=0": "1: packages= goes with type mktme and",
    f"design per-package\nkeyctl add mktme k {CPU} @u": "2: with keyid_scope=per_package an mktme",
    "process a node=2": "1: there is no package 2 to run on",
    "machine packages=9\nprocess a node=9": "2: there is no package 9 to run on",
    "a = mmap 4K\nread $a 2M": "2: read takes at most 1048576 bytes at a time",
    "race\ngc\nread 4096 2M\nend": "3: read takes at most 1048576 bytes at a time",
    "fault pconfig busy package=2": "1: there is no package 2 to fail on",
    "fault pconfig busy keyid=4": "1: there is no KeyID 4 to fail for",
    # What goes before.
    "exit\nmmap 4K": "2: process root has exited in line 1",
    "exit\nfork child": "2: process root has exited in line 1",
    "exit\nrace\nmmap 4K\ngc\nend": "3: process root has exited in line 1",
    "process a\nas a\nexit\nas root\ngc\nas a\nread 0 1": "7: process a has exited in line 3",
    "reset\ngc": "2: there is no kernel for gc since the reset in line 1",
    "reset\nshow map": "2: there is no kernel to look at since the reset in line 1; left to show:",
    "reset\nrace\ngc\ngc\nend": "2: there is no kernel for race since the reset in line 1",
    "race\nreset\ngc\nend": "2: reset cannot be in a race",
    # What no text is.
    "gc # \0": "1: it has a zero byte",
    "process a uid=4294967295": "1: uid= '4294967295' of process is no uid or gid: 0 to 4294967294",
    "process a groups=1,4294967295": "1: groups= '1,4294967295' of process is no uid or gid",
    "keyctl chown 5 4294967295": "1: UID '4294967295' of keyctl chown is no uid or gid",
}


@pytest.mark.parametrize("text", BEFORE)
def test_what_can_be_known_beforehand_is_refused_before_anything_runs(text):
    status, out, err = simulate(text)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert f"mktme: x.sim:{BEFORE[text]}" in err


def test_every_kind_of_answer_of_a_command_can_be_expected():
    kinds = {*WORDS, *COUNTED, ERRNO, TEXT, NUMBER}
    assert set() == {kind for form in FORMS.values() for kind in form.answers} - kinds
    assert {"design", "machine", "race"} == {n for n, form in FORMS.items() if not form.answers}
    counted = set(FORMS["show"].answers) & set(COUNTED)
    assert set(SHOWN_COUNTS.values()) == counted
    (line,) = script("x.sim", "show locks").lines
    assert "locks" in answers_of(line.command)


def test_an_arrow_in_quotes_is_a_text():
    (line,) = script("x.sim", "write 4096 'a => b' => ok").lines
    assert "a => b" == line.command["text"]
    with pytest.raises(ScriptError, match="stands alone"):
        script("x.sim", "write 4096 a=>b")


def test_the_greatest_uid_is_a_uid():
    text = "process a uid=4294967294 gid=4294967294 groups=4294967294 => 2"
    assert statuses.HOLDS == simulate(text)[0]


# The machine


@pytest.mark.parametrize(
    ("machine", "fact"),
    [
        ("packages=100000 cpus=100000", f"packages must be 1..{PACKAGES_MAX}"),
        ("packages=1000000000000 absent=1", f"packages must be 1..{PACKAGES_MAX}"),
        (f"cpus={CPUS_MAX + 1}", f"a package has {CPUS_MAX} CPUs at most"),
        ("frames=786433", "frames must be 1..786432"),
    ],
)
def test_a_machine_beyond_all_measure_is_refused(machine, fact):
    expected = f"mktme: x.sim:1: cannot build the machine: {fact}\n"
    assert (statuses.BAD_INPUT, "", expected) == simulate(f"machine {machine}\ngc")


def test_the_largest_machine_is_built():
    machine = f"machine packages={PACKAGES_MAX} cpus={CPUS_MAX} keyids=3 frames=786432"
    assert statuses.HOLDS == simulate(f"{machine}\ncpu offline 63.1023 => ok")[0]


# Races and planned failures


@pytest.mark.parametrize("fault", ["fault pconfig busy", "fault seeded probability=0.5"])
def test_a_race_while_failures_are_planned_is_refused(fault):
    race = "race\ngc\nworker\nend => no findings"
    status, _, err = simulate(f"{fault}\n{race}")
    assert statuses.BAD_INPUT == status
    assert "mktme: x.sim:2: failures are planned, and they do not reach into a race" in err
    assert statuses.HOLDS == simulate(f"{fault}\nfault none\n{race}")[0]


def test_a_race_after_the_planned_failure_has_come_is_none_of_its_business():
    text = f"fault pconfig busy\nkeyctl add mktme k {CPU} @u => ENOKEY\nrace\ngc\nworker\nend"
    assert statuses.HOLDS == simulate(f"{text} => no findings")[0]


# Messages and insides


def test_a_cpu_is_called_as_the_script_called_it():
    text = "machine absent=1\ncpu online 3 => EINVAL\ncpu online 1.1 => EINVAL\ncpu offline 9"
    said = [record["said"] for record in answers(text)]
    fact = "the package is not in the machine"
    assert f"cannot start CPU 3: {fact}" == said[0]
    assert f"cannot start CPU 1.1: {fact}" == said[1]
    assert f"cannot stop CPU 9: {fact}" == said[2]


def test_cpus_are_shown_with_their_numbers_and_leads():
    text = "machine packages=3 absent=2\ncpu offline 0\nshow cpus"
    rows = answers(text)[-1]["found"]["CPUs"]
    assert ["offline", "online", "online", "online", "absent", "absent"] == [
        row["state"] for row in rows
    ]
    assert ["1", "2"] == [row["CPU"] for row in rows if row["lead"] == "lead"]


def test_the_vault_is_shown_by_control_words_and_fingerprints():
    kept = {"rfc-v2": "-", "rfc-v2-savekeys": "<630d>", "wrapped-vault": "<630d>"}
    for design, keys in kept.items():
        text = f"design {design}\nkeyctl add mktme k {USER} @u\nshow vault"
        (row,) = answers(text)[-1]["found"]["vault"]
        assert ("1", "SET_KEY_DIRECT", keys) == (row["KeyID"], row["command"], row["keys"])
    status, out, _ = simulate("design per-package\nshow vault")
    assert statuses.HOLDS == status
    assert "no vault: with keyid_scope=per_package" in out


def test_present_pages_are_shown_with_their_frames():
    text = f"""
        k = keyctl add mktme k {CPU} @u
        a = mmap 8K
        encrypt_mprotect $a 8K rw $k
        show pages => 0 pages
        write $a "x"
        migrate $a package=1
        show pages => 1 page
    """
    (row,) = answers(text)[-1]["found"]["pages_present"]
    assert ("root", "1", "1") == (row["process"], row["package"], row["KeyID"])


def test_a_deadlock_is_an_object_for_programs():
    text = f"""
        machine packages=1 cpus=2 keyids=2
        race
            keyctl add mktme k {CPU} @u
            cpu offline 1
        end => 1 deadlock
    """
    found = answers(text)[0]["found"]
    (deadlock,) = found["deadlocks"]
    locks = {"map lock", "CPU-hotplug lock"}
    assert locks == {held["lock"] for held in deadlock["holds"]}
    assert locks == {waits["lock"] for waits in deadlock["waits"]}
    assert all("of line" in step for step in deadlock["schedule"])
    assert found["complete"]
