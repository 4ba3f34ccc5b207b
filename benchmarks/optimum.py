"""Time to find where a loss leaves means and prototypes in batches, and how well the optimum was reached.

OMP_NUM_THREADS=1 python -m benchmarks.optimum
"""

import time

from bcl_core.data import long_tail_counts
from bcl_core.geometry import optimal_configuration

SQUARE = {"SCL": (False, False), "averaging": (True, False), "complement": (False, True), "BCL": (True, True)}
SETTINGS = (  # classes, images in the largest, imbalance factor, batch, τ, compositions, losses
    (10, 5000, 100, 64, (0.1, 0.5), 1000, tuple(SQUARE)),
    (100, 500, 100, 256, (0.1, 0.5), 1000, tuple(SQUARE)),
    (1000, 1280, 256, 256, (0.07,), 200, ("SCL", "BCL")),
)


def main() -> None:
    """Print one line a setting, for exponential long tails; the shape of ImageNet-LT takes half a minute a loss."""
    optimal_configuration([2, 1], class_averaging=True, class_complement=True, temperature=1.0)  # imports scipy
    print("classes  batch  loss        temperature  compositions  seconds  gap / value  unique")
    for classes, largest, factor, batch, temperatures, compositions, losses in SETTINGS:
        counts = long_tail_counts(classes, largest, imbalance_factor=factor)
        for loss in losses:
            averaging, complement = SQUARE[loss]
            for temperature in temperatures:
                start = time.perf_counter()
                found = optimal_configuration(
                    counts,
                    class_averaging=averaging,
                    class_complement=complement,
                    temperature=temperature,
                    batch_size=batch,
                    compositions=compositions,
                )
                seconds = time.perf_counter() - start
                print(
                    f"{classes:7d}  {batch:5d}  {loss:10s}  {temperature:11.2f}  {compositions:12d}  {seconds:7.2f}"
                    f"  {found.gap / found.value:11.1e}  {found.unique}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
