"""Be a hostile viewer of a class: try everything that HTTP and Streamlit's socket take; nothing may come of it.

    python -m benchmarks.hostile
    python -m benchmarks.hostile --json hostile.json

A server with class roles is started on a lab of its own in which marks are planted where only a presenter may read: a
worker's log, what a run was made on, folders of the machine, questions that were put away, what side jobs made. Then,
without the token: every verb, every route by every method, paths that lead elsewhere, uploads, forged tokens, cookies
and forwarding headers, every kind of Streamlit's messages, and every widget that the presenter's pages draw, as if it
had been drawn for a viewer. It fails where a mark or a traceback was told, where an answer is an accident (5xx), where
a verb was not refused, or where the lab, the class, or what a viewer reads is not as it was before.
"""

import argparse
import hashlib
import json
import platform
import secrets
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.exceptions import ConnectionClosed

from app.roles import COOKIE
from app.routes import routes
from app.routes.guard import LOOKING
from app.verbs import VERBS
from bcl_core.lab import Lab
from harness.made_runs import make_runs
from harness.serving import ROOT, start_class
from harness.viewer import Answer, Session, ask, elements, session

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PAGES = ("", "learn", "lab", "library", "theory", "predict", "report", "class")
QUERIES = ("", "new=digits", "runs=..%2f..%2fetc%2fpasswd", "runs=%3Cscript%3E", "presenter=1&new=cifar10-live")
MARK = "b7e1marked"  # what is planted
SHORT = 3  # of each kind of forgery, in a shortened run
ACCIDENTS = (b"Traceback (most recent call last)", b"site-packages", b"root:x:")
LOUD = (500, 599)
JSON = {"Content-Type": "application/json"}
PATHS = (
    "..", "../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//....//etc/passwd",
    "%252e%252e%252fetc%252fpasswd", "..\\..\\etc\\passwd", "%00", "lab.sqlite", "../lab/worker.log",
    "//etc/passwd", "file:///etc/passwd", "C:/Windows/win.ini", "~/.ssh/id_rsa", "%c0%ae%c0%ae/etc/passwd",
)  # fmt: skip
UNDER = ("", "bcl/v1/", "bcl/v1/runs/", "bcl/v1/jobs/", "bcl/v1/component/", "static/", "app/static/", "media/",
         "component/", "_stcore/bidi-components/", "_stcore/upload_file/")  # fmt: skip
OF_STREAMLIT = (
    "health", "script-health-check", "metrics", "host-config", "message", "allowed-message-origins", "stream",
    "agent/interact", "agent/mcp", "agent/openapi.json", "upload_file/x/y", "upload_file/x", "bidi-components/x/y",
)  # fmt: skip
# Arguments of verbs by their names, as a presenter would give them.
WORDS: Mapping[str, Any] = {
    "name": "hostile", "recipe": {}, "execution": {}, "image": None, "again": True, "epoch": 1, "method": "pca",
    "how": "live", "place": "lab", "search": "runs=digits-ce", "question": "Who?", "choices": ["you", "me"],
    "choice": 0, "visitor": "f" * 32, "open": True, "race": "digits",
}  # fmt: skip


def main() -> None:
    """Attack a server and print what was tried; leave with 1 where something came of it."""
    parser = argparse.ArgumentParser(description="A hostile viewer.")
    parser.add_argument("--json", type=Path, help="write what was tried, and what came of it, into this file")
    where = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "lab"
        planted = plant(Lab(home))
        server, url, link = start_class(home, Path(folder) / "log")
        try:
            tried, came = attack(url, link, Lab(home), planted)
        finally:
            server.process.kill()
            server.process.wait()
    for kind, count in tried.items():
        print(f"{kind:44} {count:6,} tried")
    print(f"{'all':44} {tried.total():6,} tried; {len(came)} came of it", *came, sep="\n  ")
    if where is not None:
        where.write_text(json.dumps({"tried": dict(tried), "came of it": came}, indent=1) + "\n", encoding="utf-8")
    sys.exit(bool(came))


@dataclass(frozen=True)
class Planted:
    """What a hostile viewer knows of the lab: a run, a poll that was put away, jobs."""

    run: str
    poll: str
    jobs: tuple[str, ...] = ("preview-" + "0" * 32, "export-" + "0" * 32)


