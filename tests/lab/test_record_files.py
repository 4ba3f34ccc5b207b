"""A file of arrays becomes the run that they make; one that cannot be used is refused in words and leaves nothing."""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bcl_core.lab import RecordError, record, record_files
from bcl_core.lab.files import read_arrays, read_metadata
from bcl_core.lab.record_files import record_file

LABELS = np.arange(40) % 4
NAMES = np.array(["ant", "bee", "cat", "dog"])
RNG = np.random.default_rng(0)
Z = (RNG.standard_normal((3, 40, 6)) + np.eye(6)[LABELS]).astype(np.float32)
TEST = np.arange(40) >= 8
EPOCHS = [0, 5, 9]


@pytest.fixture
def npz(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "model.npz", **arrays)
        return tmp_path / "model.npz"

    return save


@pytest.fixture
def parquet(tmp_path):
    def save(embedding=None, *, columns=None, **others):
        table = {"embedding": list(Z[0]) if embedding is None else embedding, "label": LABELS, **others}
        pq.write_table(pa.table({**table, **(columns or {})}), tmp_path / "model.parquet")
        return tmp_path / "model.parquet"

    return save


def assert_same_run(lab, one, other):
    assert lab.metrics(one) == lab.metrics(other)
    first, second = lab.folder(one), lab.folder(other)
    assert read_metadata(first.samples) == read_metadata(second.samples)
    for epoch in first.epochs():
        for path in ("samples", f"view/{epoch:04d}", f"embeddings/{epoch:04d}"):
            arrays, others = (folder.arrays(folder.path / f"{path}.safetensors") for folder in (first, second))
            assert arrays.keys() == others.keys()
            for name in arrays:
                np.testing.assert_array_equal(arrays[name], others[name])


def test_an_npz_with_two_arrays_is_a_run(lab, npz):
    run = lab.run(record_file(lab, npz(embeddings=Z[0], labels=LABELS))[0])
    assert (run.name, run.state, run.epoch, run.recipe.variant) == ("model", "finished", 1, "own")
    assert run.provenance["file"] == "model.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_with_everything_is_what_record_makes_of_its_arrays(lab, tmp_path, save):
    probabilities = np.full((3, 40, 4), 0.1) + 0.6 * np.eye(4)[LABELS]
    arrays = {
        "embeddings": Z.astype(np.float16),
        "labels": NAMES[LABELS],
        "epochs": EPOCHS,
        "class_names": NAMES,
        "class_counts": [100, 50, 20, 3],
        "test": TEST,
        "prototypes": RNG.standard_normal((3, 4, 6)),
        "classifier": np.asfortranarray(RNG.standard_normal((3, 4, 6))),
        "class_means": RNG.standard_normal((3, 4, 6)),
        "probabilities": probabilities,
        "images": RNG.integers(0, 256, (40, 3, 8, 8), np.uint8),
    }
    save(tmp_path / "all.npz", **arrays)
    run_id, ignored = record_file(lab, tmp_path / "all.npz", "from a file")
    assert lab.run(run_id).name == "from a file" and ignored == ()
    assert_same_run(lab, run_id, record("by hand", arrays.pop("embeddings"), arrays.pop("labels"), **arrays))
    assert lab.folder(run_id).sprite.exists() and lab.folder(run_id).epochs() == EPOCHS


