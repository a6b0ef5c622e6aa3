"""What the lines of a script do: each command's answers, expectations, tables, and refusals."""

from __future__ import annotations

import io
import json
import re

import pytest
import simulations
from simulations import CPU, KEY, TWEAK, USER

from mktme import statuses
from mktme.simulation.language import FORMS

OTHER = f'"type=user algorithm=aes-xts-128 key={KEY[::-1]} tweak={TWEAK[::-1]}"'


@pytest.fixture
def mktme():
    """Run a command line in this process; gives (status, stdout, stderr), without any key."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status, out, err = simulations.mktme(*arguments)
        assert KEY[:8] not in out + err
        assert TWEAK[:8] not in out + err
        return status, out, err

    return run


@pytest.fixture
def simulate(mktme, tmp_path):
    """Run a script's text."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "x.sim"
        path.write_text(text, encoding="utf-8")
        status, out, err = mktme("simulate", str(path), *options)
        return status, out, err.replace(str(tmp_path) + "/", "")

    return run


@pytest.fixture
def answers(simulate):
    """Run a script that ends well; gives the records of its lines."""

    def run(text: str, *options: str) -> list[dict]:
        status, out, err = simulate(text, "--json", *options)
        assert (0, "") == (status, err)
        return [json.loads(line) for line in out.splitlines()]

    return run


def said(records: list[dict]) -> list[str]:
    return [r["said"] if r["answer"] == "ok" and r["said"] else r["answer"] for r in records]


# Each command: a script whose expectations say what it answers