def plant(lab: Lab) -> Planted:
    """Put marks into a lab where only a presenter may read."""
    run, other = make_runs(lab, ["bcl", "scl"], 2)
    lab.record_start(run.id, {"platform": f"{MARK} 1", "torch": f"{MARK} 2", "left out": f"{MARK}.png"}, threads=1)
    lab.record_state(run.id, "finished")
    lab.record_state(other.id, "failed", f"there is no folder /home/{MARK}/photos")
    lab.record_note(other.id, f"reads /home/{MARK}/notes")
    (lab.home / "worker.log").write_text(f"{MARK}\n")
    poll = lab.polls.ask(f"{MARK}?", ["yes", "no"])
    lab.polls.answer(poll, "a" * 32, 0)
    lab.polls.close(poll)
    planted = Planted(run.id, poll)
    for job in planted.jobs:
        folder = lab.home / "jobs" / job
        folder.mkdir(parents=True)
        for name in ("preview.json", "cost.json", "samples.png", "runs.zip", "name.txt", "stderr", "stdout"):
            (folder / name).write_text(MARK)
        (folder / "exit_code").write_text("0")
    return planted


def attack(url: str, link: str, lab: Lab, planted: Planted, *, short: bool = False) -> tuple[Counter[str], list[str]]:
    """Try everything; return how often what was tried, and what came of it, in sentences."""
    viewer = Hostile(url, link.partition("#")[2], lab, planted, short)
    before = viewer.seen()
    for act in (
        viewer.verbs,
        viewer.routes,
        viewer.paths,
        viewer.streamlit,
        viewer.tokens,
        viewer.socket,
        viewer.forge,
    ):
        act()
    after = viewer.seen()
    viewer.came += [f"{name} is not as it was before" for name, was in before.items() if after[name] != was]
    return viewer.tried, viewer.came


