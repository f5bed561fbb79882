"""Draws README's first figure, docs/screens/first.svg, of what first.py has measured."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

CLONE = Path(__file__).resolve().parents[2]
COLOURS = {"Polars": "#9aa5b1", "pyarrow": "#c3cad2", "mtflight, first": "#f2b36b", "mtflight, again": "#d9691e"}
OF = {"Polars": "Polars, Parquet", "pyarrow": "pyarrow, Parquet", "mtflight, first": "mtflight, zlib HDF5, first question", "mtflight, again": "mtflight, asked again"}


def main() -> None:
    measured = json.loads((CLONE / ".bench" / "first.json").read_text())
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "first", "font.family": "sans-serif", "font.size": 9})
    figure, panels = plt.subplots(1, 3, figsize=(9, 2.2), sharey=True)
    for panel, (kind, title) in zip(panels, measured["kinds"].items(), strict=True):
        for i, (who, colour) in enumerate(reversed(COLOURS.items())):
            took = statistics.median(measured["seconds"][kind][who]) * 1e3
            panel.barh(i, took, color=colour, height=0.75)
            panel.text(took, i, f" {took:.0f}", va="center")
        panel.set_title(title.replace("`", ""), fontsize=9)
        panel.set_xlabel("ms")
        panel.set_yticks(range(len(OF)), list(reversed(OF.values())))
        panel.margins(x=0.2)
        panel.spines[["top", "right"]].set_visible(False)
    figure.text(0.99, 0.01, f"{measured['rows'] / 1e6:.0f}M rows, {measured['cpus']} cores at load {measured['load']:.0f}, medians", ha="right", fontsize=7, color="#666666")
    figure.tight_layout()
    figure.savefig(CLONE / "docs" / "screens" / "first.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
