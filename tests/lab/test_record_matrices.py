"""Vectors in one file and labels in another, tables of text, and tensors: the run that their arrays make, or words."""

import numpy as np
import pytest
import torch

from bcl_core.lab import RecordError, read, record, record_matrices
from bcl_core.lab.record_files import record_file
from tests.lab.test_record_files import EPOCHS, LABELS, NAMES, TEST, Bomb, Z, assert_same_run


def tsv(path, rows, heading=()):
    lines = ["\t".join(map(str, row)) for row in ([heading] if heading else []) + [list(row) for row in rows]]
    path.write_text("\n".join(lines) + "\n")
    return path


def by_hand(lab):
    return record("by hand", Z[0], NAMES[LABELS])


@pytest.mark.parametrize(
    ("vectors", "labels", "heading"),
    [
        ("vectors.tsv", "metadata.tsv", ()),
        ("tensors.tsv", "metadata.tsv", ("label", "note")),
        ("mine.tsv", "mine_labels.txt", ()),
        ("mine.csv", "labels.npy", ()),
        ("embeddings.npy", "labels.npy", ()),
        ("run-features.npy", "run-metadata.tsv", ("note", "Class")),
    ],
)
def test_vectors_find_their_labels_beside_them(lab, tmp_path, vectors, labels, heading):
    """As the Embedding Projector keeps them: metadata of one column have no heading."""
    names = NAMES[LABELS]
    rows = [{"label": name, "Class": name, "note": f"a {name}"} for name in names]
    if labels.endswith(".npy"):
        np.save(tmp_path / labels, names)
    else:
        tsv(tmp_path / labels, [[row[key] for key in heading] if heading else [row["label"]] for row in rows], heading)
    if vectors.endswith(".npy"):
        np.save(tmp_path / vectors, Z[0])
    elif vectors.endswith(".csv"):
        np.savetxt(tmp_path / vectors, Z[0], "%.9g", delimiter=",")
    else:
        tsv(tmp_path / vectors, Z[0])
    run_id, ignored = record_file(lab, tmp_path / vectors)
    assert ignored == (("note",) if heading else ())
    assert_same_run(lab, run_id, by_hand(lab))


def test_commas_in_a_csv_may_be_quoted(lab, tmp_path):
    rows = "".join(f'"{NAMES[k]}, of them",{",".join(map(str, z))}\n' for k, z in zip(LABELS, Z[0], strict=True))
    (tmp_path / "table.csv").write_text('"label",a,b,c,d,e,f\n' + rows)
    names = [f"{name}, of them" for name in NAMES[LABELS]]
    assert_same_run(lab, record_file(lab, tmp_path / "table.csv")[0], record("by hand", Z[0], names))


def test_labels_may_be_named(lab, tmp_path):
    np.save(tmp_path / "z.npy", Z)
    np.save(tmp_path / "mine.npy", LABELS)
    assert_same_run(lab, record_file(lab, tmp_path / "z.npy", labels=tmp_path / "mine.npy")[0], record("x", Z, LABELS))


def test_a_table_with_a_heading_holds_everything_of_several_epochs(lab, tmp_path):
    rows = [
        (EPOCHS[e], LABELS[i], *Z[e, i], NAMES[LABELS[i]], "test" if TEST[i] else "train")
        for i in range(40)
        for e in range(3)
    ]
    heading = ("epoch", "label", *(f"x{k}" for k in range(6)), "class_name", "split")
    run_id, _ = record_file(lab, tsv(tmp_path / "table.tsv", rows, heading))
    assert_same_run(lab, run_id, record("by hand", Z, LABELS, epochs=EPOCHS, class_names=NAMES, test=TEST))


@pytest.mark.parametrize("coordinates", [[f"x{k}" for k in range(6)], list("uvwxyz")])
def test_a_table_of_pandas_numbers_its_rows_in_a_column_that_is_no_coordinate(lab, tmp_path, coordinates):
    rows = [(i, NAMES[LABELS[i]], *Z[0, i]) for i in range(40)]
    run_id, ignored = record_file(lab, tsv(tmp_path / "table.tsv", rows, ("", "label", *coordinates)))
    assert ignored == ("a column without a name",)
    assert_same_run(lab, run_id, by_hand(lab))


def test_beside_numbered_columns_a_prediction_and_labels_that_are_given_in_another_file_are_no_coordinates(
    lab, tmp_path
):
    rows = [(i, 3, *Z[0, i], 0.9) for i in range(40)]
    file = tsv(tmp_path / "table.tsv", rows, ("Unnamed: 0", "label", *(f"f{k}" for k in range(6)), "confidence"))
    np.save(tmp_path / "mine.npy", NAMES[LABELS])
    run_id, ignored = record_file(lab, file, labels=tmp_path / "mine.npy")
    assert ignored == ("Unnamed: 0", "confidence", "label")
    assert_same_run(lab, run_id, by_hand(lab))