@dataclass
class Hostile:
    """A viewer who has read this project's code."""

    url: str
    token: str
    lab: Lab
    planted: Planted
    short: bool = False
    tried: Counter[str] = field(default_factory=Counter)
    came: list[str] = field(default_factory=list)

    def verbs(self) -> None:
        """Try every verb, as everybody who could be taken for somebody else."""
        for verb, known in VERBS.items():
            arguments = {name: self._word(name, verb) for name in known.schema.model_fields}
            for forged in self._forgeries():
                body = {"verb": verb, **arguments, "key": secrets.token_hex(16)}
                answer = self._ask("verbs", "POST", "/bcl/v1/do", json.dumps(body).encode(), {**JSON, **forged})
                expected = 403 if known.least_role != "viewer" or forged.get("Origin") else 422
                if answer.status not in (expected, 400, 403):
                    self.came.append(f"{verb} as {forged}: {answer.status} {answer.content[:200]!r}")

    def routes(self) -> None:
        """Ask every route by every method."""
        for path in self._addresses():
            for method in METHODS:
                for forged in list(self._forgeries())[: 1 if self.short else None]:
                    self._ask("routes", method, path, b"{}" if method in ("POST", "PUT", "PATCH") else b"", forged)

    def paths(self) -> None:
        """Ask for files of the machine."""
        for under in UNDER:
            for path in PATHS:
                self._ask("paths that lead elsewhere", "GET", f"/{under}{path}")
        for name in ("runs", "since", "run", "path", "data.path", "file", "counts"):
            for path in PATHS:
                for route in ("pulse", "runs", "sphere/predicted", f"runs/{self.planted.run}/controls"):
                    self._ask("paths that lead elsewhere", "GET", f"/bcl/v1/{route}?{name}={path}")

    def streamlit(self) -> None:
        """Use what Streamlit offers beside pages: uploads, metrics, its interface for agents."""
        file = '--x\r\nContent-Disposition: form-data; name="f"; filename="a.pt"\r\n\r\nyyy\r\n--x--'
        kinds: tuple[dict[str, str], ...] = ({"Content-Type": "multipart/form-data; boundary=x"}, JSON)
        for path in OF_STREAMLIT:
            for method in METHODS:
                for kind in kinds:
                    answer = self._ask("what Streamlit offers", method, f"/_stcore/{path}", file.encode(), kind)
                    if path.startswith(("upload_file", "agent", "metrics")) and answer.status < 400:
                        self.came.append(f"{method} {path}: {answer.status}")

    def tokens(self) -> None:
        """Guess the presenter's token, and say that it is known."""
        near = [self.token[:-1], self.token.lower(), self.token[::-1], f"{self.token} ", "", "\ud800", "x" * 2000]
        for guess in [*near, None, 1, True, [], {}, [self.token], {"token": self.token}]:
            answer = self._ask("tokens", "POST", "/bcl/v1/present", json.dumps({"token": guess}).encode(), JSON)
            if answer.status < 400 or COOKIE in answer.headers.get("set-cookie", ""):
                self.came.append(f"the token {guess!r} was taken")
        for body in (b"", b"[]", b"null", b'{"token": NaN}', b"\xff", b"[" * 900):
            self._ask("tokens", "POST", "/bcl/v1/present", body, JSON)

    def socket(self) -> None:
        """Send every kind of Streamlit's messages, and what is none."""
        with session(self.url) as socket:
            told = socket.rerun("lab")
            known = next(each.new_session.initialize.session_id for each in told if each.HasField("new_session"))
            for kind in BackMsg.DESCRIPTOR.fields:
                message = BackMsg()
                if kind.message_type is None:
                    setattr(message, kind.name, True)
                else:
                    getattr(message, kind.name).SetInParent()
                    for name in ("session_id", "request_id"):
                        if name in kind.message_type.fields_by_name:
                            setattr(getattr(message, kind.name), name, known)
                if kind.name in LOOKING:
                    continue
                self.tried["messages to the socket"] += 1
                socket.send(message)
            for content in (b"", b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"x" * (300 << 10)):
                self.tried["messages to the socket"] += 1
                socket.send(content)
            told = socket.rerun("lab")
            kinds = {each.WhichOneof("type") for each in told}
            if other := kinds & {"git_info_changed", "file_urls_response", "backend_operation_response"}:
                self.came.append(f"the socket answered {sorted(map(str, other))}")
            self._read("the socket", b"".join(each.SerializeToString() for each in socket.told))

    def forge(self) -> None:
        """Press every button of the presenter's pages, and fill every field, as if they had been drawn for a viewer."""
        for page in PAGES[2:4] if self.short else PAGES:
            with session(self.url, {"Cookie": f"{COOKIE}={self.token}"}) as presenter:
                theirs = {each.id for kind, each in elements(presenter.rerun(page)) if getattr(each, "id", "")}
            with session(self.url) as viewer:
                viewer.rerun(page)
                for state in _values():
                    states = WidgetStates(widgets=[WidgetState(id=each, **state) for each in sorted(theirs)])
                    self.tried["forged widgets"] += len(theirs)
                    self._draw(viewer, page, "", widget_states=states)
                for query in QUERIES[: 1 if self.short else None]:
                    self.tried["addresses of pages"] += 1
                    self._draw(viewer, page, query)
                viewer.send(BackMsg(rerun_script=ClientState(page_name=page, fragment_id=secrets.token_hex(16))))
                self._draw(viewer, page, "")

    def seen(self) -> Mapping[str, str]:
        """Return digests of the lab, of the class, and of all that a viewer reads."""
        found = {"the lab": fingerprint(self.lab.home)}
        for path in self._addresses():
            if not path.endswith(("present", "health")):  # made anew for each who asks; of the machine's moment
                found[path] = hashlib.sha256(ask(self.url, "GET", path).content).hexdigest()
        return found

    def _draw(self, viewer: Session, page: str, query: str, **state: Any) -> None:
        try:
            told = viewer.rerun(page, query, **state)
        except ConnectionClosed:
            return
        self._read(f"page {page!r}", b"".join(each.SerializeToString() for each in told))
        for kind, each in elements(told):
            if kind == "exception" and "redacted" not in each.message:
                self.came.append(f"page {page!r} with {query!r} shows {each.message[:200]}")

    def _ask(
        self, kind: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        self.tried[kind] += 1
        answer = ask(self.url, method, path, body, headers)
        if LOUD[0] <= answer.status <= LOUD[1] and answer.status != 501:
            self.came.append(f"{method} {path}: {answer.status}")
        self._read(f"{method} {path}", answer.whole)
        return answer

    def _read(self, where: str, content: bytes) -> None:
        secret = {MARK, self.token, str(self.lab.home), str(ROOT), platform.release()}
        told = [each for each in (*map(str.encode, secret), *ACCIDENTS) if each in content]
        if told:
            at = content.index(told[0])
            self.came.append(f"{where} told {told}: {content[max(0, at - 60) : at + 100]!r}")

    def _word(self, name: str, verb: str) -> Any:
        own = {"run": self.planted.run, "target": self.planted.run, "poll": self.planted.poll}
        own |= {"runs": [{"name": "hostile", "recipe": {}}] if verb == "train" else [self.planted.run]}
        return own[name] if name in own else WORDS[name]

    def _forgeries(self) -> Iterator[Mapping[str, str]]:
        """Yield headers by which one could be taken for somebody else."""
        host = self.url.split("/")[2]
        forged: Sequence[Mapping[str, str]] = [
            {},
            {"Cookie": f"{COOKIE}="},
            {"Cookie": f"{COOKIE}={self.token[:-1]}"},
            {"Cookie": f"{COOKIE}={self.token.swapcase()}; {COOKIE}=x"},
            {"Cookie": f"{COOKIE}-x={self.token}; x{COOKIE}={self.token}"},
            {"Authorization": f"Bearer {self.token}", "X-Token": self.token},
            {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost", "X-Real-IP": "::1"},
            {"Forwarded": "for=127.0.0.1;host=localhost;proto=https", "Via": "1.1 localhost"},
            {"Host": "localhost", "X-Forwarded-User": "owner", "X-Remote-User": "presenter"},
            {"Host": f"localhost:{host.partition(':')[2]}", "Origin": "null"},
            {"Origin": f"http://{host}.school.example", "Sec-Fetch-Site": "cross-site"},
            {"Cookie": f"bcl-lab-visitor={'f' * 32}", "Sec-Fetch-Site": "none"},
        ]
        yield from forged[: SHORT if self.short else None]

    def _addresses(self) -> Iterable[str]:
        """Return an address of every route, with what stands in braces filled in, and of every page."""
        rev = self.lab.rev(self.planted.run)
        given = {"{run_id}": self.planted.run, "{rev}": rev, "{epoch}": "1", "{name}": "preview.json"}
        for route in _leaves(routes(lambda: self.lab)):
            for job in self.planted.jobs if "{key}" in route else ("",):
                path = route.replace("{key}", job)
                for part, value in given.items():
                    path = path.replace(part, value)
                yield path.partition("{")[0]
        history = f"/bcl/v1/runs/{self.planted.run}/history/{rev}?from=0&to=2&step=1"
        yield from (history, f"/bcl/v1/pulse?runs={self.planted.run}&since=-1", "/bcl/v1/runs?now")
        yield from (f"/bcl/v1/jobs/{self.planted.jobs[1]}/runs.zip", *(f"/{page}" for page in PAGES))


def _values() -> Iterator[dict[str, Any]]:
    """Yield values of widgets, of every kind."""
    yield {"trigger_value": True}
    yield {"bool_value": True}
    yield {"string_value": "/etc/passwd"}
    yield {"json_value": '{"group": "../../etc"}'}
    yield {"json_trigger_value": '{"event": "do", "value": {"verb": "purge"}}'}
    yield {"int_value": 2**62}


def _leaves(of: Iterable[Any], under: str = "") -> Iterator[str]:
    for route in of:
        if getattr(route, "routes", None):
            yield from _leaves(route.routes, under + route.path)
        else:
            yield under + route.path


def fingerprint(home: Path) -> str:
    """Return a digest of all that a lab holds: every row of its database, and every file beside it."""
    digest = hashlib.sha256()
    with sqlite3.connect(home / "lab.sqlite") as db:
        for line in db.iterdump():
            digest.update(line.encode())
    for file in sorted(home.rglob("*")):
        if file.is_file() and not file.name.startswith("lab.sqlite") and file.suffix != ".lock" and file.name != "lock":
            digest.update(str(file.relative_to(home)).encode() + file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
