"""Rooms of requests, asked of the routes in this process: query strings, addresses, and verbs."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fuzz import mutations
from benchmarks.fuzz.mutations import Mutate
from benchmarks.fuzz.room import Opened


def _served(folder: Path, samples: Callable[[str, str], Sequence[bytes]], role: str, mutate: Mutate) -> Opened:
    """Return a room of requests, asked of the routes in this process: a line with method and address, then a body."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    from app import roles, verbs
    from app.routes import routes
    from app.routes.guard import Guard
    from bcl_core.lab import Lab, jobs
    from harness.made_runs import make_runs

    verbs.ensure_worker = lambda _: None  # type: ignore[assignment] # nobody trains, and nothing is started
    jobs._spawn = lambda *_: None  # type: ignore[assignment]
    roles.has_class_roles = verbs.has_class_roles = lambda: True  # type: ignore[assignment]
    lab = Lab(folder / "lab")
    [run] = make_runs(lab, ["bcl"], 2, per_class=4)
    app = Starlette(routes=routes(lambda: lab), middleware=[Middleware(Guard)])
    cookie = f"{roles.COOKIE}={roles.TOKEN}" if role == "presenter" else ""
    loop = asyncio.new_event_loop()

    def attempt(content: bytes) -> str:
        line, _, body = content.partition(b"\n")
        method, _, address = line.decode("latin-1").partition(" ")
        status, told = loop.run_until_complete(_ask(app, method, address, body, cookie))
        assert status < 500 or status == 503, f"{status}: {told[:300]!r}"
        assert b"Traceback" not in told and b"site-packages" not in told, told[:500]
        if status >= 400 and method != "HEAD" and told and address.startswith("/bcl/v1/"):
            assert status == 405 or len(json.loads(told)["error"]) > 5, told[:300]
        return "taken" if status < 400 else "refused"

    return Opened(samples(run.id, lab.rev(run.id)), attempt, mutate)


async def _ask(app: Any, method: str, address: str, body: bytes, cookie: str) -> tuple[int, bytes]:
    from urllib.parse import unquote

    path, _, query = address.partition("?")
    heads = [(b"host", b"localhost:8501"), (b"content-type", b"application/json"), (b"cookie", cookie.encode())]
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": unquote(path),
        "raw_path": path.encode("latin-1", "replace"), "query_string": query.encode("latin-1", "replace"),
        "root_path": "", "headers": heads, "client": ("192.168.1.7", 5), "server": ("localhost", 8501),
    }  # fmt: skip
    told: list[dict[str, Any]] = []
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told[1:])


def _addresses(run: str, rev: str) -> list[str]:
    of_run = f"/bcl/v1/runs/{run}"
    return [
        f"/bcl/v1/pulse?runs={run},digits-scl&since=3",
        f"{of_run}/history/{rev}?from=0&to=2&step=1",
        f"{of_run}/controls?without={run},a",
        "/bcl/v1/sphere/predicted?counts=9.4.2&temperature=0.5&batch=4&loss=bcl",
        "/bcl/v1/class?alone",
        "/bcl/v1/runs?now",
        f"{of_run}/about",
        f"{of_run}/samples/{rev}",
        f"{of_run}/view/{rev}/1",
        f"{of_run}/embeddings/{rev}/2",
        f"{of_run}/arrays/{rev}/1.npz",
        f"{of_run}/projection/{rev}/pca/1",
        f"{of_run}/sprite.png/{rev}",
        "/bcl/v1/jobs/project-0000000000000000",
        "/bcl/v1/component/x/stage.js",
        "/bcl/v1/present",
        "/train?run=a&other=b",
    ]


def queries(folder: Path) -> Opened:
    """Addresses whose query is broken."""

    def mutate(sample: bytes, draws: random.Random) -> bytes:
        path, mark, query = sample.partition(b"?")
        return path + mark + _plain(mutations.of_bytes(query, draws))

    def asked(run: str, rev: str) -> list[bytes]:
        return [f"GET {each}".encode() for each in _addresses(run, rev) if "?" in each]

    return _served(folder, asked, "viewer", mutate)


def routes(folder: Path) -> Opened:
    """Addresses and methods that are broken."""
    methods = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

    def mutate(sample: bytes, draws: random.Random) -> bytes:
        address = mutations.of_bytes(sample.removeprefix(b"GET /"), draws)
        return draws.choice(methods).encode() + b" /" + _plain(address)

    return _served(folder, lambda run, rev: [f"GET {each}".encode() for each in _addresses(run, rev)], "viewer", mutate)


def _plain(address: bytes) -> bytes:
    """Return an address as it can come over the network: without spaces and ends of lines."""
    return bytes(byte for byte in address if byte > 32)


def do(folder: Path) -> Opened:
    """Verbs that a presenter asks for, with broken arguments."""
    from app.verbs import VERBS
    from benchmarks.hostile import WORDS

    def asked(run: str, rev: str) -> list[bytes]:
        words = {**WORDS, "run": run, "target": run, "runs": [run], "poll": "0" * 16}
        bodies = [{"verb": verb, "key": "k" * 9, **{name: words[name] for name in known.schema.model_fields}}
                  for verb, known in VERBS.items() if verb not in ("stop-worker", "start-worker")]  # fmt: skip
        bodies.append(
            {"verb": "train", "key": "k" * 9, "name": "race", "runs": [{"name": "a", "recipe": {"epochs": 2}}]}
        )
        return [b"POST /bcl/v1/do\n" + json.dumps(body).encode() for body in bodies]

    def mutate(sample: bytes, draws: random.Random) -> bytes:
        line, _, body = sample.partition(b"\n")
        document = {**json.loads(body), "key": f"{draws.getrandbits(64):016x}"}
        return line + b"\n" + mutations.json_or_bytes(json.dumps(document).encode(), draws)

    return _served(folder, asked, "presenter", mutate)