def test_what_a_file_also_holds_is_named(lab, npz, parquet):
    assert record_file(lab, npz(embeddings=Z[0], labels=LABELS, prototype=Z[0, :4]))[1] == ("prototype",)
    assert record_file(lab, parquet(path=["x"] * 40))[1] == ("path",)
    named_twice = parquet(columns={"label": NAMES[LABELS]}, class_name=NAMES[LABELS])
    assert record_file(lab, named_twice)[1] == ("class_name",)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 6)]
)
def test_a_parquet_file_is_what_record_makes_of_its_columns(lab, parquet, kind):
    order = RNG.permutation(120)  # rows of all epochs mixed; those of each keep their order
    epochs = np.sort(np.repeat(EPOCHS, 40))[order]
    rows = np.empty(120, int)
    for epoch in EPOCHS:
        rows[epochs == epoch] = np.arange(40)
    which = np.searchsorted(EPOCHS, epochs)
    file = parquet(
        pa.array(list(Z[which, rows].astype(float)), pa.list_(pa.float64())).cast(kind),
        columns={"label": LABELS[rows]},
        epoch=epochs,
        class_name=NAMES[LABELS[rows]],
        split=np.where(TEST, "validation", "Train")[rows],
    )
    run_id = record_file(lab, file)[0]
    assert_same_run(lab, run_id, record("by hand", Z, LABELS, epochs=EPOCHS, class_names=NAMES, test=TEST))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_text_labels_of_a_parquet_file_are_classes(lab, parquet, kind):
    run_id = record_file(lab, parquet(columns={"label": pa.array(NAMES[LABELS].tolist()).cast(kind)}))[0]
    assert json.loads(read_metadata(lab.folder(run_id).samples)["class_names"]) == NAMES.tolist()
    np.testing.assert_array_equal(read_arrays(lab.folder(run_id).samples)["labels"], LABELS)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('this ran')",)


