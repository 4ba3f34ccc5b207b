"""Rooms of files and texts: small real samples, how they are changed, and who reads them.

What a room needs is imported where it is opened, so that a room without torch is measured without it.
"""

import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import mutations
from benchmarks.fuzz.room import Opened


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


def recipes(_: Path) -> Opened:
    """Recipes as JSON, as they come and as they are stored."""
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


def settings(_: Path) -> Opened:
    """Settings as people write them, KEY=VALUE a line."""
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


def lists(folder: Path) -> Opened:
    """List files of images."""
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


def npz(folder: Path) -> Opened:
    """Arrays to be recorded."""
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


def parquet_embeddings(folder: Path) -> Opened:
    """Embeddings to be recorded, a row a sample."""
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


def parquet_images(folder: Path) -> Opened:
    """Images in the Hugging Face convention."""
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


def safetensors(folder: Path) -> Opened:
    """A run's files of arrays."""
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


def zips(folder: Path) -> Opened:
    """Exports of runs."""
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


def checkpoints(folder: Path) -> Opened:
    """Models from elsewhere, which torch reads."""
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
