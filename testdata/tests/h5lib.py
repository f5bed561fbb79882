"""Any libhdf5 from 1.8 to 2.x by ctypes: one spelling for all of its functions.

    h5 = Library()                      the one that h5py carries; carried("tables") names PyTables'
    h5 = Library("/usr/lib/.../libhdf5_serial.so.103")
    f = h5.H5Fcreate(b"x.h5", 2, 0, 0)  RuntimeError with libhdf5's reason if it fails

Integers go as 64 bits, whatever the parameter: the callee takes the low part (x86-64 and aarch64). NumPy arrays go as
pointers to their elements.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

HIDS = """H5Acreate2 H5Aopen H5Aopen_by_idx H5Aget_type H5Aget_space H5Dcreate2 H5Dopen2 H5Dget_type H5Dget_space
H5Dget_create_plist H5Fcreate H5Fopen H5Gcreate2 H5Gcreate1 H5Gopen2 H5Gcreate_anon H5Oopen H5Oopen_by_addr
H5Oopen_by_token H5Pcreate H5Pcopy H5Screate H5Screate_simple H5Tcopy H5Tcreate H5Tarray_create2 H5Tvlen_create
H5Tenum_create H5Tcomplex_create H5Tget_super H5Tget_member_type H5Topen2 H5Fget_create_plist H5Dcreate_anon
H5Tget_native_type H5Tdecode H5Ropen_object""".split()
LONG = "H5Lget_val_by_idx H5Rget_name H5Iget_name H5Aget_name H5Fget_file_image H5Tget_size H5Tget_precision H5Tget_member_offset H5Aget_storage_size".split()
POINTERS = "H5Tget_member_name H5Tget_tag".split()

DEFAULT = 0  # H5P_DEFAULT
UNLIMITED = (1 << 64) - 1


class Message(ctypes.Structure):  # H5E_error2_t
    _fields_ = [("cls", ctypes.c_int64), ("major", ctypes.c_int64), ("minor", ctypes.c_int64), ("line", ctypes.c_uint),
                ("function", ctypes.c_char_p), ("file", ctypes.c_char_p), ("text", ctypes.c_char_p)]


class OldMessage(ctypes.Structure):  # where hid_t has 32 bits
    _fields_ = [("cls", ctypes.c_int), ("major", ctypes.c_int), ("minor", ctypes.c_int), *Message._fields_[3:]]


def carried(package: str = "h5py") -> str:
    """The path of the libhdf5 that a Python package brings along: h5py, tables or netcdf4."""
    import h5py

    return str(next((Path(h5py.__file__).parents[1] / f"{package}.libs").glob("libhdf5-*")))


def loaded(path: Path) -> ctypes.CDLL:
    """The library. Wheels of old do not say where the libraries are that it needs: beside it."""
    try:
        return ctypes.CDLL(str(path))
    except OSError:
        for need in ("libz-", "libaec-", "libsz-"):
            for other in path.parent.glob(f"{need}*"):
                ctypes.CDLL(str(other), ctypes.RTLD_GLOBAL)
        return ctypes.CDLL(str(path))


class Library:
    def __init__(self, path: str | None = None):
        self._dll = loaded(Path(path or carried()))
        numbers = [ctypes.c_uint() for _ in range(3)]
        self._dll.H5get_libversion(*map(ctypes.byref, numbers))
        self.version = tuple(n.value for n in numbers)
        self.HID = ctypes.c_int if self.version < (1, 10) else ctypes.c_int64
        self._dll.H5open()
        self.H5Eset_auto2(0, None, None)

    def __getattr__(self, name: str):
        """A function of the C API, or the value of one of its global ids: STD_I32LE, P_FILE_CREATE."""
        if name.startswith("H5"):
            made = self._function(name)
        else:
            symbol = f"H5P_CLS_{name[2:]}_ID_g" if name.startswith("P_") else f"H5T_{name}_g"
            made = self.HID.in_dll(self._dll, symbol).value
        setattr(self, name, made)
        return made

    def _function(self, name: str):
        f = getattr(self._dll, name)
        f.restype = self.HID if name in HIDS else ctypes.c_ssize_t if name in LONG else \
            ctypes.c_void_p if name in POINTERS else ctypes.c_int

        def call(*args):
            result = f(*map(passed, args))
            if result is None or result < 0:
                raise RuntimeError(f"{name}: {self.reason()}")
            return result

        return call

    def reason(self) -> str:
        """The innermost message of the last failure."""
        messages: list[str] = []
        kind = OldMessage if self.version < (1, 10) else Message
        visit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, ctypes.POINTER(kind), ctypes.c_void_p)

        def note(n, message, unused):
            messages.append((message[0].text or b"").decode(errors="replace"))
            return 0

        self._dll.H5Ewalk2(passed(0), passed(0), visit(note), None)
        return messages[0] if messages else "no reason"

    def text(self, name: str, *args) -> bytes:
        """A string that libhdf5 allocates."""
        p = getattr(self, name)(*args)
        out = ctypes.string_at(p)
        self._dll.H5free_memory(ctypes.c_void_p(p))
        return out

    def close(self, *ids: int) -> None:
        for i in ids:
            self.H5Idec_ref(i)


def passed(arg):
    if isinstance(arg, bool | int):
        return ctypes.c_int64(arg)
    if isinstance(arg, np.ndarray):
        return ctypes.c_void_p(arg.ctypes.data)
    return arg


def extents(dims) -> ctypes.Array:
    """hsize_t[]"""
    return (ctypes.c_uint64 * max(1, len(dims)))(*dims)