SCRIPTS = {
    "process": "p = 1\n",
    "as": "process alice uid=5\nas alice\nas root",
    "fork": """
        a = mmap 4K => ok
        write $a "the parent" => ok
        fork child => ok
        as child
        read $a 10 => "the parent"
        write $a "its child!" => ok
        as root
        read $a 10 => "the parent"
        exit => ok
        as child
        read $a 12 => "its child!\\0\\0"
    """,
    "exit": "exit => ok",
    "sleep": f"""
        k = keyctl add mktme k {CPU} @u => ok
        keyctl timeout $k 5 => ok
        sleep 4.5 => ok
        keyctl describe $k => ok
        sleep 0.5 => ok
        keyctl describe $k => EKEYEXPIRED
    """,
    "gc": f"""
        gc => no keys
        k = keyctl add mktme k {CPU} @u => ok
        keyctl invalidate $k => ok
        gc => 1 key
        gc => "nothing to collect"
    """,
    "keyctl add": f"""
        keyctl add mktme k {USER} @u => 4
        keyctl add mktme k {CPU} @u => 4
        keyctl add mktme k "type=clear" @u => ok
        keyctl add mktme "" {CPU} @u => EINVAL
        keyctl add mktme l "type=user" @u => EINVAL
        keyctl add nonesuch k {CPU} @u => ENODEV
        keyctl add mktme k {CPU} 4 => ENOTDIR
        keyctl add mktme k {CPU} 99 => ENOKEY
        keyctl add mktme l {CPU} @u => ok
        keyctl add mktme m {CPU} @u => ok
        keyctl add mktme n {CPU} @u => ENOKEY
        process alice uid=1000
        as alice
        keyctl add mktme mine {CPU} @u => EACCES
    """,
    "keyctl update": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl update $k {USER} => ok
        keyctl update %mktme:k "type=no-encrypt" => ok
        keyctl update $k "type=none" => EINVAL
        keyctl update 99 {CPU} => ENOKEY
        ring = keyctl newring ring @u
        keyctl update $ring {CPU} => EOPNOTSUPP
    """,
    "keyctl extend": f"""
        design per-package
        k = keyctl add mktme k {USER} @u packages=0 => ok
        keyctl extend $k package=1 {USER} => ok
        keyctl extend $k package=1 {USER} => EINVAL
    """,
    "keyctl newring": """
        ring = keyctl newring ring @u => ok
        keyctl newring below $ring => ok
        keyctl newring .hidden $ring => EPERM
    """,
    "keyctl revoke": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl revoke $k => ok
        keyctl update $k {CPU} => EKEYREVOKED
        keyctl revoke $k => EKEYREVOKED
    """,
    "keyctl invalidate": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl invalidate $k => ok
        keyctl revoke $k => ENOKEY
    """,
    "keyctl clear": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl clear @u => ok
        keyctl list @u => 0 keys
        keyctl clear 99 => ENOKEY
    """,
    "keyctl link": f"""
        k = keyctl add mktme k {CPU} @u
        ring = keyctl newring ring @u
        keyctl link $k $ring => ok
        keyctl list $ring => 1 key
        keyctl link $ring $ring => EDEADLK
        keyctl link $k $k => ENOTDIR
    """,
    "keyctl unlink": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl unlink $k @u => ok
        keyctl unlink $k @u => ENOKEY
        gc => 1 key
    """,
    "keyctl search": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl search @u mktme k => $k
        keyctl search @u mktme l => ENOKEY
        keyctl newring ring @u
        keyctl search @u mktme k %:ring => $k
        keyctl list %:ring => 1 key
    """,
    "keyctl read": f"""
        k = keyctl add user note "dear diary" @u => 4
        keyctl read $k => "10 bytes, <9321>"
        keyctl read @u => "4"
        keyctl clear @u
        keyctl read @u => "empty"
        m = keyctl add mktme k {CPU} @u
        keyctl read $m => EOPNOTSUPP
        n = keyctl add user note "dear diary" @u
        keyctl setperm $n 0x3e3e0000 => ok
        keyctl read $n => "10 bytes, <9321>"
    """,
    "keyctl describe": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl describe $k => "4: alsw-v-----v------------     0     0 mktme: k"
        keyctl describe 99 => ENOKEY
    """,
    "keyctl list": f"""
        keyctl list @u => no keys
        keyctl add mktme k {CPU} @u
        keyctl list @u => 1 key
        keyctl list %mktme:k => ENOTDIR
        keyctl add user note "four" @u => ok
        keyctl list %user:note => ENOTDIR
    """,
    "keyctl show": f"""
        keyctl add mktme k {CPU} @s
        keyctl show => ok
        keyctl show @u => ok
        keyctl show %mktme:k => ok
        keyctl show @t => ENOKEY
    """,
    "keyctl timeout": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl timeout $k 1 => ok
        keyctl timeout $k 0 => ok
        sleep 100
        keyctl describe $k => ok
    """,
    "keyctl setperm": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl setperm $k 0x3f3f0001 => ok
        keyctl setperm $k 0xffffffff => EINVAL
    """,
    "keyctl chown": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl chown $k 1000 => ok
        keyctl describe $k => "4: alsw-v-----v------------  1000     0 mktme: k"
    """,
    "keyctl chgrp": f"""
        k = keyctl add mktme k {CPU} @u
        keyctl chgrp $k 7 => ok
        keyctl describe $k => "4: alsw-v-----v------------     0     7 mktme: k"
    """,
    "keyctl session": """
        s = keyctl session => ok
        t = keyctl session work => ok
        keyctl setperm $t 0x3f1b0000 => ok
        keyctl session work => 0
        keyctl show @s => ok
    """,
    "mmap": """
        mmap 8K => 0x7ffff7ffd000
        mmap 4K at=0x10000 prot=r => 0x10000
        write 0x10000 "no" => EFAULT
        read 0x10000 4 => zeros
        mmap 4K at=0x1000 => EPERM
        mmap 0 => EINVAL
        mmap 1G file => ok
    """,
    "munmap": """
        a = mmap 8K
        munmap $a 4K => ok
        read $a 1 => EFAULT
        read $a+4K 1 => ok
        munmap $a+1 4K => EINVAL
    """,
    "mprotect": """
        a = mmap 4K
        mprotect $a 4K r => ok
        write $a "x" => EFAULT
        mprotect $a 8K rw => ENOMEM
        mprotect $a+1 4K rw => EINVAL
    """,
    "encrypt_mprotect": f"""
        k = keyctl add mktme k {CPU} @u
        a = mmap 4K
        write $a "lost" => ok
        encrypt_mprotect $a 4K rw $k => ok
        read $a 4 => zeros
        encrypt_mprotect $a 4K rw %mktme:k => ok
        encrypt_mprotect $a 100 rw $k => EINVAL
        encrypt_mprotect $a 4K rw 99 => ENOKEY
        f = mmap 4K file
        encrypt_mprotect $f 4K rw $k => EINVAL
    """,
    "write": """
        a = mmap 4K
        write $a "héllo" => ok
        read $a 6 => "héllo"
        read $a 7 => "héllo\\0"
        write 0x10000 "nobody" => EFAULT
    """,
    "read": """
        a = mmap 8K
        read $a 0 => ""
        read $a 8 => zeros
        write $a+8 "b"
        read $a 9 => ok
        read $a+8 1 => "b"
    """,
    "migrate": """
        a = mmap 4K
        migrate $a package=1 => ENOENT
        write $a "here" => ok
        migrate $a package=1 => ok
        read $a 4 => "here"
        migrate $a package=7 => ENODEV
    """,
    "cpu online": """
        machine absent=1
        cpu online 2 => EINVAL
        package add 1
        cpu online 2 => ok
        cpu online 1.1 => ok
        cpu online 1.2 => EINVAL
        cpu online 9 => EINVAL
    """,
    "cpu offline": """
        machine packages=1
        cpu offline 1 => ok
        cpu offline 0.0 => EBUSY
        cpu offline 9 => EINVAL
    """,
    "package add": """
        machine packages=3 absent=1,2
        package add => ok
        package add 1 => EEXIST
        package add 2 => ok
        package add => EEXIST
        package add 9 => EINVAL
    """,
    "package remove": """
        a = mmap 4K
        package remove 1 => EBUSY
        cpu offline 2
        cpu offline 3
        write $a "x"
        migrate $a package=1 => ok
        package remove 1 => EBUSY
        munmap $a 4K
        package remove 1 => ok
        package remove 1 => EINVAL
        package remove 0 => EBUSY
        package remove 9 => EINVAL
        package add 1 => ok
        cpu online 2 => ok
    """,
    "worker": f"""
        design rfc-v2-fixed
        k = keyctl add mktme k {CPU} @u
        keyctl invalidate $k
        fault pconfig busy times=always
        gc => ok
        worker => 0 pairs
        fault none
        worker => 2 pairs
        worker => "nothing waits to be cleared"
    """,
    "owner": f"""
        design resupply
        machine absent=1
        keyctl add mktme k {USER} @u
        package add
        cpu online 2 => EPERM
        owner answers
        cpu online 2 => ok
        cpu offline 2 => EBUSY
    """,
    "fault pconfig": f"""
        fault pconfig busy package=1 keyid=1 times=2
        keyctl add mktme k {CPU} @u => ENOKEY
        keyctl add mktme k {CPU} @u => ENOKEY
        fault pconfig entropy
        keyctl add mktme k {USER} @u => ok
        keyctl add mktme l {CPU} @u => ENOKEY
        keyctl add mktme l {CPU} @u => ok
    """,
    "fault seeded": f"""
        fault seeded probability=1
        keyctl add mktme k {CPU} @u => ENOKEY
        fault seeded probability=0 seed=3
        keyctl add mktme k {CPU} @u => ok
    """,
    "fault none": f"""
        fault pconfig busy
        fault none
        keyctl add mktme k {CPU} @u => ok
    """,
    "rdmsr": """
        machine keyids=3 tme=bypass
        rdmsr 0x982 package=0 => 0x1000280000003
        rdmsr IA32_TME_CAPABILITY package=1 => ok
        rdmsr 0x10 package=0 => GP
        cpu offline 2
        cpu offline 3
        rdmsr 0x982 package=1 => ENXIO
        rdmsr 0x982 package=9 => ENXIO
    """,
    "wrmsr": """
        v = rdmsr 0x982 package=0
        wrmsr 0x982 0 package=0 => GP
        wrmsr 0x982 0 package=9 => ENXIO
        rdmsr 0x982 package=0 => $v
    """,
    "cold-boot": f"""
        design rfc-v2-savekeys
        machine tme=off
        keyctl add mktme k {USER} @u
        cold-boot => 4 findings
        cold-boot decay=0.1 seed=2 => some findings
        a = mmap 4K
        write $a "plain text"
        cold-boot => 5 findings
    """,
    "disclosure": """
        a = mmap 4K
        write $a "plain text"
        disclosure => 1 finding
        munmap $a 4K
        disclosure => 1 finding
        write $a "unmapped" => EFAULT
        keyctl add user note "dear diary" @u => ok
        disclosure => 2 findings
    """,
    "reset": """
        machine tme=bypass
        a = mmap 4K
        write $a "plain text"
        v = rdmsr 0x982 package=0
        reset => ok
        cold-boot => 1 finding
        rdmsr 0x982 package=1 => $v
        wrmsr 0x982 0 package=1 => GP
        show cpus => ok
        reset unlocked
        rdmsr 0x982 package=1 => 0
        wrmsr 0x982 $WRONG package=1 => GP
        wrmsr 0x982 0x1000280000003 package=1 => ok
        wrmsr 0x982 0x1000280000003 package=1 => GP
        rdmsr 0x982 package=1 => 0x1000280000003
        show tables
    """.replace("$WRONG", hex(1 << 40)),
    "show": f"""
        keyctl add mktme k {USER} @u
        show tables
        show cpus
        show vault
        show pages => no pages
        show map => 1 key
        show keys => some keys
        show vmas => "no VMAs"
        show counts
        show locks => no locks
        show events => 1 event
        show processes
    """,
    "race": f"""
        machine keyids=1
        a = mmap 4K
        race
            keyctl add mktme a {CPU} @u
            keyctl add mktme b {CPU} @u
        end => no findings
        race faults=1 runs=50
            write $a "one"
            read $a 8
        end => no findings
        show map => no keys
    """,
}
SCRIPTS["process"] = "process alice uid=1 gid=2 groups=3,4 node=1 caps=CAP_SYS_RESOURCE => 2"
SET_UP_OR_PART = {"design", "machine", "end"}


