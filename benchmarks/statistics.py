"""Measure what share of an epoch the gradient statistics take, on the digits presets, one thread.

    python -m benchmarks.statistics

An epoch is its steps and its measurement, without the store. The statistics are timed where training calls them.
"""

import time

from bcl_core import training
from bcl_core.recipe import RACES, Execution, preset

EPOCHS = 12


def main() -> None:
    """Train each preset for some epochs with a watch around the statistics; print the share."""
    original, spent = training.contrastive_statistics, [0.0]

    def timed(*arguments: object, **settings: object) -> object:
        start = time.perf_counter()
        result = original(*arguments, **settings)
        spent[0] += time.perf_counter() - start
        return result

    training.contrastive_statistics = timed
    for name in RACES["digits"].presets:
        recipe = preset(name).model_copy(update={"epochs": EPOCHS})
        events = training.train(recipe, Execution(device="cpu", threads=1))
        while not isinstance(next(events), training.Epoch):
            pass
        spent[0], start = 0.0, time.perf_counter()
        for _ in events:
            pass
        seconds = time.perf_counter() - start
        print(f"{name:18} {EPOCHS} epochs {seconds:5.1f} s, of which statistics {spent[0] / seconds:.2%}", flush=True)


if __name__ == "__main__":
    main()
