"""Import a model: from a checkpoint file to a run, by a side job. The web process never opens the file's contents."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import controls
from app.reading import the_lab
from app.watching import press, watch
from bcl_core.lab import UnknownRun, jobs
from bcl_core.recipe import PRESETS, RACES
from bcl_core.registry import BACKBONES

SUFFIXES = ["pth", "tar", "pt", "safetensors", "zip"]
FIND_OUT = "find out"
OWN = "its own"
UPLOAD = "upload"
PARAMETER = "import"


def import_form() -> None:
    """Draw the form, and how the last import of this page went."""
    with st.expander("Import a model", icon=":material/upload_file:", expanded=PARAMETER in st.query_params):
        st.caption(
            "A checkpoint of the published BCL code, ProCo, SupContrast, torchvision, timm, or an export of this app. "
            "It becomes a run that is measured as it is and then held; *Resume* trains on from it."
        )
        left, right = st.columns(2)
        upload = left.file_uploader(
            "File",
            SUFFIXES,
            key="import/file",
            help="An upload is held in this app's memory first; name a large file by its path.",
        )
        path = right.text_input("Or its path on this machine", key="import/path")
        name = right.text_input("Name of the run", key="import/name", max_chars=80, placeholder="the file's name")
        data = left.selectbox("Measured on the data of", [*RACES, OWN], format_func=_data_of, key="import/race")
        arch = right.selectbox("Architecture", [FIND_OUT, *BACKBONES], format_func=_architecture, key="import/arch")
        preset = [] if data == OWN else [f"--preset={data}-bcl"]
        paths = controls.data_paths("folder" if data == OWN else PRESETS[f"{data}-bcl"].recipe.data.source)
        if st.button("Import", icon=":material/download:", type="primary"):
            settings = [f"--set={key}={Path(text).expanduser().absolute()}" for key, text in paths.items()]
            options = ["--json", *preset, *settings]
            options += [f"--arch={arch}"] * (arch != FIND_OUT) + [f"--name={name.strip()}"] * bool(name.strip())
            _import(upload, path.strip(), options)
        key = st.query_params.get(PARAMETER, "")
        if re.fullmatch("import-[0-9a-f]{32}", key):
            watch(key, _ended)


def _import(upload: UploadedFile | None, path: str, options: list[str]) -> None:
    if upload is None and not path:
        st.error("Choose a file, or type its path.")
        return
    file = Path(path).expanduser().absolute()
    identity = upload.file_id if upload is not None else str(file)
    key = "import-" + hashlib.sha256("\0".join([identity, *options]).encode()).hexdigest()[:32]
    try:
        if upload is not None and jobs.look(the_lab(), key).state != "running":
            jobs.forget(the_lab(), key)
            file = _stored(upload, jobs.folder(the_lab(), key))
        press(key, "import", str(file), *options)
    except OSError as error:
        st.error(f"The file could not be stored: {error.strerror or error}. Nothing was imported.")
        return
    st.query_params[PARAMETER] = key


def _stored(upload: UploadedFile, folder: Path) -> Path:
    """Write the upload into the job's folder in chunks, under a name that is safe anywhere."""
    place = folder / UPLOAD / (re.sub(r"[^\w.-]", "_", upload.name).lstrip(".")[-80:] or "model")
    place.parent.mkdir(parents=True, exist_ok=True)
    upload.seek(0)
    with place.open("wb") as stored:
        shutil.copyfileobj(upload, stored)
    return place


def _ended(job: jobs.Job) -> None:
    shutil.rmtree(job.folder / UPLOAD, ignore_errors=True)  # it may be large, and has been read
    if job.state == "failed":
        st.error(f"Nothing was imported: {job.error}")
        return
    found: dict[str, Any] = json.loads(job.output.splitlines()[-1])
    try:
        run = the_lab().run(found["run"])
    except UnknownRun as error:
        st.caption(f"Imported before, but {error}.")
        return
    st.success(f"Imported as **{run.name}**: {found['layout']}, {BACKBONES[run.training_recipe.model.backbone].title}.")
    for what, names in (
        ("Drawn anew, since the file lacks it", "drawn_anew"),
        ("In the file, but not used", "ignored"),
    ):
        if found[names]:
            st.markdown(f"{what}: {', '.join(f'`{name}`' for name in found[names])}")
    with st.container(horizontal=True):
        st.page_link(
            "screens/train.py", label="Train on", icon=":material/play_circle:", query_params={"group": run.group_id}
        )
        st.page_link("screens/inspect.py", label="Inspect", icon=":material/search:", query_params={"run": run.id})


def _data_of(family: str) -> str:
    if family == OWN:
        return "Its own recipe (an export of this app)"
    title = PRESETS[f"{family}-bcl"].title.removeprefix("BCL, ")
    return title[:1].upper() + title[1:]


def _architecture(name: str) -> str:
    return FIND_OUT if name == FIND_OUT else BACKBONES[name].title
