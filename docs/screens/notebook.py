"""Draws what examples/python/first_look.ipynb shows: docs/screens/first-look.png. `make screens` runs it; needs Chromium."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from nbconvert import HTMLExporter

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "testdata" / "notebook"))

from test_notebook import executed  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        page, _ = HTMLExporter(template_name="classic").from_notebook_node(executed(Path(folder)))
        (Path(folder) / "page.html").write_text(page.replace(folder, "/data"))
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,2050",
                        "--force-device-scale-factor=0.85", "--virtual-time-budget=5000",
                        f"--screenshot={HERE / 'first-look.png'}", f"file://{folder}/page.html"],
                       check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
