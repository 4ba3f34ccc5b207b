"""What lies beside the weights of a checkpoint is passed over, and whatever it is, nothing of it runs."""

import argparse
import enum
import functools
import io
import pathlib
import pickle
import sys
import types
import zipfile
from collections import Counter, OrderedDict, defaultdict
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn

from bcl_core.lab.foreign import CheckpointError
from bcl_core.lab.foreign.inert import Inert, stand_ins
from bcl_core.lab.foreign.reading import read

WEIGHTS = {"fc.weight": torch.arange(6.0).reshape(2, 3)}


class Theirs:
    """A module of other code, which is gone when its file is read; it leaves a trace of whatever it is asked for."""

    def __init__(self, trace):
        self.module = types.ModuleType("their_code")
        self.trace = trace

    def add(self, cls):
        cls.__module__, cls.__qualname__ = "their_code", cls.__name__
        setattr(self.module, cls.__name__, cls)
        return cls


@pytest.fixture
def theirs(monkeypatch, tmp_path):
    """While it is there its objects can be saved; `saved` takes it away, and leaves one that traces its import."""
    made = Theirs(tmp_path / "trace")
    monkeypatch.setitem(sys.modules, "their_code", made.module)

    def saved(beside, **options):
        file = tmp_path / "model.pth"
        torch.save({"state_dict": WEIGHTS, "beside": beside}, file, **options)
        monkeypatch.delitem(sys.modules, "their_code")
        (tmp_path / "their_code.py").write_text(f"open({str(made.trace)!r}, 'w')")
        monkeypatch.syspath_prepend(tmp_path)
        return file

    made.saved = saved
    return made


def assert_read_and_inert(file, trace):
    contents = read(file)
    assert torch.equal(contents.tensors["fc.weight"], WEIGHTS["fc.weight"])
    assert contents.others == ("beside",)
    assert not trace.exists() and "their_code" not in sys.modules


def harmless(theirs):
    @theirs.add
    class Criterion(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("means", torch.zeros(3))
            self.inner = nn.ModuleList([nn.Linear(2, 2), nn.BatchNorm1d(2)])

    @theirs.add
    class ConfigParser:
        def __init__(self):
            self.config = OrderedDict(save_dir=pathlib.PosixPath("saved"), log={"levels": {0: "warning"}})

    @theirs.add
    class Settings(dict):
        def __init__(self, **settings):
            super().__init__(settings)
            self.__dict__ = self

    @theirs.add
    class Meters(list):
        pass

    @theirs.add
    class Kind(enum.Enum):
        A = 1

    @theirs.add
    class Slots:
        __slots__ = ("value",)

    slots = Slots()
    slots.value = 3
    return {
        "arrays": np.arange(5.0),
        "texts": np.array(["a", "b"]),
        "scalar": np.mean([70.0, 80.0]),
        "generator": np.random.default_rng(0).bit_generator.state,
        "path": pathlib.PurePosixPath("/data"),
        "namespace": argparse.Namespace(lr=0.1, milestones=[160, 180]),
        "criterion": Criterion(),
        "counts": defaultdict(list, a=[1]),
        "config": ConfigParser(),
        "settings": Settings(lr=0.1),
        "meters": Meters([1, 2]),
        "kinds": {Kind.A: {Kind.A}, "counter": Counter("abc")},
        "slots": slots,
        "partial": functools.partial(print, "x", end=""),
        "device": torch.device("cpu"),
        "state": torch.get_rng_state(),
    }


def test_harmless_extras_are_passed_over(theirs, tmp_path):
    """All that checkpoints by others were seen to carry, in one file."""
    assert_read_and_inert(theirs.saved(harmless(theirs)), theirs.trace)


def call(function, *arguments):
    return type("Call", (), {"__reduce__": lambda _: (function, arguments)})()


def attacks(theirs):
    """Ways by which a pickle has code run: each would leave the trace."""
    touch = f"open({str(theirs.trace)!r}, 'w')"

    @theirs.add
    class Stateful:
        def __setstate__(self, state):
            exec(touch)

        def __getstate__(self):
            return {"a": 1}

    @theirs.add
    class Reduced:
        def __reduce__(self):
            return eval, (touch,)

    @theirs.add
    class Rebuilt(torch.Tensor):
        pass

    @theirs.add
    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ModuleList([nn.Linear(1, 1)])
            self.inner[0].evil = Reduced()
            self._forward_hooks[0] = Reduced()
            self._load_state_dict_pre_hooks[0] = Stateful()

    parameter = nn.Parameter(torch.ones(2))
    parameter._backward_hooks = OrderedDict({0: Reduced()})
    return {
        "reduce": Reduced(),
        "exec": call(exec, touch),
        "setstate": Stateful(),
        "nested modules": Module(),
        "a chain": call(getattr, call(__import__, "os"), "getcwd"),
        "an item": {Stateful(): [Reduced(), (Reduced(),)]},
        "partial": functools.partial(eval, touch),
        "import": call(__import__, "their_code"),
        "build": type("Build", (), {"__reduce__": lambda _: (dict, (), {"__class__": Reduced()})})(),
        "items": type("Items", (), {"__reduce__": lambda _: (Reduced, (), None, iter([1]), iter([("a", 1)]))})(),
    }


@pytest.mark.parametrize(
    "name",
    ["reduce", "exec", "setstate", "nested modules", "a chain", "an item", "partial", "import", "build", "items"],
)
def test_an_attack_stays_inert(theirs, name):
    """Its file is read without it."""
    assert_read_and_inert(theirs.saved(attacks(theirs)[name]), theirs.trace)


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02cposix\nsystem\nX\x07\x00\x00\x00touch x\x85R.",  # a module that torch never reads
        b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R)R.",  # what a stand-in has returned, called
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cbuiltins\neval\ncbuiltins\nexec\n)}tR.",  # as a type
        b"\x80\x02ctorch._utils\n_rebuild_parameter_with_state\n(cbuiltins\neval\n\x89N}tR.",
        b"\x80\x02ctorch._utils\n_rebuild_wrapper_subclass\n(cbuiltins\neval\nNNNNNNNtR.",
        b"\x80\x02}X\x01\x00\x00\x00wctorch\nTensor\n\x8a\x03\x40\x42\x0f\x85Rs.",  # a million of what was there
        b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93.",  # names on the stack
    ],
)
def test_a_pickle_made_by_hand_is_refused_or_inert(tmp_path, pickled):
    file = tmp_path / "model.pth"
    torch.save({"state_dict": WEIGHTS}, file)
    with zipfile.ZipFile(file) as whole:
        names = {entry.filename: whole.read(entry) for entry in whole.infolist()}
    with zipfile.ZipFile(file, "w") as changed:
        for name, content in names.items():
            changed.writestr(name, pickled if name.endswith("data.pkl") else content)
    with pytest.raises(CheckpointError):
        read(file)


