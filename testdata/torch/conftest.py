"""torch's tests run in an environment of their own: make test-torch."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests"), str(Path(__file__).resolve().parents[2] / "examples" / "python")]
