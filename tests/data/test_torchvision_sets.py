"""Downloads that end whole or not at all, from a server on this machine that serves tiny sets in the real formats."""

import gzip
import hashlib
import http.server
import io
import pickle
import re
import tarfile
import threading
from functools import partial

import numpy as np
import pytest
import scipy.io
from torchvision import datasets
from torchvision.datasets import utils

from bcl_core.data import torchvision_sets
from bcl_core.data.source import DataError
from bcl_core.data.torchvision_sets import CIFAR10Source, CIFAR100Source, FashionMNISTSource, SVHNSource
from tests.data.small_images import opening

RNG = np.random.default_rng(0)


class Server:
    """Serves a folder and remembers what was fetched; `interrupt` is called when half of a file is out."""

    def __init__(self, folder):
        self.fetched, self.interrupt = [], lambda: True
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                content = (folder / self.path[1:]).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.headers.get("Method") == "HEAD":  # torchvision looks for a redirection in this way
                    return
                outer.fetched.append(self.path)
                self.wfile.write(content[: len(content) // 2])
                if outer.interrupt():
                    self.wfile.write(content[len(content) // 2 :])

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(torchvision_sets, "SECONDS_BETWEEN_REPORTS", 0.01)
    (tmp_path / "served").mkdir()
    server = Server(tmp_path / "served")
    yield server
    server.close()


def md5(content):
    return hashlib.md5(content).hexdigest()


def pixels(count, *shape):
    return RNG.integers(0, 256, (count, *shape), dtype=np.uint8)


class TinyCIFAR:
    """Seven images a batch, of ten classes, in CIFAR's own format."""

    def __init__(self, dataset, key, folder, monkeypatch, address):
        names = [name for name, _ in dataset.train_list + dataset.test_list]
        self.images = {name: pixels(70, 3, 32, 32) for name in names}
        self.labels = {name: [int(label) for label in RNG.permutation(70) % 10] for name in names}
        files = {
            name: pickle.dumps({"data": self.images[name].reshape(70, -1), key: self.labels[name]}) for name in names
        }
        self.class_names = tuple(f"class {k}" for k in range(10))
        files[dataset.meta["filename"]] = pickle.dumps({dataset.meta["key"]: list(self.class_names)})
        with tarfile.open(folder / dataset.filename, "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{dataset.base_folder}/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.archive = (folder / dataset.filename).read_bytes()
        for side in ("train_list", "test_list"):
            monkeypatch.setattr(dataset, side, [[name, md5(files[name])] for name, _ in getattr(dataset, side)])
        monkeypatch.setattr(dataset, "meta", dataset.meta | {"md5": md5(files[dataset.meta["filename"]])})
        monkeypatch.setattr(dataset, "url", address + dataset.filename)
        monkeypatch.setattr(dataset, "tgz_md5", md5(self.archive))
        self.train = np.concatenate([self.images[name] for name, _ in dataset.train_list])
        self.train_labels = [label for name, _ in dataset.train_list for label in self.labels[name]]


@pytest.fixture
def cifar10(server, tmp_path, monkeypatch):
    return TinyCIFAR(datasets.CIFAR10, "labels", tmp_path / "served", monkeypatch, server.address)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def opened(root, source=CIFAR10Source, name="cifar10", **more):
    return source(opening(name, root, **more))


def leftovers(root):
    return sorted(file.name for file in root.rglob("*.part"))


def test_cifar10_is_downloaded_and_read(cifar10, server, root):
    source = opened(root)
    assert source.class_names == cifar10.class_names
    assert source.train_labels.tolist() == cifar10.train_labels
    assert source.train_labels.dtype == source.test_labels.dtype == np.int64
    np.testing.assert_array_equal(source.images("train", np.array([100, 3])), cifar10.train[[100, 3]])
    np.testing.assert_array_equal(source.images("test", np.arange(70)), cifar10.images["test_batch"])
    assert server.fetched == ["/cifar-10-python.tar.gz"]
    assert leftovers(root) == []


def test_cifar100_has_its_fine_labels(server, tmp_path, monkeypatch, root):
    tiny = TinyCIFAR(datasets.CIFAR100, "fine_labels", tmp_path / "served", monkeypatch, server.address)
    source = opened(root, CIFAR100Source, "cifar100")
    assert source.class_names == tiny.class_names
    np.testing.assert_array_equal(source.images("train", np.arange(70)), tiny.train)
    (root / "cifar-100-python" / "meta").unlink()
    assert opened(root, CIFAR100Source, "cifar100").class_names == tiny.class_names
    assert len(server.fetched) == 1


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


@pytest.fixture
def fashion(server, tmp_path, monkeypatch):
    images, labels = {"train": pixels(9, 28, 28), "t10k": pixels(4, 28, 28)}, {"train": 9, "t10k": 4}
    resources = []
    for side in ("train", "t10k"):
        for name, array in (
            (f"{side}-images-idx3-ubyte.gz", images[side]),
            (f"{side}-labels-idx1-ubyte.gz", np.arange(labels[side], dtype=np.uint8)),
        ):
            content = gzip.compress(idx(array))
            (tmp_path / "served" / name).write_bytes(content)
            resources.append((name, md5(content)))
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [server.address])
    monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)
    return images


def test_fashion_mnist_has_one_channel(fashion, server, root):
    source = opened(root, FashionMNISTSource, "fashion-mnist")
    np.testing.assert_array_equal(source.images("train", np.arange(9))[:, 0], fashion["train"])
    assert source.images("test", np.arange(4)).shape == (4, 1, 28, 28)
    assert source.train_labels.tolist() == list(range(9))
    assert source.class_names[0] == "T-shirt/top"
    assert len(server.fetched) == 4


def test_a_file_that_was_half_unpacked_is_unpacked_again(fashion, server, root):
    opened(root, FashionMNISTSource, "fashion-mnist")
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        unpacked = root / "FashionMNIST" / "raw" / name
        unpacked.write_bytes(unpacked.read_bytes()[:-1])
    source = opened(root, FashionMNISTSource, "fashion-mnist")
    np.testing.assert_array_equal(source.images("train", np.arange(9))[:, 0], fashion["train"])
    assert len(server.fetched) == 4


def test_svhn_counts_the_digit_0_as_class_0(server, tmp_path, monkeypatch, root):
    sides = {}
    for side, count in (("train", 12), ("test", 5)):
        images, digits = pixels(count, 32, 32, 3), np.arange(count) % 10
        file = tmp_path / "served" / f"{side}_32x32.mat"
        scipy.io.savemat(file, {"X": images.transpose(1, 2, 3, 0), "y": np.where(digits == 0, 10, digits)[:, None]})
        sides[side] = [server.address + file.name, file.name, md5(file.read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", sides)
    source = opened(root, SVHNSource, "svhn")
    assert source.class_names == tuple("0123456789")
    assert source.train_labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    np.testing.assert_array_equal(source.images("test", np.array([4]))[0], images[4].transpose(2, 0, 1))


@pytest.mark.parametrize("place", [".", "inner", ".."])
def test_a_copy_that_lies_there_is_used(cifar10, server, root, place):
    opened(root)
    server.fetched.clear()
    if place == "inner":
        (root / "torch").mkdir()
        (root / "cifar-10-batches-py").rename(root / "torch" / "cifar-10-batches-py")
        (root / "cifar-10-python.tar.gz").unlink()
    given = root / "cifar-10-batches-py" if place == ".." else root
    assert opened(given).train_labels.tolist() == cifar10.train_labels
    assert server.fetched == []


def test_an_archive_put_there_by_hand_is_unpacked(cifar10, server, root):
    root.mkdir()
    (root / "cifar-10-python.tar.gz").write_bytes(cifar10.archive)
    assert opened(root).train_labels.tolist() == cifar10.train_labels
    assert server.fetched == []


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_copy_with_another_checksum_is_mended_from_the_archive(cifar10, server, root, damage):
    opened(root)
    batch = root / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(b"other") if damage == "changed" else batch.unlink()
    assert opened(root).train_labels.tolist() == cifar10.train_labels
    assert len(server.fetched) == 1


def test_without_a_network_the_error_says_what_to_put_where(cifar10, server, root):
    server.close()
    with pytest.raises(DataError) as raised:
        opened(root)
    said = ("CIFAR-10 is not in", server.address, "cifar-10-python.tar.gz", md5(cifar10.archive), str(root))
    for part in (*said, "BCL_LAB_PARQUET"):
        assert part in str(raised.value)
    assert leftovers(root) == []


def test_a_cut_connection_leaves_nothing_and_the_next_try_succeeds(cifar10, server, root):
    server.interrupt = lambda: False
    with pytest.raises(DataError, match="could not be downloaded"):
        opened(root)
    assert [file.name for file in root.iterdir() if file.name[0] != "."] == []
    server.interrupt = lambda: True
    assert opened(root).train_labels.tolist() == cifar10.train_labels


def test_a_disk_that_fills_during_the_download_leaves_nothing(cifar10, root, monkeypatch):
    def retrieve(url, filename, chunk_size=0):
        with open(filename, "wb") as file:  # noqa: PTH123
            file.write(cifar10.archive[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(utils, "_urlretrieve", retrieve)
    with pytest.raises(DataError, match="No space left on device"):
        opened(root)
    assert [file.name for file in root.iterdir() if file.name[0] != "."] == []


def test_a_disk_that_fills_during_unpacking_leaves_nothing_that_passes_for_whole(cifar10, server, root, monkeypatch):
    def extract(archive, folder):
        (folder / "cifar-10-batches-py").mkdir()
        (folder / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(torchvision_sets, "extract_archive", extract)
        with pytest.raises(DataError, match="No space left on device"):
            opened(root)
    assert opened(root).train_labels.tolist() == cifar10.train_labels
    assert len(server.fetched) == 1


def test_a_part_that_a_killed_process_left_is_not_taken_for_the_whole(cifar10, root):
    root.mkdir()
    (root / "cifar-10-python.tar.gz.part").write_bytes(cifar10.archive[:-10])
    (root / "cifar-10-python.tar.gz").write_bytes(cifar10.archive[:-10])
    assert opened(root).train_labels.tolist() == cifar10.train_labels
    assert leftovers(root) == []


def test_two_that_start_at_once_download_once(cifar10, server, root):
    found = []
    threads = [threading.Thread(target=lambda: found.append(opened(root).train_labels.tolist())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [cifar10.train_labels] * 2
    assert len(server.fetched) == 1


def test_the_download_is_told_of_while_it_goes_on(cifar10, server, root, monkeypatch):
    half_was_told = threading.Event()
    monkeypatch.setattr(CIFAR10Source, "megabytes", 1)
    server.interrupt = lambda: half_was_told.wait(20)
    told = []

    def report(words):
        told.append(words)
        if re.search(r"[4-9]\d %", words):
            half_was_told.set()

    opened(root, report=report)
    assert re.fullmatch(r"Downloading CIFAR-10: \d+ % of 1 MB", told[0])


def test_whoever_interrupts_the_report_is_heard_at_once(cifar10, server, root):
    released = threading.Event()
    server.interrupt = lambda: released.wait(20)

    def stop(_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        opened(root, report=stop)
    released.set()


def test_downloads_go_to_the_place_that_the_environment_names_else_beside(cifar10, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BCL_LAB_DATA", raising=False)
    opened(None)
    assert (tmp_path / "data" / "cifar-10-batches-py").is_dir()
    monkeypatch.setenv("BCL_LAB_DATA", "elsewhere/sets")
    opened(None)
    assert (tmp_path / "elsewhere" / "sets" / "cifar-10-batches-py").is_dir()