def archive_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def array_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def claiming(shape):
    """An .npy whose header says more than it holds."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + b"\0" * 64


GOOD = {"embeddings": array_bytes(Z[0]), "labels": array_bytes(LABELS)}
WHOLE = archive_of(**GOOD)
BAD_FILES = {
    "empty": (b"", "model.npz is empty"),
    "text": (b"embeddings, labels\n1, 2\n", r"is none of \.npz, \.npy, Parquet, \.tsv"),
    "one array": (array_bytes(Z[0]), r"holds no labels: put labels\.npy, labels\.txt or metadata\.tsv beside it"),
    "a pickle": (pickle.dumps(Bomb()), "is a Python pickle"),
    "an empty zip": (archive_of(), "has no embeddings and no labels; its arrays: none"),
    "no labels": (
        archive_of(embeddings=GOOD["embeddings"], target=GOOD["labels"]),
        "no labels; its arrays: embeddings",
    ),
    "many arrays": (archive_of(**{f"a{i}": b"" for i in range(30)}), r"a11, … \(30 in all\)"),
    "objects": (
        archive_of(**GOOD, class_names=array_bytes(np.array([Bomb()] * 4))),
        "class_names holds Python objects",
    ),
    "object embeddings": (archive_of(**GOOD | {"embeddings": array_bytes(np.array([Bomb(), 1], object))}), "objects"),
    "structured": (
        archive_of(**GOOD | {"labels": array_bytes(np.zeros(40, [("a", "<i4")]))}),
        "labels holds .* val",
    ),
    "cut short": (WHOLE[: len(WHOLE) // 2], "model.npz is damaged or cut short"),
    "a flipped bit": (WHOLE[:200] + bytes([WHOLE[200] ^ 255]) + WHOLE[201:], "model.npz is damaged or cut short"),
    "a short array": (
        archive_of(**GOOD | {"embeddings": GOOD["embeddings"][:-40]}),
        "model.npz is damaged or cut short",
    ),
    "a claim": (archive_of(**GOOD | {"embeddings": claiming((10**12, 10**3))}), "claims to be .* more than the file"),
    "long texts": (
        archive_of(**GOOD | {"class_names": array_bytes(np.array(["x" * 201] * 4))}),
        "class_names holds texts of up to 201 characters; at most 200",
    ),
    "a negative claim": (archive_of(**GOOD | {"embeddings": claiming((-1, 6))}), "model.npz is damaged or cut short"),
    "no array": (archive_of(**GOOD | {"labels": b"hello"}), "model.npz is damaged or cut short"),
    "five million": (
        archive_of(
            embeddings=array_bytes(np.ones((5_000_000, 2), np.int8)), labels=array_bytes(np.zeros(5_000_000, "i1"))
        ),
        "5,000,000 samples; at most 1,000,000",
    ),
    "shapes": (
        archive_of(**GOOD | {"labels": array_bytes(LABELS[:9])}),
        r"embeddings has shape \(40, 6\); expected \(9, d\)",
    ),
    "four axes": (archive_of(**GOOD | {"embeddings": array_bytes(Z[None])}), r"expected \(n, d\), or \(E, n, d\)"),
    "not finite": (archive_of(**GOOD | {"embeddings": array_bytes(Z[0] * np.nan)}), "40 of 40 rows of embeddings"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_npz_is_refused_in_words_and_leaves_nothing(lab, tmp_path, kind):
    content, words = BAD_FILES[kind]
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(RecordError, match=words):
        record_file(lab, tmp_path / "model.npz")
    assert lab.runs() == [] and not list((lab.home / "runs").iterdir())


TWO_EPOCHS = {"epoch": np.arange(40) // 20}
BAD_TABLES = {
    "ragged": (
        {"embedding": [[1.0] * (2 + i % 2) for i in range(40)]},
        "lists of 2 to 3 numbers",
        None,
    ),
    "no lists": ({"embedding": LABELS}, "column embedding has type int64; expected lists of numbers", None),
    "lists of text": ({"embedding": [["a", "b"]] * 40}, "column embedding has type list<.*string>", None),
    "no embedding": ({"embedding": [None, *Z[0, 1:]]}, "1 rows have no embedding", None),
    "nothing in it": ({"embedding": [[None] * 3, *Z[0, 1:, :3]]}, "1 of 40 rows of embeddings hold numbers that", None),
    "empty lists": ({"embedding": [[] for _ in range(40)]}, "column embedding has type list<.*null>", None),
    "no label": ({"columns": {"label": [None, *LABELS[1:].tolist()]}}, "1 rows have no label", None),
    "fractions": ({"columns": {"label": LABELS / 2}}, "labels holds float64 values", None),
    "epochs of text": ({"columns": {"epoch": ["one"] * 40}}, "epoch is 'one'; expected a whole number", None),
    "uneven": ({"columns": {"epoch": [0] * 10 + [1] * 30}}, "epoch 0 has 10 rows and epoch 1 has 30", None),
    "other order": (
        {"columns": TWO_EPOCHS | {"label": LABELS[::-1] * (np.arange(40) < 20)}},
        "label differs between",
        None,
    ),
    "split": ({"columns": {"split": ["test"] * 39 + ["held out"]}}, "split is 'held out' in row 39", None),
    "two names": ({"columns": {"class_name": ["x", *NAMES[LABELS[1:]]]}}, "class 0 is called 'ant' and 'x'", None),
    "no rows": (
        {"embedding": pa.array([], pa.list_(pa.float32())), "columns": {"label": LABELS[:0]}},
        "holds no rows",
        None,
    ),
    "cut short": ({}, "model.parquet is damaged or cut short", lambda content: content[: len(content) // 2]),
    "only the head": ({}, "model.parquet is damaged or cut short", lambda content: content[:4]),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_bad_parquet_file_is_refused_in_words_and_leaves_nothing(lab, parquet, kind):
    columns, words, damage = BAD_TABLES[kind]
    file = parquet(**columns)
    if damage:
        file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(RecordError, match=words):
        record_file(lab, file)
    assert lab.runs() == [] and not list((lab.home / "runs").iterdir())


def test_a_parquet_file_without_the_columns_says_which_it_has(lab, tmp_path):
    pq.write_table(pa.table({"z": LABELS, "label": LABELS}), tmp_path / "t.parquet")
    with pytest.raises(RecordError, match=r"t\.parquet has no embedding; its columns: z, label"):
        record_file(lab, tmp_path / "t.parquet")


def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused_unread(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(record_files, "MAX_BYTES", 50_000)
    zeros = np.zeros((1000, 100), np.int8)
    np.savez_compressed(tmp_path / "model.npz", embeddings=Z[0], labels=LABELS, images=zeros)
    pq.write_table(pa.table({"embedding": list(zeros), "label": zeros[:, 0]}), tmp_path / "model.parquet")
    for file in (tmp_path / "model.npz", tmp_path / "model.parquet"):
        assert file.stat().st_size < 50_000
        with pytest.raises(RecordError, match="at most 2 GiB"):
            record_file(lab, file)
    assert lab.runs() == []


def unread(*_, **__):
    raise AssertionError("it was read")


def test_a_small_npz_that_becomes_gigabytes_where_it_is_measured_is_refused_unread(lab, tmp_path, monkeypatch):
    many = np.zeros((100_000, 1_000), np.uint8)
    content = archive_of(embeddings=array_bytes(many), labels=array_bytes(many[:, 0]))
    (tmp_path / "model.npz").write_bytes(content)
    monkeypatch.setattr(record_files.npy, "read_array", unread)
    monkeypatch.setattr(record_files, "MOST_MEMORY", 1_000_000_000)
    words = r"would take about 1\.5 GB of memory \(embeddings 100,000 × 1,000\); at most 1\.0 GB"
    with pytest.raises(RecordError, match=words):
        monkeypatch.setattr(record_files, "free_memory", lambda: 1 << 40)
        record_file(lab, tmp_path / "model.npz")
    monkeypatch.setattr(record_files, "free_memory", lambda: 600_000_000)
    with pytest.raises(RecordError, match=r"at most 0\.3 GB here: record fewer samples"):
        record_file(lab, tmp_path / "model.npz")
    assert len(content) < 500_000 and lab.runs() == []


def test_a_parquet_file_is_bounded_by_the_numbers_that_it_declares(lab, parquet, monkeypatch):
    file = parquet(np.zeros((40, 6)).tolist())
    monkeypatch.setattr(record_files, "MOST_MEMORY", 16 * 40 * 6 - 1)
    monkeypatch.setattr(pq.ParquetFile, "read", unread)
    with pytest.raises(RecordError, match="GB of memory; at most"):
        record_file(lab, file)


@pytest.mark.parametrize("name", ["nowhere.npz", "."])
def test_what_is_no_file_is_said(lab, tmp_path, name):
    with pytest.raises(RecordError, match="is not a file"):
        record_file(lab, tmp_path / name)


def call(*arguments):
    return subprocess.run([sys.executable, "-m", "bcl_core", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_records_a_file(lab, npz):
    done = call("record", str(npz(embeddings=Z, labels=LABELS, extra=LABELS)), "--name", "mine")
    assert done.returncode == 0, done.stderr
    [run] = lab.runs()
    assert done.stdout == f"run {run.id}: epoch 1 to 3, 3 in all\nnot used: extra\n"
    assert (run.name, run.state) == ("mine", "finished")
    assert f"{run.id}  finished     3/3" in call("runs").stdout
    again = json.loads(call("record", str(npz(embeddings=Z[0], labels=LABELS)), "--json").stdout)
    assert again == {"run": lab.runs()[0].id, "epochs": [1], "ignored": []}


def test_the_command_refuses_a_bad_file_in_one_sentence(lab, tmp_path):
    (tmp_path / "model.npz").write_bytes(WHOLE[:100])
    done = call("record", str(tmp_path / "model.npz"))
    assert done.returncode == 2 and done.stderr.startswith("bcl_core: model.npz is damaged or cut short")
    assert len(done.stderr.strip().splitlines()) == 1
    assert lab.runs() == []


@pytest.mark.parametrize("size", [(8, 8), (100, 80)])
def test_hugging_faces_images_become_thumbnails_and_its_names_the_classes(lab, tmp_path, parquet, size):
    def png(k):
        buffer = io.BytesIO()
        Image.new("RGB", size, (int(k) * 60, 0, 0)).save(buffer, "PNG")
        return {"bytes": buffer.getvalue(), "path": None}

    image = pa.array([png(k) for k in LABELS], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    table = pa.table({"image": image, "label": LABELS, "embedding": list(Z[0])})
    features = {"label": {"names": [*NAMES, "elk"], "_type": "ClassLabel"}}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(about), tmp_path / "train-00000-of-00001.parquet")
    run_id, ignored = record_file(lab, tmp_path / "train-00000-of-00001.parquet")
    folder = lab.folder(run_id)
    assert ignored == ()
    assert json.loads(read_metadata(folder.samples)["class_names"]) == NAMES.tolist(), (
        "classes without a row are left out"
    )
    sprite = np.asarray(Image.open(folder.sprite).convert("RGB"))
    width = min(size[0], 64)
    named = pa.array([{"bytes": None, "path": f"{k}.png"} for k in LABELS], image.type)
    elsewhere = parquet(image=named)
    assert not lab.folder(record_file(lab, elsewhere)[0]).sprite.exists(), "a file may only name its images"
    assert [sprite[width // 2, width // 2 + i * width, 0] for i in range(4)] == [0, 60, 120, 180]