def test_every_command_has_a_script_here():
    assert set(FORMS) - SET_UP_OR_PART == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_command_answers_as_its_script_expects(simulate, name):
    assert (0, "") == simulate(SCRIPTS[name])[::2]


def test_a_page_that_was_written_through_another_key_is_garbage(simulate):
    # As posted a key's update is refused while VMAs use it, but not so its double: a key object
    # that took the freed one's address, whose update changes the entry under the page.
    status, out, err = simulate(f"""
        machine packages=1 cpus=1 keyids=2
        k = keyctl add mktme k {USER} @u
        a = mmap 4K
        encrypt_mprotect $a 4K rw $k
        write $a "my own business" => ok
        keyctl unlink $k @u
        gc => 1 key
        l = keyctl add mktme l {CPU} @u
        keyctl update $l {OTHER} => ok
        read $a 16 => garbage
    """)
    assert (0, "") == (status, err)
    assert "read $a 16 → garbage (16 bytes, <" in out


def test_a_page_keeps_what_was_stored_while_its_key_stays_the_same(simulate):
    text = f"""
        machine packages=1 cpus=1 keyids=2
        k = keyctl add mktme k {USER} @u
        a = mmap 4K
        encrypt_mprotect $a 4K rw $k
        write $a "my own business" => ok
        encrypt_mprotect $a 4K r $k => ok
        keyctl unlink $k @u
        gc => 1 key
        l = keyctl add mktme l {CPU} @u
        keyctl update $l {OTHER} => ok
        read $a 16 => garbage
        encrypt_mprotect $a 4K rw 99 => ENOKEY
        read $a 16 => garbage
    """
    status, _, err = simulate(text)
    assert (0, "") == (status, err)


