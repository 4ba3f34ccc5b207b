"""Time to predict the optimal class means, and how well the optimum was reached.

OMP_NUM_THREADS=1 python benchmarks/optimum.py
"""

import time
from itertools import product

from bcl_core.geometry.optimum import predicted_optimum


def main() -> None:
    """Print one line a setting, for long tails with imbalance factor 100; a thousand classes take about a minute."""
    predicted_optimum([2, 1], temperature=1.0)  # the first call imports scipy
    print("classes  loss  anchors   temperature  seconds  gradient norm")
    settings = list(product(("scl", "bcl"), ("instance", "class"), (0.07, 0.1, 0.5)))
    for num_classes, largest, tried in ((10, 5000, settings), (100, 500, settings), (1000, 1280, settings[:1])):
        counts = [int(largest * 0.01 ** (k / (num_classes - 1))) for k in range(num_classes)]
        for loss, anchors, temperature in tried:
            start = time.perf_counter()
            optimum = predicted_optimum(counts, loss=loss, anchors=anchors, temperature=temperature)
            seconds = time.perf_counter() - start
            print(
                f"{num_classes:7d}  {loss:4s}  {anchors:8s}  {temperature:11.2f}  {seconds:7.3f}"
                f"  {optimum.gradient_norm:13.1e}"
            )


if __name__ == "__main__":
    main()
