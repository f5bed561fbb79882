"""A progress bar of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pyarrow as pa

from ..notices import warn

Advance = Callable[[int], object]  # takes how many rows more are done


def with_bar(batches: Iterator[pa.RecordBatch], total: int | None, name: str) -> Iterator[pa.RecordBatch]:
    """The batches, counted by a bar of `total` rows as they are taken."""
    with progress_bar(total, name) as advance:
        yield from counted(batches, advance)


def counted(batches: Iterator[pa.RecordBatch], advance: Advance) -> Iterator[pa.RecordBatch]:
    """The batches, each counted as it is taken."""
    for batch in batches:
        advance(batch.num_rows)
        yield batch


@contextlib.contextmanager
def progress_bar(total: int | None, name: str) -> Iterator[Advance]:
    """Shows a bar until the with statement ends; without tqdm there is a warning and no bar."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        warn("progress=True shows a bar where tqdm is installed: pip install tqdm")
        yield lambda rows: None
        return
    with tqdm(total=total, desc=name, unit="row", unit_scale=True) as bar:
        yield bar.update