# Answers

LIFE = f"""
k = keyctl add mktme k {USER} @u
a = mmap 8K
encrypt_mprotect $a 8K rw $k
keyctl update $k "type=clear"
"""


def test_a_hanging_line_says_what_it_waits_for_and_who_holds_it(simulate):
    status, out, err = simulate(LIFE + "cpu offline 3 => hangs")
    assert (0, "") == (status, err)
    assert (
        "  6  cpu offline 3 → hangs: waits for the map lock, held by keyctl update of line 5\n"
        in out
    )


def test_a_thread_that_waits_for_itself_says_so(simulate):
    _, out, _ = simulate(f"""
        k = keyctl add mktme k {CPU} @u
        a = mmap 4K
        l = keyctl add mktme l {CPU} @u
        encrypt_mprotect $a 4K rw $k
        keyctl unlink $k @u
        gc
        encrypt_mprotect $a 4K rw $l => hangs
    """)
    assert "hangs: waits for the map lock, held by itself" in out


def test_a_stuck_process_makes_no_more_calls_and_others_do(simulate):
    status, out, err = simulate(LIFE + f"keyctl add mktme l {CPU} @u => hangs\nmmap 4K\nmmap 8K")
    assert statuses.BAD_INPUT == status
    assert "mktme: x.sim:7: process root is stuck since line 6\n" == err
    assert "mmap 4K" not in out
    other = LIFE + f"keyctl add mktme l {CPU} @u => hangs\nprocess alice\nas alice\nmmap 4K => ok"
    assert 0 == simulate(other)[0]


