"""Import a model: from a checkpoint file to a run, by a side job. The web process never opens the file's contents.

`recording` does the same with arrays; what both share is `RunOfFile`.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import controls
from app.job_line import press, watch
from app.links import lab_link
from app.races import MOST_RUNS
from app.runs import every_run, the_lab, trained_here
from app.words import listed, verbatim
from bcl_core.lab import Run, UnknownRun, jobs
from bcl_core.recipe import PRESETS, RACES
from bcl_core.registry import BACKBONES, NORMALISATIONS

SUFFIXES = ["pth", "tar", "pt", "safetensors", "zip"]
FIND_OUT = "find out"
PUBLISHED = "as published for the data"
UPLOAD = "upload"


@dataclass(frozen=True)
class RunOfFile:
    """A form for a file, uploaded or on this machine, of which `python -m bcl_core COMMAND FILE --json` makes a run."""

    command: str  # also its parameter in the address, and what its widgets and jobs are called after
    done: str  # "imported": what became of the file
    title: str
    icon: str

    @property
    def wanted(self) -> bool:
        """Whether the address names a job of this form."""
        return self.command in st.query_params

    def fields(
        self, left: DeltaGenerator, right: DeltaGenerator, suffixes: Sequence[str]
    ) -> tuple[UploadedFile | None, str, str]:
        """Ask for the file and the run's name; return the upload, the path and the name."""
        upload = left.file_uploader(
            "File",
            suffixes,
            key=f"{self.command}/file",
            help="An upload is held in this app's memory first; name a large file by its path.",
        )
        path = right.text_input("Or its path on this machine", key=f"{self.command}/path")
        name = right.text_input(
            "Name of the run", key=f"{self.command}/name", max_chars=80, placeholder="the file's name"
        )
        return upload, path.strip(), name.strip()

    def start(
        self, upload: UploadedFile | None, path: str, name: str, *options: str, beside: UploadedFile | None = None
    ) -> None:
        """Begin the job, whatever became of it before, and name it in the address.

        An upload that is `beside` the other lies beside it as `labels`, with its own suffix.
        """
        if upload is None and not path:
            st.error("Choose a file, or type its path.")
            return
        if upload is None and beside is not None:
            st.error("The second file is an upload and the first a path: upload both, or lay it beside the first.")
            return
        file = _absolute(path)
        options = ("--json", *options, *[f"--name={name}"] * bool(name))
        identity = upload.file_id if upload is not None else str(file)
        also = [beside.file_id] if beside is not None else []
        key = f"{self.command}-" + hashlib.sha256("\0".join([identity, *also, *options]).encode()).hexdigest()[:32]
        try:
            if upload is not None and jobs.look(the_lab(), key).state != "running":
                jobs.forget(the_lab(), key)
                file = _stored(upload, upload.name, jobs.folder(the_lab(), key))
                if beside is not None:
                    _stored(beside, f"labels{Path(beside.name).suffix}", file.parent.parent)
            press(key, self.command, str(file), *options)
        except OSError as error:
            st.error(
                f"The file could not be stored: {verbatim(error.strerror or str(error))}. Nothing was {self.done}."
            )
            return
        st.query_params[self.command] = key

    def follow(self, tell: Callable[[Run, Mapping[str, Any]], None]) -> None:
        """Show how the job goes that the address names; `tell` of its run and of what it printed."""

        def ended(job: jobs.Job) -> None:
            shutil.rmtree(job.folder / UPLOAD, ignore_errors=True)  # it may be large, and has been read
            if job.state == "failed":
                st.error(f"Nothing was {self.done}: {verbatim(job.error)}")
                return
            found = json.loads(job.output.splitlines()[-1])
            if "runs" in found:
                _tell_of_runs(found["runs"])
                return
            try:
                run = the_lab().run(found["run"])
            except UnknownRun as error:
                st.caption(f"{self.done.capitalize()} before, but {verbatim(str(error))}.")
                return
            tell(run, found)
            _list("In the file, but not used", found["ignored"])
            lab_link([run], "Open in the Lab, where it trains on" if trained_here([run]) else "Open in the Lab")

        key = st.query_params.get(self.command, "")
        if re.fullmatch(f"{self.command}-[0-9a-f]{{32}}", key):
            watch(key, ended)


IMPORT = RunOfFile("import", "imported", "Import models or runs", ":material/upload_file:")


