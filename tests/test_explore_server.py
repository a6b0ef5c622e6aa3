"""Who may ask the explorer's server, what it answers, and what it bounds."""

from __future__ import annotations

import ast
import asyncio
import json
import time
from pathlib import Path as File

import pytest
from explored import BROKEN
from explorer_client import HOST, PORT, TOKEN, requested

from mktme.explore import server
from mktme.explore.guard import BODY_MAX, HEADERS
from mktme.explore.listening import ServerError, listening
from mktme.explore.paths import path_from_text
from mktme.explore.server import FILES
from mktme.explore.shelf import IDLE_SECONDS, SESSIONS_MAX, Shelf
from mktme.explore.sought import Found

VIEW = {"path": BROKEN}
ANSWERS = [
    ("GET", "/", None),
    ("GET", f"/?token={TOKEN}", None),
    ("GET", "/static/explore.js", None),
    ("GET", "/static/nothing.js", None),
    ("GET", "/nothing", None),
    ("GET", "/api/first", None),
    ("GET", "/api/view", None),
    ("POST", "/api/view", VIEW),
    ("POST", "/api/view", {}),
]


def told(answer) -> str:
    """The only line of a refusal."""
    assert "application/json" == answer.headers["content-type"]
    assert 1 == answer.text.count("\n")
    return answer.json()["error"]


# Who may ask


@pytest.mark.parametrize("where", ["/", "/static/explore.js", "/api/first", "/nothing"])
@pytest.mark.parametrize(
    "cookie", [None, "", f"mktme-{PORT}=guess", f"mktme-1={TOKEN}", f"mktme-{PORT}={TOKEN}x", "=;"]
)
def test_nobody_is_answered_without_the_token_of_this_run(where, cookie):
    answer = requested("GET", where, headers={"Cookie": cookie})
    assert 403 == answer.status_code
    assert "open the address that mktme explore printed" in told(answer)


def test_the_address_with_the_token_opens_the_page_and_leaves_a_cookie():
    answer = requested("GET", f"/?token={TOKEN}", headers={"Cookie": None})
    assert (200, "text/html; charset=utf-8") == (
        answer.status_code,
        answer.headers["content-type"],
    )
    expected = f"mktme-{PORT}={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert expected == answer.headers["set-cookie"]
    assert TOKEN not in answer.text


@pytest.mark.parametrize("where", ["/?token=guess", "/?token=", f"/api/first?token={TOKEN}"])
def test_a_wrong_token_or_one_elsewhere_opens_nothing(where):
    answer = requested("GET", where, headers={"Cookie": None})
    assert 403 == answer.status_code
    assert "set-cookie" not in answer.headers


def test_somebody_with_a_browser_and_an_old_token_reads_what_to_do():
    old = {"Cookie": None, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = requested("GET", "/?token=of-an-earlier-run", headers=old)
    expected = (403, "text/html; charset=utf-8")
    assert expected == (answer.status_code, answer.headers["content-type"])
    assert "<code>mktme explore 'ADDRESS'</code>" in answer.text
    assert "set-cookie" not in answer.headers
    assert HEADERS.items() <= {name: answer.headers[name] for name in HEADERS}.items()
    assert "earlier-run" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1"]
)
def test_another_host_is_refused_whoever_asks(host):
    for method, where, body in ANSWERS:
        answer = requested(method, where, body, headers={"Host": host, "Origin": f"http://{host}"})
        assert (403, "this is no host of mktme explore") == (answer.status_code, told(answer))


def test_localhost_is_a_host_too():
    headers = {"Host": f"localhost:{PORT}", "Origin": f"http://localhost:{PORT}"}
    assert 200 == requested("POST", "/api/view", VIEW, headers=headers).status_code


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", f"https://{HOST}", f"http://localhost:{PORT}"]
)
def test_what_another_page_sends_is_refused(origin):
    answer = requested("POST", "/api/view", VIEW, headers={"Origin": origin})
    assert (403, "the request comes from another page") == (answer.status_code, told(answer))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_what_a_form_of_another_page_could_send_is_refused(kind):
    answer = requested("POST", "/api/view", VIEW, headers={"Content-Type": kind})
    assert (415, "a request has the content type application/json") == (
        answer.status_code,
        told(answer),
    )