def test_a_process_that_has_exited_makes_no_more_calls(simulate):
    status, _, err = simulate("exit\nmmap 4K")
    assert (statuses.BAD_INPUT, "mktme: x.sim:2: process root has exited in line 1\n") == (
        status,
        err,
    )


RUNTIME_REFUSALS = {
    "k = keyctl add mktme k x @u\nkeyctl read $k": "2: $k holds nothing: line 1 answered EINVAL",
    "a = mmap 4K\nread $a-900000G 1": "2: $a-966367641600000 is below 0",
    "process a node=5": "1: there is no package 5 to run on",
    "a = mmap 4K\nread $a 2M": "2: read takes at most 1048576 bytes at a time",
    f"keyctl add mktme k {CPU} @u packages=0": "1: packages= goes with type mktme and",
    f"design per-package\nkeyctl add mktme k {CPU} @u": "2: with keyid_scope=per_package an mktme",
    "exit\nfork child": "2: process root has exited in line 1",
    "machine packages=2 absent=0\ngc": "1: cannot build the machine: package 0 holds the kernel",
    "machine packages=2 absent=5\ngc": "1: cannot build the machine: only existing packages",
    "machine keyids=99999\ngc": "1: cannot build the machine: ",
    "design rfc-v3\ngc": "1: unknown design 'rfc-v3' (did you mean rfc-v2?)",
    "machine\ndesign rfc-v2,savekey=on\ngc": "2: unknown knob 'savekey' (did you mean savekeys?)",
}


@pytest.mark.parametrize("text", RUNTIME_REFUSALS)
def test_a_line_that_makes_no_sense_is_one_line_on_stderr_and_nothing_after_it_runs(simulate, text):
    status, out, err = simulate(text + "\nshow processes")
    assert (statuses.BAD_INPUT, 1) == (status, err.count("\n"))
    assert err.startswith("mktme: x.sim:")
    assert RUNTIME_REFUSALS[text] in err
    assert "show processes" not in out


def test_nothing_runs_of_a_script_with_a_line_that_cannot_be_read(simulate):
    status, out, err = simulate("gc\ngc\nkeyctll add\ngc")
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert err.startswith("mktme: x.sim:3: unknown command 'keyctll' (did you mean keyctl?);")


# Expectations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gc\ngc => 1 key\ngc", "x.sim:2: expected 1 key, got nothing to collect"),
        (
            "keyctl read 9 => ok\ngc",
            "x.sim:1: expected ok, got ENOKEY: cannot read key 9: ",
        ),
        ("mmap 4K => 0x1000", "x.sim:1: expected 0x1000, got 0x7ffff7ffe000"),
        ("a = mmap 4K\nread $a 4 => garbage", "x.sim:2: expected garbage, got zeros (4 bytes)"),
        ("race\ngc\ngc\nend => 1 deadlock", "x.sim:4: expected 1 deadlock, got 0 deadlocks, 0"),
        ("show locks => some locks", "x.sim:1: expected some locks, got no locks held"),
    ],
)
def test_an_unexpected_answer_names_the_line_and_both_answers(simulate, text, message):
    status, out, err = simulate(text + "\nshow processes")
    assert (statuses.VIOLATED, 1) == (status, err.count("\n"))
    assert f"mktme: {message}" in err
    assert "show processes" not in out


def test_a_race_that_was_not_searched_to_its_end_finds_nothing_for_sure(simulate):
    text = f"race runs=1\nkeyctl add mktme k {CPU} @u\nkeyctl add mktme l {CPU} @u\nend"
    status, out, _ = simulate(text)
    assert statuses.INCONCLUSIVE == status
    assert "NOT COMPLETE" in out
    assert statuses.VIOLATED == simulate(text + " => no findings")[0]


def test_a_race_that_was_not_searched_to_its_end_finds_some_and_no_number_of_them(simulate):
    text = """
        machine packages=1 cpus=2 keyids=2
        race runs=40
            keyctl add mktme k "type=cpu algorithm=aes-xts-128" @u
            keyctl add mktme l "type=cpu algorithm=aes-xts-128" @u
            cpu offline 1
        end"""
    status, out, _ = simulate(text)
    assert statuses.INCONCLUSIVE == status
    (number,) = re.findall(r"→ (\d+) deadlocks?, ", out)
    assert 0 < int(number)
    assert 0 == simulate(text + " => some deadlocks")[0]
    assert statuses.VIOLATED == simulate(text + f" => {number} deadlocks")[0]


