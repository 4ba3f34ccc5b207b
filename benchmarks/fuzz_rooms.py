"""What takes input from outside, each as something to be tried: small real samples, their changes, who reads them.

A room's `attempt` returns whether an input was "taken" or "refused", and raises where neither happens: a crash, a
traceback in an answer, an answer that is no sentence.
"""

import asyncio
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import mutations
from benchmarks.mutations import Mutate

UNCHANGED = 0.02  # of the inputs, so that a room that takes nothing is seen


class Room(NamedTuple):
    """Something that reads: how it is opened in a folder of its own, and how many inputs of 100,000 it gets."""

    open: Callable[[Path], "Opened"]
    share: int
    forked: bool = False  # each input is tried in a process of its own: native code may end it, or keep what it took


@dataclass
class Opened:
    """A room that is ready."""

    samples: Sequence[bytes]
    attempt: Callable[[bytes], str]
    mutate: Mutate = mutations.of_bytes

    def draw(self, draws: random.Random) -> bytes:
        """Return a sample with changes, or seldom as it is."""
        sample = draws.choice(self.samples)
        return sample if draws.random() < UNCHANGED else self.mutate(sample, draws)


def _reading(
    read: Callable[[Path], object], refusals: tuple[type[Exception], ...], file: Path
) -> Callable[[bytes], str]:
    """Return an attempt that writes its input into a file and has it read.

    MemoryError is among the refusals of what a side job reads: that says so, in words, see `bcl_core.lab.jobs`.
    """

    def attempt(content: bytes) -> str:
        file.write_bytes(content)
        try:
            read(file)
        except refusals as error:
            assert str(error) or isinstance(error, MemoryError), "a refusal without words"
            return "refused"
        return "taken"

    return attempt


def _recipes(_: Path) -> Opened:
    from bcl_core.recipe import PRESETS, Execution, Recipe, RecipeError, apply_settings

    def attempt(content: bytes) -> str:
        text = content.decode("utf-8", "surrogatepass" if content.isascii() else "replace")
        taken = "refused"
        for stored in (False, True):
            try:
                recipe = Recipe.parse(text, stored=stored)
                assert Recipe.parse(recipe.model_dump_json(), stored=stored).hash == recipe.hash
                assert recipe.in_words and recipe.title and recipe.variant
                apply_settings(recipe, Execution(), {"epochs": "3"})
                taken = "taken"
            except RecipeError as error:
                assert str(error)
        return taken

    return Opened(
        [known.recipe.model_dump_json().encode() for known in PRESETS.values()], attempt, mutations.json_or_bytes
    )


def _settings(_: Path) -> Opened:
    from bcl_core.recipe import Execution, Recipe, RecipeError, apply_settings, field_names, preset

    bases = [preset(name) for name in ("digits-bcl", "cifar10-live-bcl", "own-images-scl")]
    values = ("3", "0.5", "bcl", "none", "true", "/photos", "1e-3", "class", "natural")
    names = [*field_names(Recipe), *field_names(Execution), "loss.margin"]

    def attempt(content: bytes) -> str:
        pairs = (line.partition("=") for line in content.decode("utf-8", "replace").splitlines())
        try:
            recipe, _ = apply_settings(bases[len(content) % 3], Execution(), {name: value for name, _, value in pairs})
            assert recipe.hash and recipe.in_words
        except RecipeError as error:
            assert str(error)
            return "refused"
        return "taken"

    return Opened([f"{name}={value}\nseed=1".encode() for name in names for value in values], attempt)