@pytest.mark.parametrize(("method", "where", "body"), ANSWERS)
def test_every_answer_forbids_what_it_does_not_need(method, where, body):
    headers = requested(method, where, body).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    for rule in ("connect-src 'self'", "form-action 'none'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]
    assert "no-store" == headers["cache-control"]
    assert "access-control-allow-origin" not in headers


def test_no_get_changes_anything():
    for where in ("/api/view", "/api/open", "/api/nearest"):
        answer = requested("GET", where)
        assert (405, "Method Not Allowed") == (answer.status_code, told(answer))
    shelf = Shelf()
    for _, where, _ in ANSWERS:
        requested("GET", where, shelf=shelf)
    assert 0 == len(shelf)


# What is answered


def test_a_view_has_everything_and_no_key():
    view = requested("POST", "/api/view", VIEW).json()
    assert (BROKEN, 2) == (view["path"], len(view["calls"]))
    red = [lamp["property"] for lamp in view["lamps"] if lamp["light"] == "violated"]
    assert ["tables-agree", "memory-agrees", "table-as-requested"] == red[:3]
    assert {"map", "vault"} <= {region["name"] for region in view["implementation"]["regions"]}


def test_a_call_is_made_after_a_path():
    then = {"action": "destroy", "arguments": {"key": "0"}}
    view = requested("POST", "/api/view", {"path": BROKEN, "then": then}).json()
    assert f"{BROKEN};destroy(key=0)" == view["path"]


def test_a_path_is_gone_as_far_as_it_can_be_where_that_is_asked_for():
    path = BROKEN.replace("rfc-v2", "cpu-keys-only")
    answer = requested("POST", "/api/view", {"path": path + ";destroy(key=1)"})
    assert 400 == answer.status_code
    body = {"path": path + ";destroy(key=1)", "as_far": True}
    view = requested("POST", "/api/view", body).json()
    assert view["notice"].startswith("made 1 of 3 calls: step 2, update")


REFUSED = {
    "design=rfc-v3": "unknown design 'rfc-v3' (did you mean rfc-v2?)",
    "desing=x": "a path has no part 'desing'",
    "packages=9": "packages=9 is out of range",
    "absent=0": "no machine of",
    "run=destroy(key=0)": "step 1, destroy key=0, is not possible there",
    "run=destroi": "unknown call 'destroi' (did you mean destroy?)",
    "run=<script>": "step 1: '<script>' is no call",
}


@pytest.mark.parametrize("path", REFUSED)
def test_a_path_that_does_not_exist_is_refused_in_one_line(path):
    answer = requested("POST", "/api/view", {"path": path})
    assert 400 == answer.status_code
    assert REFUSED[path] in told(answer)


@pytest.mark.parametrize(
    ("where", "body", "said"),
    [
        ("/api/view", b"{", "Invalid JSON"),
        ("/api/view", b"[]", "Input should be an object"),
        ("/api/view", b"\xff", "Invalid JSON"),
        ("/api/view", {"path": 1}, "path: "),
        ("/api/view", {"path": "", "more": 1}, "more: "),
        ("/api/view", {"path": "x" * 20_000}, "path: String should have at most 16384"),
        ("/api/nearest", {"path": ""}, "property: "),
        ("/api/open", {"format": "other"}, "format: "),
    ],
)
def test_what_is_no_question_is_refused_in_one_line(where, body, said):
    answer = requested("POST", where, body)
    assert 400 == answer.status_code
    assert said in told(answer)


def test_a_counterexample_is_opened_as_a_path():
    document = {
        "format": "mktme-trace",
        "design": "rfc-v2",
        "knobs": path_from_text(BROKEN).design.settings(),
        "system": "",
        "scope": {"packages": 2, "cpus": 2, "keyids": 2, "values": 2, "vmas": 2, "threads": 2},
        "absent": [],
        "bypass": False,
        "calls": [
            {"action": call.action, "arguments": dict(call.arguments)}
            for call in path_from_text(BROKEN).calls
        ],
    }
    assert {"path": BROKEN} == requested("POST", "/api/open", document).json()
    for change, said in (
        ({"scope": {"sockets": 2}}, "a scope has no bound of these: sockets"),
        ({"knobs": {"colour": "blue"}}, "unknown knob 'colour'"),
        ({"system": "other"}, "unknown system 'other'"),
        (
            {"calls": [{"action": "destroy(key=0);nul", "arguments": {}}]},
            "calls.0.action: String should match",
        ),
        ({"calls": [{"action": "destroy", "arguments": {}}]}, "step 1, destroy: key is no 'no'"),
    ):
        answer = requested("POST", "/api/open", document | change)
        assert 400 == answer.status_code
        assert said in told(answer)


def test_the_nearest_violation_is_answered_as_a_longer_path():
    body = {"path": "design=rfc-v2", "property": "failure-is-noop"}
    found = Found.model_validate(requested("POST", "/api/nearest", body).json())
    assert ("found", 1) == (found.what, found.calls)
    view = requested("POST", "/api/view", {"path": found.path}).json()
    lamp = next(lamp for lamp in view["lamps"] if lamp["property"] == "failure-is-noop")
    assert "violated" == lamp["light"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"path": "", "property": "tables"}, "unknown property 'tables'"),
        ({"path": "", "property": "no-deadlock"}, "it is of another system"),
        ({"path": "run=x", "property": "tables-agree"}, "unknown call 'x'"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(body, said):
    answer = requested("POST", "/api/nearest", body)
    assert 400 == answer.status_code
    assert said in told(answer)


@pytest.mark.parametrize(
    "body",
    [
        b'{"path": "", "property": "tables-agree", "seconds": NaN}',
        b'{"path": "", "property": "tables-agree", "seconds": 1e9}',
        b'{"path": "%s", "property": "tables-agree"}' % (b"x" * 20_000),
    ],
)
def test_a_search_without_bounds_is_refused(monkeypatch, body):
    monkeypatch.setattr(server, "COMMAND", ("sleep", "60"))
    answer = requested("POST", "/api/nearest", body)
    assert 400 == answer.status_code


def test_a_search_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(server, "COMMAND", ("sleep", "60"))
    monkeypatch.setattr(server, "GRACE_SECONDS", 0.0)
    body = {"path": "", "property": "tables-agree", "seconds": 1}
    found = requested("POST", "/api/nearest", body).json()
    assert "nothing was found within 1 seconds, and the search was ended" == found["words"]


def test_a_search_that_dies_is_said_to_have(monkeypatch):
    monkeypatch.setattr(server, "COMMAND", ("false",))
    answer = requested("POST", "/api/nearest", {"path": "", "property": "tables-agree"})
    assert "the search ended without an answer" == told(answer)


def test_an_error_of_ours_says_nothing_of_what_it_is_about(monkeypatch, capfd):
    monkeypatch.setattr(server, "view_of", lambda *_: 1 / 0)
    answer = requested("POST", "/api/view", VIEW)
    assert (500, "an error of this program: ZeroDivisionError") == (
        answer.status_code,
        told(answer),
    )
    assert "division by zero" in capfd.readouterr().err


# What is bounded


def test_a_request_is_bounded_before_it_is_read():
    answer = requested("POST", "/api/view", {"path": "x" * BODY_MAX})
    assert (413, f"a request has at most {BODY_MAX} bytes") == (answer.status_code, told(answer))
    answer = requested("POST", "/api/view", b"{}", headers={"Content-Length": "x"})
    assert 411 == answer.status_code


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("design=rfc-v2&packages=8&cpus=8&keyids=15&vmas=4", "(1,506 variables, and at most 250 "),
        ("design=rfc-v2&packages=5&keyids=5", "(313 variables, and at most 250 can be)"),
        ("design=per-package&packages=5&cpus=1&keyids=1&vmas=1", "and at most 50,000 can be)"),
    ],
)
def test_a_machine_that_would_take_long_to_read_is_refused_at_once(path, limit):
    started = time.process_time()
    answer = requested("POST", "/api/view", {"path": path})
    assert time.process_time() - started < 1.0
    assert 400 == answer.status_code
    assert limit in told(answer)


