"""The explorer in a terminal: lines, completion, and what is said to them."""

from __future__ import annotations

import io
import subprocess
import threading

import pytest
from explored import BROKEN, afresh, session_at
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from mktme.explore import terminal as module
from mktme.explore.paths import path_from_text
from mktme.explore.terminal import Terminal, converse
from mktme.explore.typed import COMMANDS, completions
from mktme.explore.view import view_of
from mktme.traces.terminal import call_block


def told(terminal: Terminal, line: str) -> str:
    """What a line is answered."""
    out = Console(file=io.StringIO(), width=110)
    for part in terminal.answer(line):
        out.print(part)
    return out.file.getvalue()


def at(text: str) -> Terminal:
    return Terminal(session_at(text))


def test_calls_are_made_by_their_names_and_what_is_not_said_is_no():
    terminal = at("design=rfc-v2")
    said = told(terminal, "instantiate kind=user bytes=A")
    assert said.startswith("1. add user key A → ok\n")
    assert "SET_KEY_DIRECT KeyID 1, AES-XTS-128, key 1f34 -> PROG_SUCCESS" in said
    said = told(terminal, "update kind=user bytes=B fails[1]")
    assert "while PCONFIG fails on package 1 → ENOKEY" in said
    assert "✗ tables-agree is violated: KeyID 1 stands for user key A" in " ".join(said.split())
    assert BROKEN == str(terminal.session.path)


def test_a_step_says_who_made_it_as_a_counterexample_does():
    terminal = at("design=rfc-v2")
    for line in ("instantiate kind=user bytes=A", "update kind=user bytes=B fails[1]"):
        said = told(terminal, line)
        number, call = len(terminal.session.trace), terminal.session.calls()[-1]
        assert f"\n   by {call.who}\n" in said
        assert said.startswith("".join(f"{part}\n" for part in call_block(number, call)))
    assert "   by the owner of key object 0, " in told(terminal, "show")
    parser = at("system=payload")
    assert "   by a caller of add_key\n" in told(parser, "begin length=within")
    assert "   by " not in told(parser, "nul")


def test_a_call_can_be_written_as_a_path_has_it():
    terminal = at("design=rfc-v2")
    told(terminal, "instantiate(key=0,kind=user,bytes=A)")
    told(terminal, "update(kind=user,bytes=B,fails.1)")
    assert BROKEN == str(terminal.session.path)


def test_a_number_makes_the_call_of_the_list():
    terminal = at("design=rfc-v2")
    listed = told(terminal, "calls").splitlines()
    number = next(line.split()[0] for line in listed if "add user key A while" in line)
    told(terminal, number)
    assert 1 == len(terminal.session.trace)
    assert "fails[1]" in dict(terminal.session.path.calls[0].arguments)


REFUSALS = {
    "update kind=user bytes=A fails[7]": "update has no open argument 'fails[7]'",
    "update kind=user": "update leaves open: bytes",
    "destroy key=7": "destroy key=7 is not possible now",
    "destroi": "no command or possible call 'destroi' (did you mean destroy?)",
    "999": "there is no call 999; `calls` has 1 to",
    "0": "there is no call 0",
    "why tables": "no lamp 'tables' (did you mean tables-agree?)",
    "jump tables": "no lamp 'tables'",
    "redo": "nothing was taken back",
    "undo x": "undo takes a number of calls, from 1 to 200, or nothing for 1, not 'x'",
    "undo -1": "or nothing for 1, not '-1'",
    "undo 0": "or nothing for 1, not '0'",
    f"undo {'9' * 5000}": "a number of calls, from 1 to 200",
    "go": "go needs a path such as design=rfc-v2, or an address that has one",
    "go #": "go needs a path",
    "lamps x": "lamps takes no 'x' after it; undo, why, jump, go do",
    "quit now": "quit takes no 'now' after it",
    "9" * 5000: "there is no call 999",
    "go design=rfc-v3": "unknown design 'rfc-v3'",
    "go run=destroi": "unknown call 'destroi'",
    "destroy(key=0": "is no call",
}


@pytest.mark.parametrize("line", REFUSALS, ids=lambda line: line[:40])
def test_what_makes_no_sense_is_refused_and_changes_nothing(line):
    terminal = at(BROKEN)
    before = view_of(terminal.session)
    assert REFUSALS[line] in " ".join(told(terminal, line).split())
    assert before == view_of(terminal.session)


def test_a_word_after_a_command_means_something_or_is_refused():
    terminal = at(BROKEN)
    for name in COMMANDS:
        assert "'nonsense'" in told(terminal, f"{name} nonsense")
    assert BROKEN == str(terminal.session.path)


def test_undo_and_redo_go_back_and_forth():
    terminal = at(BROKEN)
    assert told(terminal, "undo").startswith("1. add user key A")
    assert told(terminal, "undo").startswith("0. boot with all packages")
    told(terminal, "redo")
    told(terminal, "redo")
    assert BROKEN == str(terminal.session.path)
    told(terminal, "undo 2")
    assert "design=rfc-v2" == str(terminal.session.path)
    told(terminal, "preparse_error bytes=A")
    assert "nothing was taken back" in told(terminal, "redo")


