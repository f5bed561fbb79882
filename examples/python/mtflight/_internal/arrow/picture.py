"""A matrix as an SVG with a colour scale, drawn without further packages."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape
from typing import Any

import numpy as np

# Nine colours of matplotlib's viridis (CC0), between which the others lie.
_COLOURS = np.array([(68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137), (53, 183, 121),
                     (110, 206, 88), (253, 231, 37)], float)
_NOTHING = (200, 200, 200)  # NaN and infinite values
_SIDE = 320  # pixels of the longer axis


def picture(matrix: np.ndarray[Any, Any], caption: str) -> str:
    """An SVG of a matrix of numbers, rows downwards, with a scale from its least to its greatest finite value."""
    numbers = np.asarray(matrix, float)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    rows, columns = numbers.shape
    scale = _SIDE / max(rows, columns)
    width, height = max(1, round(columns * scale)), max(1, round(rows * scale))
    bar = max(height, 40)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 110}" height="{bar + 34}" font-family="sans-serif" font-size="11">'
            f"<title>{escape(caption)}</title>{_image(_colours(numbers, low, high), 0, 20, width, height)}"
            f'<text x="0" y="13" fill="currentColor">{escape(caption)}</text>'
            f"{_image(_colours(np.linspace(1, 0, 64)[:, np.newaxis], 0, 1), width + 12, 20, 12, bar)}"
            f'<text x="{width + 28}" y="30" fill="currentColor">{high:.6g}</text>'
            f'<text x="{width + 28}" y="{bar + 20}" fill="currentColor">{low:.6g}</text></svg>')


def _colours(numbers: np.ndarray[Any, Any], low: float, high: float) -> np.ndarray[Any, Any]:
    """Numbers as (rows, columns, 3) of bytes."""
    finite = np.isfinite(numbers)
    half = high / 2 - low / 2  # high - low may be over the greatest float
    place = np.clip((np.where(finite, numbers, low) / 2 - low / 2) / (half or 1), 0, 1) * (len(_COLOURS) - 1)
    colours = np.stack([np.interp(place, np.arange(len(_COLOURS)), _COLOURS[:, i]) for i in range(3)], -1)
    colours[~finite] = _NOTHING
    return colours.round().astype(np.uint8)


def _image(colours: np.ndarray[Any, Any], x: int, y: int, width: int, height: int) -> str:
    data = base64.b64encode(png(colours)).decode()
    return (f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>')


def png(colours: np.ndarray[Any, Any]) -> bytes:
    """Colours, (rows, columns, 3) of bytes, as a PNG file (ISO/IEC 15948: 8 bits, RGB, no filter)."""
    rows, columns, _ = colours.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), colours.reshape(rows, -1)], axis=1)  # each begins with its filter
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0))
            + _chunk(b"IDAT", zlib.compress(lines.tobytes())) + _chunk(b"IEND", b""))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