def test_sessions_are_bounded_in_number():
    shelf = Shelf()
    machines = [f"design=rfc-v2&system=payload&threads={n}" for n in range(1, 5)]
    machines += [f"{text}&vmas=1" for text in machines] + [f"{text}&vmas=3" for text in machines]
    first = shelf.session(path_from_text(machines[0]))
    for text in machines:
        shelf.session(path_from_text(text))
        assert len(shelf) <= SESSIONS_MAX
    assert SESSIONS_MAX == len(shelf)
    assert first is not shelf.session(path_from_text(machines[0]))


def test_a_session_that_is_used_stays_and_one_that_is_idle_is_dropped():
    now = [0.0]
    shelf = Shelf(lambda: now[0])
    path = path_from_text("system=payload")
    kept = shelf.session(path)
    now[0] += IDLE_SECONDS
    assert kept is shelf.session(path)
    now[0] += IDLE_SECONDS + 1
    assert kept is not shelf.session(path)
    shelf.session(path_from_text("system=locks"))
    now[0] += IDLE_SECONDS + 1
    shelf.session(path)
    assert 1 == len(shelf)


def test_one_search_goes_on_at_a_time(monkeypatch):
    monkeypatch.setattr(server, "COMMAND", ("sleep", "60"))
    explorer = server.Explorer("")

    class Request:
        """A request whose sender goes away after a while."""

        def __init__(self, asks: int) -> None:
            self.asks = asks

        async def body(self) -> bytes:
            return json.dumps({"path": "", "property": "tables-agree"}).encode()

        async def is_disconnected(self) -> bool:
            self.asks -= 1
            return self.asks < 0

    async def both():
        return await asyncio.gather(explorer.nearest(Request(3)), explorer.nearest(Request(3)))

    given_up, refused = asyncio.run(both())
    assert (499, 429) == (given_up.status_code, refused.status_code)