def import_form() -> None:
    """Draw the form, and how the last import of this page went."""
    st.caption(
        "A checkpoint of BCL, ProCo, BCCL, SupContrast, LDAM, PaCo, GLMC, torchvision, timm and their like becomes a "
        "run that is measured as it is and then held; *Resume* trains on from it. What the file lacks is not measured. "
        "A zip that was exported here brings its runs back as they were."
    )
    left, right = st.columns(2)
    upload, path, name = IMPORT.fields(left, right, SUFFIXES)
    data = left.selectbox("Measured on the data of", [*RACES], format_func=_data_of, key="import/race")
    arch_field, *fields = st.columns(4, vertical_alignment="bottom")
    titles = {FIND_OUT: FIND_OUT, **{name: backbone.title for name, backbone in BACKBONES.items()}}
    arch = arch_field.selectbox("Architecture", list(titles), format_func=titles.__getitem__, key="import/arch")
    settings = _what_files_do_not_say(*fields)
    paths = controls.data_paths("import", PRESETS[f"{data}-bcl"].recipe.data.source)
    if st.button("Import", icon=":material/download:", type="primary"):
        settings |= {key: _absolute(text) for key, text in paths.items()}
        options = [f"--set={key}={value}" for key, value in settings.items()]
        IMPORT.start(upload, path, name, f"--preset={data}-bcl", *options, *[f"--arch={arch}"] * (arch != FIND_OUT))
    IMPORT.follow(_tell)


def _what_files_do_not_say(
    kind_field: DeltaGenerator, scale_field: DeltaGenerator, pixels_field: DeltaGenerator
) -> dict[str, Any]:
    """Draw the fields for what a file rarely tells; return the settings that are not left to what is usual."""
    kinds = {FIND_OUT: FIND_OUT, "cosine": "cosine, of unit length", "linear": "linear"}
    kind = kind_field.selectbox(
        "Classifier",
        list(kinds),
        format_func=kinds.__getitem__,
        key="import/classifier",
        help="By its shape a matrix without biases is cosine where it is (d, K), linear where it is (K, d).",
    )
    scale = scale_field.number_input(
        "Scale of a cosine classifier",
        min_value=0.01,
        max_value=1000.0,
        value=None,
        key="import/scale",
        placeholder="30",
        help="No file holds it: 30 in the code of BCL, ProCo and LDAM, 33.333 in BCCL's.",
    )
    titles = {PUBLISHED: PUBLISHED, **{name: entry.title for name, entry in NORMALISATIONS.items()}}
    pixels = pixels_field.selectbox(
        "Images normalised", list(titles), format_func=titles.__getitem__, key="import/normalisation"
    )
    chosen = {"model.classifier": kind, "model.scale": scale, "data.normalisation": pixels}
    return {name: value for name, value in chosen.items() if value not in (FIND_OUT, None, PUBLISHED)}


def _tell_of_runs(brought: Sequence[Mapping[str, Any]]) -> None:
    """Say which runs a zip of them has brought in, and open the first ones."""
    for said, was_here, was_deleted in (
        ("Brought in", False, False),
        ("Restored, as in the file", True, True),
        ("Here already, as in the file", True, False),
    ):
        alike = [run for run in brought if (run["was_here"], run["was_deleted"]) == (was_here, was_deleted)]
        if names := [f"“{verbatim(run['name'])}”" for run in alike]:
            st.success(f"{said}: {listed(names)}.")
    known = {run.id: run for run in every_run()}
    lab_link([known[one["run_id"]] for one in brought if one["run_id"] in known][:MOST_RUNS])


def _tell(run: Run, found: Mapping[str, Any]) -> None:
    backbone = BACKBONES[run.training_recipe.model.backbone].title
    st.success(f"Imported as **{verbatim(run.name)}**: {found['layout']}, {backbone}.")
    if assumed := found.get("assumed"):  # which a job of an earlier version did not say
        st.markdown(f"Assumed, since the file does not say: {verbatim('; '.join(assumed))}")
    _list("Drawn anew, since the file has none that fits, and not measured before it is trained", found["drawn_anew"])


def _data_of(family: str) -> str:
    title = PRESETS[f"{family}-bcl"].title.removeprefix("BCL, ")
    return title[:1].upper() + title[1:]


def _stored(upload: UploadedFile, name: str, folder: Path) -> Path:
    """Write the upload into the job's folder in chunks, under a name that is safe anywhere."""
    place = folder / UPLOAD / (re.sub(r"[^\w.-]", "_", name).lstrip(".")[-80:] or "model")
    place.parent.mkdir(parents=True, exist_ok=True)
    upload.seek(0)
    with place.open("wb") as stored:
        shutil.copyfileobj(upload, stored)
    return place


def _absolute(path: str) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:  # there is no user of this name: the job will say that there is no such file
        return Path(path).absolute()


def _list(what: str, names: Sequence[str]) -> None:
    if names:
        st.markdown(f"{what}: {listed([verbatim(name) for name in names])}")