def _lists(folder: Path) -> Opened:
    from bcl_core.data.lists import ListSource
    from bcl_core.data.source import DataError, Opening
    from bcl_core.recipe import DataPaths
    from bcl_core.registry import DATASETS

    for name in ("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/ 2.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    (folder / "test.txt").write_text("cats/2.png 0\ndogs/ 2.png 1\n")
    opening = Opening(DATASETS["list-files"], DataPaths(path=folder), 8, decode=False)
    samples = [
        b"cats/1.png 0\ndogs/1.png 1\n",
        b"\xef\xbb\xbfcats/1.png\t0\r\n\r\ndogs/1.png\t1",
        b"dogs/1.png 1\n" * 3,
    ]
    return Opened(samples, _reading(lambda _: ListSource(opening), (DataError,), folder / "train.txt"))


def _npz(folder: Path) -> Opened:
    from bcl_core.lab import Lab
    from bcl_core.lab.record_arrays import RecordError
    from bcl_core.lab.record_files import record_file

    rng, labels = np.random.default_rng(0), np.arange(24) % 3
    more = {"epochs": np.arange(2), "class_names": np.array(["a", "b", "c"]), "class_counts": np.array([9, 4, 2])}
    more |= {
        "test": np.arange(24) > 11,
        "prototypes": rng.normal(size=(2, 3, 4)),
        "predictions": np.stack([labels, labels]),
    }
    plain, full = folder / "plain.npz", folder / "full.npz"
    np.savez(plain, embeddings=rng.normal(size=(24, 4)).astype(np.float32), labels=labels)
    np.savez_compressed(full, embeddings=rng.normal(size=(2, 24, 4)), labels=labels, **more)
    samples, lab = [plain.read_bytes(), full.read_bytes()], Lab(folder / "lab")
    attempt = _reading(partial(_recorded, lab, record_file), (RecordError, MemoryError), folder / "input")
    return Opened(samples, attempt, mutations.zip_or_bytes)


def _recorded(lab: Any, record_file: Callable[..., tuple[str, object]], file: Path) -> None:
    run_id, _ = record_file(lab, file)
    lab.delete([run_id])
    lab.purge([run_id])


def _parquet_embeddings(folder: Path) -> Opened:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bcl_core.lab import Lab
    from bcl_core.lab.record_arrays import RecordError
    from bcl_core.lab.record_files import record_file

    columns = {
        "embedding": [[float(i % 3), 1.0, 0.5 * i] for i in range(12)],
        "label": [i % 3 for i in range(12)],
        "epoch": [1] * 12,
        "class_name": [f"class {i % 3}" for i in range(12)],
        "split": ["test"] * 12,
    }
    samples = []
    for names, kind in ((("embedding", "label"), "none"), (tuple(columns), "snappy"), (tuple(columns), "zstd")):
        pq.write_table(pa.table({name: columns[name] for name in names}), folder / "sample", compression=kind)
        samples.append((folder / "sample").read_bytes())
    lab = Lab(folder / "lab")
    attempt = _reading(partial(_recorded, lab, record_file), (RecordError, MemoryError), folder / "input")
    return Opened(samples, attempt)


def _parquet_images(folder: Path) -> Opened:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    from bcl_core.data.parquet import ParquetSource
    from bcl_core.data.source import DataError, Opening
    from bcl_core.recipe import DataPaths
    from bcl_core.registry import DATASETS

    def png(shade: int) -> bytes:
        content = io.BytesIO()
        Image.new("RGB", (4, 4), (shade, 9, 9)).save(content, "PNG")
        return content.getvalue()

    cells = [{"bytes": png(20 * i), "path": f"{i}.png"} for i in range(6)]
    pq.write_table(pa.table({"img": cells, "label": [0, 1] * 3}), folder / "train.parquet")
    sample = (folder / "train.parquet").read_bytes()
    (folder / "test.parquet").write_bytes(sample)
    opening = Opening(DATASETS["parquet"], DataPaths(path=folder), 4)

    def read(_: Path) -> None:
        source = ParquetSource(opening)
        source.images("train", np.arange(min(6, len(source.train_labels))))

    return Opened([sample], _reading(read, (DataError,), folder / "train.parquet"))


def _safetensors(folder: Path) -> Opened:
    from safetensors.numpy import save

    from bcl_core.lab import Lab, SnapshotError
    from bcl_core.lab.files import RunFolder, encoded
    from bcl_core.lab.samples import read_samples
    from harness.made_runs import make_runs

    [run] = make_runs(Lab(folder / "lab"), ["bcl"], 1)
    view = run.folder.arrays(run.folder.view(1))
    meta = run.folder.metadata(run.folder.samples)
    unsealed = {key: value for key, value in meta.items() if key != "digest"}
    samples = [save(run.folder.arrays(run.folder.samples), unsealed), save(view), encoded(view)]
    number = iter(range(10**9))

    def attempt(content: bytes) -> str:
        home = RunFolder(folder / str(next(number)))  # another one each time: what was read is kept at hand
        home.view(0).parent.mkdir(parents=True)
        taken = False
        for place in (home.view(0), home.samples):
            place.write_bytes(content)
            try:
                home.arrays(place)
                home.metadata(place)
                if place == home.samples:
                    read_samples(home)
                taken = True
            except SnapshotError as error:
                assert str(error)
        shutil.rmtree(home.path)
        return "taken" if taken else "refused"

    return Opened(samples, attempt, mutations.safetensors_or_bytes)


def _zips(folder: Path) -> Opened:
    from bcl_core.lab import Lab, LabError
    from bcl_core.lab.bringing import bring
    from bcl_core.lab.export import export_runs
    from bcl_core.lab.files import write_arrays
    from harness.made_runs import make_runs

    lab = Lab(folder / "lab")
    [run] = make_runs(lab, ["bcl"], 1, per_class=2, images=False)
    write_arrays(run.folder.weights, {"backbone.weight": np.ones((2, 2), np.float32)})
    export_runs(lab, [run.id], folder / "sample.zip")
    other = Lab(folder / "other")

    def read(file: Path) -> None:
        brought = [each.run_id for each in bring(other, file)]
        other.delete(brought)
        other.purge(brought)

    attempt = _reading(read, (LabError, MemoryError), folder / "input")
    return Opened([(folder / "sample.zip").read_bytes()], attempt, mutations.zip_or_bytes)


def _checkpoints(folder: Path) -> Opened:
    import torch
    from safetensors.torch import save

    from bcl_core.lab.foreign.loading import load_checkpoint
    from bcl_core.lab.run import LabError
    from bcl_core.models import build_model
    from bcl_core.recipe import Execution, apply_settings, preset

    torch.set_num_threads(1)
    base, _ = apply_settings(preset("digits-bcl"), Execution(), {"model.hidden_dim": "8", "model.projection_dim": "9"})
    weights = build_model(base, 1, 3).state_dict()
    small = {name: tensor for name, tensor in weights.items() if tensor.numel() < 500}
    files = []
    for place, payload in enumerate(({"state_dict": weights}, {"model": small, "epoch": 3}, weights)):
        torch.save(payload, folder / f"{place}.pt")
        files.append(folder / f"{place}.pt")
    torch.save(weights, folder / "old.pt", _use_new_zipfile_serialization=False)
    samples = [file.read_bytes() for file in (*files, folder / "old.pt")] + [save(weights)]

    def mutate(sample: bytes, draws: random.Random) -> bytes:
        if sample.startswith(b"PK"):
            return mutations.zip_or_bytes(sample, draws)
        is_safe = sample[8:9] == b"{"
        return (mutations.safetensors_or_bytes if is_safe else mutations.of_bytes)(sample, draws)

    read = partial(load_checkpoint, arch=None, base=base)
    return Opened(samples, _reading(read, (LabError, MemoryError), folder / "input"), mutate)


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


def _queries(folder: Path) -> Opened:
    def mutate(sample: bytes, draws: random.Random) -> bytes:
        path, mark, query = sample.partition(b"?")
        return path + mark + _plain(mutations.of_bytes(query, draws))

    def asked(run: str, rev: str) -> list[bytes]:
        return [f"GET {each}".encode() for each in _addresses(run, rev) if "?" in each]

    return _served(folder, asked, "viewer", mutate)


def _routes(folder: Path) -> Opened:
    methods = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

    def mutate(sample: bytes, draws: random.Random) -> bytes:
        address = mutations.of_bytes(sample.removeprefix(b"GET /"), draws)
        return draws.choice(methods).encode() + b" /" + _plain(address)

    return _served(folder, lambda run, rev: [f"GET {each}".encode() for each in _addresses(run, rev)], "viewer", mutate)


def _plain(address: bytes) -> bytes:
    """Return an address as it can come over the network: without spaces and ends of lines."""
    return bytes(byte for byte in address if byte > 32)


def _do(folder: Path) -> Opened:
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


ROOMS: dict[str, Room] = {
    "recipes": Room(_recipes, 22_000),
    "settings": Room(_settings, 8_000),
    "list files": Room(_lists, 10_000),
    "query strings": Room(_queries, 15_000),
    "routes": Room(_routes, 10_000),
    "do": Room(_do, 14_000),
    "safetensors": Room(_safetensors, 6_000),
    "npz": Room(_npz, 4_000),
    "Parquet of embeddings": Room(_parquet_embeddings, 2_000, forked=True),
    "Parquet of images": Room(_parquet_images, 2_000, forked=True),
    "zips": Room(_zips, 1_000),
    "checkpoints": Room(_checkpoints, 1_000),
}