# How it is served


def test_only_the_loopback_interface_is_listened_on():
    with listening(0) as found:
        host, port = found.getsockname()
        assert "127.0.0.1" == host
        with pytest.raises(ServerError, match=f"cannot listen on port {port} of 127.0.0.1: "):
            listening(port)


def test_every_file_of_the_page_is_served_and_names_no_other_place():
    for name, (_, _, kind) in FILES.items():
        answer = requested("GET", f"/static/{name}")
        assert 200 == answer.status_code
        assert answer.headers["content-type"].startswith(kind)
        assert "https://" not in answer.text
    page = requested("GET", "/").text
    for name in ("explore.js", "explore.css", "viewer.css", "icon.svg"):
        assert f"/static/{name}" in page
    assert "<script>" not in page
    assert "style=" not in page


def test_scripts_parse_nothing_as_html():
    folder = File(server.__file__).parent
    scripts = [*sorted((folder / "static").glob("*.js")), folder.parent / "viewer/viewer.js"]
    assert {path.name for path in scripts} == {name for name in FILES if name.endswith(".js")}
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ):
            assert forbidden not in text


def test_z3_has_the_server_to_itself():
    """No handler is a plain function: those would be run in a thread of their own."""
    tree = ast.parse(File(server.__file__).read_text(encoding="utf-8"))
    (explorer,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Explorer")
    handlers = {"page", "file", "first", "view", "open", "nearest"}
    found = {node.name for node in explorer.body if isinstance(node, ast.AsyncFunctionDef)}
    assert handlers == found


def test_what_answers_leave_over_is_collected_between_them(monkeypatch):
    collected = []
    monkeypatch.setattr(server.gc, "collect", lambda: collected.append(True))
    monkeypatch.setattr(server, "GARBAGE_MAX", 10_000_000)
    requested("POST", "/api/view", VIEW)
    assert [] == collected
    monkeypatch.setattr(server, "GARBAGE_MAX", -1)
    requested("POST", "/api/view", VIEW)
    assert [True] == collected
