"""Draw what `python -m bcl_core bench --json` found of how costs grow, as docs/cost.png.

python -m bcl_core bench --json > docs/cost.json
python -m benchmarks.cost
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).parent.parent / "docs"
PARTS = {
    "loss": "the loss, forward and backward",
    "statistics": "gradient statistics of a batch",
    "measuring": "measuring an epoch",
}
AXES = {"K": "classes", "N": "anchors of a batch, or images of an epoch", "d": "dimensions"}


def main() -> None:
    """Draw the figure for paper and for the dark theme."""
    report = json.loads((DOCS / "cost.json").read_text())
    save(lambda: figure(report), DOCS / "cost.png")


def figure(report: dict[str, Any]) -> "Figure":
    """Seconds against each size, the two others at their base; both axes logarithmic."""
    import matplotlib.pyplot as plt

    drawn, panels = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
    for panel, (size, words) in zip(panels, AXES.items(), strict=True):
        for part, name in PARTS.items():
            rows = along([row for row in report["scaling"] if row["part"] == part and "width" not in row], size)
            panel.loglog([row[size] for row in rows], [row["seconds"] for row in rows], "o-", label=name)
        panel.set_xlabel(words)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("CPU seconds")
    panels[0].legend(frameon=False, fontsize=9)
    return drawn


def along(rows: list[dict[str, Any]], size: str) -> list[dict[str, Any]]:
    """Return the rows that differ from the first, the base, in this size alone, in its order."""
    others = [name for name in AXES if name != size]
    alike = [row for row in rows if all(row[name] == rows[0][name] for name in others)]
    return sorted(alike, key=lambda row: row[size])


if __name__ == "__main__":
    main()