def test_a_race_finds_a_lock_that_is_left_held(simulate):
    text = f"""
        machine packages=1 cpus=1 keyids=1
        k = keyctl add mktme k {CPU} @u
        a = mmap 4K
        race
            encrypt_mprotect $a 4K rw $k
            keyctl update $k "type=clear"
        end => 1 lock
    """
    status, out, err = simulate(text)
    assert (0, "") == (status, err)
    assert "keyctl update of line 7 has ended and still holds the map lock" in out


def test_a_race_is_run_by_the_processes_that_it_names_and_changes_none(answers):
    records = answers("""
        process alice
        a = mmap 4K
        race
            write $a "root's"
            as alice
            mmap 8K
        end => no findings
        read $a 8 => zeros
    """)
    assert ["root"] * 4 == [record["process"] for record in records]
    assert "  mmap of line 7: mmap 8K" in records[2]["details"]


def test_a_race_after_a_hang_begins_with_the_hang(answers):
    records = answers(LIFE + "cpu offline 3 => hangs\nrace\ncpu online 3\nworker\nend")
    assert 1 == records[-1]["counts"]["deadlocks"]


# Tables and JSON


def test_key_tables_are_shown_after_each_line_that_changes_them(simulate):
    _, out, _ = simulate(
        f"machine keyids=2\ngc\nkeyctl add mktme k {USER} @u\ngc\nkeyctl update 4 {OTHER}",
        "--show",
        "tables",
    )
    assert (
        """  2  gc → nothing to collect
     | KeyID  package 0  package 1
     | 1      TME        TME
     | 2      TME        TME
  3  keyctl add mktme k "type=user algorithm=aes-xts-128 key=<630d> tweak=<630d>" @u → 4
     | KeyID  package 0                   package 1
     | 1      encrypt AES-XTS-128 <630d>  encrypt AES-XTS-128 <630d>
     | 2      TME                         TME
  4  gc → nothing to collect
  5  keyctl update 4 "type=user algorithm=aes-xts-128 key=<e4b2> tweak=<e4b2>" → ok
     | KeyID  package 0                   package 1
     | 1      encrypt AES-XTS-128 <e4b2>  encrypt AES-XTS-128 <e4b2>
     | 2      TME                         TME
"""
        == out
    )


def test_wide_tables_leave_out_what_holds_nothing(simulate):
    _, out, _ = simulate(
        f"machine keyids=63 packages=1\nkeyctl add mktme k {USER} @u", "--show", "tables"
    )
    assert 3 == out.count("     | ")
    assert "     | others  TME\n" in out


def test_the_insides_are_shown_in_columns(simulate):
    _, out, _ = simulate(LIFE + "show map\nshow vmas\nshow counts\nshow locks\nshow events")
    assert (
        """  6  show map → map
       KeyID  key  user bit  vault           to be cleared on
       1      4    set       SET_KEY_DIRECT  -
       2      -    -         -               -
       3      -    -         -               -
  7  show vmas → VMAs
       process  from            to              prot  memory     key      pages present
       root     0x7ffff7ffd000  0x7ffff7fff000  rw    anonymous  KeyID 1  -
  8  show counts → reference counts
       KeyID  references
       1      2
       2      0
       3      0
  9  show locks → locks held
       lock      held by                  how
       map lock  keyctl update of line 5  for writing
 10  show events → accesses out of bounds
       out of bounds  index
       payload text   107
       payload text   10
"""
        in out
    )


def test_a_finding_says_what_where_and_in_which_state(simulate):
    _, out, _ = simulate(f"keyctl add mktme k {USER} @u\ndisclosure")
    assert (
        "       key= of line 1: freed programming structure (mktme_key_program) + 64, package 0,"
        in out
    )


def test_the_same_bytes_given_twice_are_one_needle_with_both_names(simulate):
    same = f'"type=user algorithm=aes-xts-128 key={KEY} tweak={KEY}"'
    _, out, _ = simulate(f"keyctl add mktme k {same} @u\nkeyctl update 4 {same}\ndisclosure")
    assert "key= and tweak= of line 1 and key= and tweak= of line 2: " in out


