"""Keeping every n-th epoch of a run, to save disk. Imports no torch.

The database forgets the others first, so that nobody asks for what is being removed; where that breaks off, `sweep` of
`bcl_core.lab.mending` removes what is left.
"""

from bcl_core.lab.pack import forget, pack
from bcl_core.lab.run import LabError, RunIsActive
from bcl_core.lab.store import Lab


def keep_every(lab: Lab, run_id: str, step: int) -> int:
    """Remove all epochs of a run but every `step`-th, the first and the last; return how many went. Its `rev` rises.

    Raises:
        LabError: the step is less than 1, or the run came with the project.
        UnknownRun: there is no such run.
        RunIsActive: it is queued, running or paused, or held by another process.
    """
    if step < 1:
        raise LabError(f"every {step}-th epoch is to be kept; expected 1 or more")
    run, kept = lab.run(run_id), lab.epochs(run_id)
    if run.shelved:
        raise LabError(f"{run.name!r} came with the project and is never changed")
    if run.active or (lock := lab.lock(run_id)) is None:
        raise RunIsActive(f"{run.name!r} is {run.state}, or held by another process: stop it first")
    try:
        folder = lab.own_folder(run_id)
        going = [epoch for epoch in kept if epoch % step and epoch not in (kept[0], kept[-1])]
        if going:
            folder.history.unlink(missing_ok=True)  # it can be made anew at any time
            lab.drop_epochs(run_id, going)
            forget(folder, going)
    finally:
        lock.release()
    if going and run.state == "finished" and folder.pack.exists():
        pack(lab, run_id)  # its curves anew
    return len(going)