def test_lamps_and_reasons_are_told():
    terminal = at(BROKEN)
    lamps = told(terminal, "lamps")
    assert "violated now (step 2)" in lamps
    assert "was violated before (step 1)" in lamps
    why = told(terminal, "why tables-agree")
    assert "entry_bytes[0,1] is B, but entry_bytes[1,1] is A" in why
    assert "step 2 did not program it: PCONFIG there answered DEVICE_BUSY" in why
    assert "4d3578f88663" in why


def test_the_whole_state_and_the_bytes_are_told_but_no_key():
    terminal = at(BROKEN)
    state = told(terminal, "show")
    for title in ("Key tables", "Machine", "Memory", "User keys that lie about"):
        assert title in state
    said = told(terminal, "bytes")
    assert "programming structure (mktme_key_program), freed" in said
    assert f"{'▒▒ ' * 16}key bd2d" in said
    assert "this system has no memory" in told(at("system=locks"), "bytes")


def test_a_jump_makes_the_calls_that_lead_to_the_nearest_violation():
    terminal = at("design=rfc-v2")
    said = told(terminal, "jump tables-agree")
    assert "the nearest violation of tables-agree is 2 calls from here" in said
    assert BROKEN == str(terminal.session.path)
    assert "is violated here already" in told(terminal, "jump tables-agree")


def test_a_search_that_takes_too_long_or_is_given_up_ends(monkeypatch):
    def late(*_, **__):
        raise subprocess.TimeoutExpired("", 1)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    terminal = at("design=rfc-v2")
    for run, said in ((late, "and the search was ended"), (interrupted, "search was given up")):
        monkeypatch.setattr(module.subprocess, "run", run)
        assert said in told(terminal, "jump tables-agree")
    monkeypatch.setattr(
        module.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 1, "", "")
    )
    assert "ended without an answer" in told(terminal, "jump tables-agree")


def test_a_link_leads_to_the_same_place_on_any_machine():
    terminal = at(BROKEN)
    link = told(terminal, "link").replace("\n", "")
    other = at("system=payload")
    assert "Key tables" in told(other, f"go {link}")
    assert view_of(terminal.session) == view_of(afresh(other.session))


def test_every_command_does_something_and_is_in_the_help():
    terminal = at(BROKEN)
    helped = told(terminal, "help")
    for name in COMMANDS:
        assert f"{name:6} " in helped
        assert name == "quit" or hasattr(terminal, f"_{name}")
    assert "" == told(terminal, "   ")


def test_a_disagreement_is_loud(monkeypatch):
    terminal = at(BROKEN)
    monkeypatch.setattr(type(terminal.session), "disagreement", "step 2: it differs")
    assert "THE IMPLEMENTATION DISAGREES: step 2: it differs" in told(terminal, "show")


# Completion

COMPLETIONS = {
    "ins": ["instantiate"],
    "up": ["update"],
    "update kind=": ["kind=user", "kind=cpu", "kind=clear", "kind=no_encrypt"],
    "update kind=cpu ": ["bytes=zeros", "fails[0]=yes", "fails[1]=yes"],
    "instantiate kind=user bytes=A ": ["fails[0]=yes", "fails[1]=yes"],
    "update kind=user b": ["bytes=A", "bytes=B"],
    "update kind=user bytes=A fails[0] ": ["fails[1]=yes"],
    "why tables": ["tables-agree"],
    "jump no-d": ["no-dangling"],
    "nothing ": [],
}


@pytest.mark.parametrize("before", COMPLETIONS)
def test_a_line_goes_on_with_what_is_possible(before):
    found = [word for word, _ in completions(session_at(BROKEN), before)]
    assert COMPLETIONS[before] == found


def test_all_commands_and_possible_calls_are_offered_at_first():
    session = session_at(BROKEN)
    offered = [word for word, _ in completions(session, "")]
    assert [*(offer.action for offer in session.offers()), *COMMANDS] == offered


# Typing


def typed(monkeypatch, *keys: str) -> str:
    """What a person sees who types these keys, with a pause between them."""
    monkeypatch.setattr(module.sys.stdin, "isatty", lambda: True, raising=False)
    out = Console(file=io.StringIO(), width=110)
    session_at("design=rfc-v2")  # what takes time the first time is done before somebody types
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        timers = [threading.Timer(n, pipe.send_text, [some]) for n, some in enumerate(keys)]
        for timer in timers:
            timer.start()
        converse(path_from_text(""), out)
    return out.file.getvalue()


def test_somebody_types_calls_with_completion(monkeypatch):
    said = typed(monkeypatch, "instan", "\t", " kind=user bytes=", "\t", "\rlink\rquit\r")
    assert "1. add user key A → ok" in said
    assert "design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A)" in said


def test_the_end_of_the_input_ends_it_and_ctrl_c_gives_a_line_up(monkeypatch):
    said = typed(monkeypatch, "instantiate\x03link\r\x04")
    assert said.endswith("design=rfc-v2\n")


def test_lines_of_a_file_are_read_without_a_terminal(monkeypatch):
    lines = io.StringIO("instantiate kind=user bytes=A\nlink\nquit\nlamps\n")
    monkeypatch.setattr(module.sys, "stdin", lines)
    out = Console(file=io.StringIO(), width=110)
    converse(path_from_text(""), out)
    said = out.file.getvalue()
    assert said.endswith("design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A)\n")