def test_json_has_one_object_for_each_line_that_ran(answers):
    (record,) = answers("gc => no keys", "--show", "tables", "--design", "rfc-v2,savekeys=on")
    tables = record.pop("tables")
    plain = {"mode": "TME", "algorithm": None, "key": None}
    packages = [{"package": 0, **plain}, {"package": 1, **plain}]
    assert [{"keyid": keyid, "packages": packages} for keyid in (1, 2, 3)] == tables
    assert record.pop("file").endswith("x.sim")
    assert {
        "format": "mktme-simulate",
        "version": 1,
        "line": 1,
        "command": "gc",
        "process": "root",
        "answer": "ok",
        "said": "nothing to collect",
        "value": None,
        "counts": {"keys": 0},
        "complete": True,
        "found": {},
        "details": [],
        "expected": "no keys",
        "met": True,
    } == record


def test_values_are_numbers_in_json(answers):
    records = answers(f"keyctl add mktme k {CPU} @u\nmmap 4K")
    assert [4, 0x7FFFF7FFE000] == [record["value"] for record in records]
    assert ["4", "0x7ffff7ffe000"] == said(records)


def test_the_same_seed_draws_the_same_keys_and_another_draws_others(simulate):
    text = f"keyctl add mktme k {CPU} @u\nshow tables"
    once, again = simulate(text)[1], simulate(text)[1]
    other = simulate("machine seed=1\n" + text)[1]
    assert once == again
    assert once.splitlines()[2:] != other.splitlines()[2:]


def test_frames_limit_the_memory_of_a_package(simulate):
    text = "machine packages=1 frames=1\na = mmap 8K\nwrite $a x => ok\nwrite $a+4K y => ENOMEM"
    assert 0 == simulate(text)[0]


# The command line


def test_a_script_may_come_from_standard_input(mktme, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"gc => no keys\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    assert (0, "  1  gc → nothing to collect\n", "") == mktme("simulate", "-")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"gcc\n")))
    status, _, err = mktme("simulate", "-")
    assert statuses.BAD_INPUT == status
    assert err.startswith("mktme: standard input:1: unknown command 'gcc'")


def test_a_script_that_cannot_be_read_is_refused_in_one_line(mktme, tmp_path):
    latin = tmp_path / "latin.sim"
    latin.write_bytes(b"gc\n# caf\xe9\n")
    empty = tmp_path / "empty.sim"
    empty.write_bytes(b"")
    expected = {
        str(tmp_path / "none.sim"): "none.sim: cannot read it: No such file or directory\n",
        str(tmp_path): ": cannot read it: Is a directory\n",
        str(latin): "latin.sim:2: it is not UTF-8\n",
        str(empty): "empty.sim: there is no command in it\n",
    }
    for path, message in expected.items():
        status, out, err = mktme("simulate", path)
        assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
        assert err.startswith("mktme: ")
        assert err.endswith(message)


def test_lines_are_numbered_as_an_editor_does_and_a_byte_order_mark_is_no_word(mktme, tmp_path):
    path = tmp_path / "x.sim"
    path.write_bytes(b"\xef\xbb\xbfgc # \xe2\x80\xa8 \x0b\r\ngcc\r\n")
    _, _, err = mktme("simulate", str(path))
    assert "x.sim:2: unknown command 'gcc'" in err


def test_the_design_of_the_option_must_be_the_one_of_the_script(simulate):
    text = "design rfc-v2\ngc"
    assert 0 == simulate(text, "--design", "rfc-v2")[0]
    assert 0 == simulate(text, "--design", "rfc-v2,savekeys=off")[0]
    status, out, err = simulate(text, "--design", "per-package")
    assert (statuses.BAD_INPUT, "") == (status, out)
    expected = "mktme: x.sim:1: it is about design rfc-v2, and --design says per-package\n"
    assert expected == err
    assert "unknown design 'rfc-v3'" in simulate(text, "--design", "rfc-v3")[2]


def test_only_tables_can_be_shown_after_each_line(simulate):
    status, _, err = simulate("gc", "--show", "map")
    assert statuses.BAD_INPUT == status
    assert "unknown thing to show 'map'; known: tables" in err


def test_the_language_is_listed(mktme, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = mktme("list", "commands")
    assert 0 == status
    assert all(name in out for name in FORMS)
