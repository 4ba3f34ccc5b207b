"""Export a run as one zip file, by a side job."""

import streamlit as st

from app.job_line import press, watch
from app.runs import the_lab
from app.words import verbatim
from bcl_core.lab import Run, jobs


def export_button(run: Run) -> None:
    """Draw a button that makes the file, then one that hands it over."""
    key = f"export-{run.id}-{run.epoch}"
    file = jobs.folder(the_lab(), key) / f"{run.id}.zip"

    def ended(job: jobs.Job) -> None:
        if job.state == "failed":
            st.error(f"Nothing was exported: {verbatim(job.error)}")
        else:
            st.download_button(
                "Download the export",
                file.read_bytes,
                file.name,
                "application/zip",
                icon=":material/download:",
                key=f"download/{run.id}",
            )

    if not file.exists():
        st.button(
            "Export",
            icon=":material/archive:",
            key=f"export/{run.id}",
            type="tertiary",
            on_click=press,
            args=(key, "export", run.id, str(file)),
        )
    watch(key, ended)