def test_a_stand_in_keeps_nothing_and_does_nothing():
    [(cls, name)] = stand_ins(["their.Thing"])
    made = cls(1, a=2)
    made.append(1)
    made.extend([1])
    made["a"] = 1
    made.__setstate__({"append": print})
    assert (name, len(made), vars(made)) == ("their.Thing", 0, {})
    assert isinstance(made, Inert) and {made: 1}[made] == 1


def test_a_file_of_before_torch_1_6_may_hold_what_is_known_and_is_else_refused_by_name(theirs):
    known = {"options": argparse.Namespace(lr=0.1), "best": np.mean([1.0, 2.0]), "seen": defaultdict(int)}
    assert_read_and_inert(theirs.saved(known, _use_new_zipfile_serialization=False), theirs.trace)


def test_a_file_of_before_torch_1_6_with_more_is_refused_by_name(theirs):
    Odd = theirs.add(type("Odd", (), {}))
    file = theirs.saved(Odd(), _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"saved as before torch 1\.6, holds the Python object their_code\.Odd"):
        read(file)


def test_a_program_in_torchscript_is_refused_with_what_to_save(tmp_path):
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="TorchScript; save its weights"):
        read(tmp_path / "model.pt")


def test_a_file_of_another_pickle_protocol_is_refused_in_words(tmp_path):
    buffer = io.BytesIO()
    torch.save(
        {"state_dict": {f"a{i}": torch.ones(1) for i in range(300)}}, buffer, pickle_protocol=pickle.HIGHEST_PROTOCOL
    )
    (tmp_path / "model.pt").write_bytes(buffer.getvalue())
    with pytest.raises(CheckpointError, match="another protocol than its own"):
        read(tmp_path / "model.pt")


def test_a_file_for_which_memory_is_too_small_is_not_said_to_be_damaged(tmp_path, monkeypatch):
    torch.save(WEIGHTS, tmp_path / "model.pt")
    for said in ("unable to mmap 9 bytes: Cannot allocate memory (12)", "DefaultCPUAllocator: can't allocate memory"):
        monkeypatch.setattr(torch, "load", Mock(side_effect=RuntimeError(said)))
        with pytest.raises(MemoryError):
            read(tmp_path / "model.pt")