def test_tensors_that_torch_saved_are_arrays_by_their_names(lab, tmp_path):
    tensors = {"embeddings": torch.from_numpy(Z), "labels": torch.from_numpy(LABELS), "epochs": torch.tensor(EPOCHS)}
    torch.save(tensors | {"note": "mine"}, tmp_path / "z.pt")
    run_id, ignored = record_file(lab, tmp_path / "z.pt")
    assert ignored == ("note",)
    assert_same_run(lab, run_id, record("by hand", Z, LABELS, epochs=EPOCHS))


BAD_TEXTS = {
    "ragged": ("1\t2\n3\t4\t5\n6\t7\n", "x.tsv cannot be read as a table: .*[Rr]ow #2: Expected 2 columns, got 3"),
    "text": ("1\t2\n3\tfour\n", "cannot be read as a table: .*'four'"),
    "empty cell": ("1\t2\n3\t\n", "cannot be read as a table: .*invalid value ''"),
    "nan": ("1\t2\nnan\t4\n", "1 of 2 rows of embeddings hold numbers that are not finite .*; the first is row 1"),
    "no label column": ("a\tb\n1\t2\n", "x.tsv has no column called label; its columns: a, b"),
    "labels alone": ("label\n1\n2\n", "no columns of numbers beside its labels"),
    "a heading alone": ("label\ta\tb\n", "expected a row for each"),
    "a row without a label": ("label\ta\tb\n0\t1\t2\n\t1\t2\n", "some rows of x.tsv have no label"),
    "two columns of labels": ("label\tclass\ta\n0\t1\t2\n", "says label in several columns, label, class: keep one"),
    "a name twice": ("label\ta\ta\n0\t1\t2\n", "several columns called a: give each a name of its own"),
    "two kinds": ("label\ta0\ta1\tb0\tb1\n0\t1\t2\t3\t4\n", "several kinds, a0 …, b0 …: keep those of the embedding"),
    "fewer labels": ("1\t2\n3\t4\n5\t6\n", "x.tsv has 3 rows, and 2 labels belong to it"),
    "an empty line": ("\n1\t2\n", "begins with an empty line"),
}


@pytest.mark.parametrize("kind", BAD_TEXTS)
def test_a_table_that_cannot_be_used_is_refused_in_words(lab, tmp_path, kind):
    content, words = BAD_TEXTS[kind]
    (tmp_path / "x.tsv").write_text(content)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(RecordError, match=words):
        record_file(lab, tmp_path / "x.tsv")
    assert not lab.runs()


def test_a_first_line_that_no_table_has_is_refused_in_words(lab, tmp_path):
    (tmp_path / "x.csv").write_text(f'"{"a" * 140_000}",label\n1,2\n')
    with pytest.raises(RecordError, match="begins with a line that is no table's: field larger"):
        record_file(lab, tmp_path / "x.csv")


@pytest.mark.parametrize("written", [lambda k: str(10**25 + k), lambda k: f"1_{k}"])
def test_labels_of_more_digits_than_a_number_has_or_of_two_numbers_are_texts(lab, tmp_path, written):
    long = [written(int(label)) for label in LABELS]
    tsv(
        tmp_path / "x.tsv",
        [(label, *z) for label, z in zip(long, Z[0], strict=True)],
        ("label", *"abcdefgh"[: Z.shape[-1]]),
    )
    run_id, _ = record_file(lab, tmp_path / "x.tsv")
    assert read(run_id, lab).class_names == tuple(sorted({*long}))


def test_metadata_without_a_label_column_say_which_they_have(lab, tmp_path):
    tsv(tmp_path / "vectors.tsv", Z[0])
    tsv(tmp_path / "metadata.tsv", [("ant", 3)] * 40, ("species", "count"))
    with pytest.raises(RecordError, match=r"metadata\.tsv has no column called label; its columns: species, count"):
        record_file(lab, tmp_path / "vectors.tsv")


def test_three_million_rows_are_refused_before_they_are_all_read(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(record_matrices, "BLOCK", 1 << 16)
    with (tmp_path / "x.tsv").open("w") as file:
        file.writelines(["1\t2\n" * 100_000] * 30)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(RecordError, match="more than 1,000,000 rows, which is the most: choose some"):
        record_file(lab, tmp_path / "x.tsv")


def test_an_npy_of_objects_is_not_read(lab, tmp_path):
    np.save(tmp_path / "z.npy", np.array([Bomb()] * 4), allow_pickle=True)
    np.save(tmp_path / "labels.npy", LABELS[:4])
    with pytest.raises(RecordError, match=r"z\.npy holds Python objects, which could run code"):
        record_file(lab, tmp_path / "z.npy")
