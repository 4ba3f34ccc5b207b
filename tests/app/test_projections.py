"""One epoch alone: a job fits it, the page draws it and says that it cannot be compared."""

from bcl_core.lab import jobs
from bcl_core.lab.projecting import project


def expander(app):
    return next(block for block in app.expander if block.label.startswith("One epoch alone"))


def test_a_fitted_epoch_is_drawn_and_said_not_to_be_comparable(trained, open_page):
    run = trained.runs()[0]
    project(trained, run.id, run.epoch, "pca")
    panel = expander(open_page("inspect"))
    assert any("cannot be compared" in caption.value for caption in panel.caption)
    assert panel.button[0].disabled, "it is fitted already"
    assert panel.selectbox[1].value == run.epoch


def test_fitting_starts_one_job_with_the_run_the_epoch_and_the_method(trained, open_page, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "_spawn", lambda lab, folder, arguments: started.append(arguments))
    page = open_page("inspect")
    page.selectbox(key="flat/method").set_value("umap").run()
    expander(page).button[0].click().run()
    run = trained.runs()[0]
    assert started[0][:6] == ["project", run.id, "--epoch", str(run.epoch), "--method", "umap"]
