"""Writes files for tests of metadata with any libhdf5 (h5lib): a file, its objects, links and attributes in few words."""

from __future__ import annotations

import ctypes
import struct

import numpy as np
from h5lib import UNLIMITED, Library, extents

SHARE_ALL = 0x1F  # dataspaces, types, fill values, pipelines, attributes
TRACKED, INDEXED = 1, 3
NULL, SCALAR = "null", ()


class File:
    """An open file. low and high are numbers of H5F_libver_t, high None the newest that the library has."""

    def __init__(self, h5: Library, path, low: int = 0, high: int | None = None, image: bool = False, mode: str = "w", tune=None, **options):
        self.h5, self.kept = h5, []
        access = h5.H5Pcreate(h5.P_FILE_ACCESS)
        h5.H5Pset_fclose_degree(access, 3)
        h5.H5Pset_libver_bounds(access, low, newest(h5) if high is None else high)
        if image:
            h5.H5Pset_mdc_image_config(access, struct.pack("i??xxi", 1, True, False, -1))
        if tune:
            tune(h5, access)
        if mode == "w":
            self.creation = h5.H5Pcreate(h5.P_FILE_CREATE)
            self._creation(**options)
            self.id = h5.H5Fcreate(str(path).encode(), 2, self.creation, access)
        else:
            self.id = h5.H5Fopen(str(path).encode(), 1, access)
        self.root = h5.H5Gopen2(self.id, b"/", 0)

    def _creation(self, userblock=0, sizes=(8, 8), sym_k=None, istore_k=None, strategy=None, page=None, shared=(), phase=(50, 40), **object_options):
        h5, p = self.h5, self.creation
        h5.H5Pset_userblock(p, userblock)
        h5.H5Pset_sizes(p, *sizes)
        if sym_k:
            h5.H5Pset_sym_k(p, *sym_k)
        if istore_k:
            h5.H5Pset_istore_k(p, istore_k)
        if strategy is not None:
            h5.H5Pset_file_space_strategy(p, strategy, True, 1)
        if page:
            h5.H5Pset_file_space_page_size(p, page)
        if shared:
            h5.H5Pset_shared_mesg_nindexes(p, len(shared))
            for i, (flags, least) in enumerate(shared):
                h5.H5Pset_shared_mesg_index(p, i, flags, least)
            h5.H5Pset_shared_mesg_phase_change(p, *phase)
        self._object(p, **object_options)

    def _object(self, p, order=0, attr_order=0, attr_phase=None, link_phase=None, filters=(), estimate=None) -> None:
        """Creation properties of an object; link_phase, order, estimate and filters (of the link heap) are of groups."""
        h5 = self.h5
        if attr_order:
            h5.H5Pset_attr_creation_order(p, attr_order)
        if attr_phase:
            h5.H5Pset_attr_phase_change(p, *attr_phase)
        if order:
            h5.H5Pset_link_creation_order(p, order)
        if link_phase:
            h5.H5Pset_link_phase_change(p, *link_phase)
        if estimate:
            h5.H5Pset_est_link_info(p, *estimate)
        for f in filters:
            {"deflate": lambda: h5.H5Pset_deflate(p, 6), "shuffle": lambda: h5.H5Pset_filter(p, 2, 1, 0, None),
             "fletcher32": lambda: h5.H5Pset_filter(p, 3, 0, 0, None)}[f]()

    def close(self) -> None:
        self.h5.close(self.root)
        self.h5.H5Fclose(self.id)

    def utf8(self, name: bytes) -> int:
        """Link creation properties that say how a name is encoded."""
        p = self.h5.H5Pcreate(self.h5.P_LINK_CREATE)
        if not name.isascii():
            self.h5.H5Pset_char_encoding(p, 1)
        return p

    def group(self, parent: int, name: bytes, **options) -> int:
        p = self.h5.H5Pcreate(self.h5.P_GROUP_CREATE)
        self._object(p, **options)
        return self.h5.H5Gcreate2(parent, name, self.utf8(name), p, 0)

    def dataset(self, parent: int, name: bytes, t: int | None = None, dims=(3,), **options) -> int:
        p = self.h5.H5Pcreate(self.h5.P_DATASET_CREATE)
        self._object(p, **options)
        return self.h5.H5Dcreate2(parent, name, self.h5.STD_I32LE if t is None else t, self.space(dims), self.utf8(name), p, 0)

    def commit(self, parent: int, name: bytes, t: int) -> int:
        self.h5.H5Tcommit2(parent, name, t, self.utf8(name), 0, 0)
        return t

    def soft(self, parent: int, name: bytes, target: bytes) -> None:
        self.h5.H5Lcreate_soft(target, parent, name, self.utf8(name), 0)

    def external(self, parent: int, name: bytes, file: bytes, target: bytes) -> None:
        self.h5.H5Lcreate_external(file, target, parent, name, self.utf8(name), 0)

    def hard(self, at: int, target: bytes, parent: int, name: bytes) -> None:
        self.h5.H5Lcreate_hard(at, target, parent, name, self.utf8(name), 0)

    def user(self, parent: int, name: bytes, value: bytes) -> None:
        """A link of a user-defined class, which no reader knows."""
        define(self.h5)
        self.h5.H5Lcreate_ud(parent, name, 200, value, len(value), self.utf8(name), 0)

    def space(self, dims) -> int:
        if dims == NULL:
            return self.h5.H5Screate(2)
        if dims == ():
            return self.h5.H5Screate(0)
        return self.h5.H5Screate_simple(len(dims), extents(dims), None)

    def attr(self, owner: int, name: bytes, t: int, dims=(), data=b"") -> None:
        """data: the elements' bytes as the type has them in memory; none: never written, which is zeros."""
        p = self.h5.H5Pcreate(self.h5.P_ATTRIBUTE_CREATE)
        if not name.isascii():
            self.h5.H5Pset_char_encoding(p, 1)
        a = self.h5.H5Acreate2(owner, name, t, self.space(dims), p, 0)
        if len(data):
            data = np.frombuffer(bytes(data), "u1").copy()
            self.h5.H5Awrite(a, t, data)
        self.h5.close(a)

    def number(self, owner: int, name: bytes, value: int) -> None:
        self.attr(owner, name, self.h5.STD_I32LE, (), struct.pack("<i", value))

    def text(self, owner: int, name: bytes, value: bytes) -> None:
        self.attr(owner, name, self.string(max(1, len(value))), (), value or b"\0")

    def string(self, size: int | None, pad: int = 1, utf8: bool = True) -> int:
        """None: of variable length."""
        t = self.h5.H5Tcopy(self.h5.C_S1)
        self.h5.H5Tset_size(t, UNLIMITED if size is None else size)
        self.h5.H5Tset_strpad(t, pad)
        self.h5.H5Tset_cset(t, utf8)
        return t

    def compound(self, *members: tuple[bytes, int], gap: int = 0) -> int:
        sizes = [self.h5.H5Tget_size(t) for _, t in members]
        t = self.h5.H5Tcreate(COMPOUND, sum(sizes) + gap * len(members))
        at = 0
        for (name, m), size in zip(members, sizes):
            self.h5.H5Tinsert(t, name, at, m)
            at += size + gap
        return t

    def enum(self, base: int, *members: tuple[bytes, bytes]) -> int:
        t = self.h5.H5Tenum_create(base)
        for name, value in members:
            self.h5.H5Tenum_insert(t, name, np.frombuffer(value, "u1").copy())
        return t

    def boolean(self) -> int:
        return self.enum(self.h5.STD_I8LE, (b"FALSE", b"\0"), (b"TRUE", b"\1"))

    def array(self, base: int, *dims: int) -> int:
        return self.h5.H5Tarray_create2(base, len(dims), extents(dims))

    def sequence(self, data: bytes, n: int) -> bytes:
        """A hvl_t whose elements are kept until the file is."""
        return struct.pack("QQ", n, self.pointer(data) if n else 0)

    def pointer(self, data: bytes) -> int:
        self.kept.append(np.frombuffer(data + b"\0", "u1").copy())
        return self.kept[-1].ctypes.data

    def texts(self, *values: bytes | None) -> bytes:
        return b"".join(struct.pack("Q", 0 if v is None else self.pointer(v)) for v in values)

    def reference(self, path: bytes) -> bytes:
        value = np.zeros(8, "u1")
        self.h5.H5Rcreate(value, self.id, path, 0, -1)
        return value.tobytes()

    def region(self, path: bytes, dims, start, count) -> bytes:
        space, value = self.space(dims), np.zeros(12, "u1")
        self.h5.H5Sselect_hyperslab(space, 0, extents(start), None, extents(count), None)
        self.h5.H5Rcreate(value, self.id, path, 1, space)
        return value.tobytes()


COMPOUND, OPAQUE = 6, 5


def newest(h5: Library) -> int:
    """H5F_LIBVER_LATEST of a library."""
    return {8: 1, 10: 2 if h5.version >= (1, 10, 2) else 1, 12: 3, 14: 4}.get(h5.version[1], 5) if h5.version[0] == 1 else 5


NEVER = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64)(lambda *_: -1)


class LinkClass(ctypes.Structure):  # H5L_class_t, version 0
    _fields_ = [("version", ctypes.c_int), ("id", ctypes.c_int), ("comment", ctypes.c_char_p), ("create", ctypes.c_void_p), ("move", ctypes.c_void_p),
                ("copy", ctypes.c_void_p), ("trav", type(NEVER)), ("delete", ctypes.c_void_p), ("query", ctypes.c_void_p)]


def define(h5: Library) -> None:
    h5.H5Lregister(ctypes.byref(LinkClass(0, 200, b"test", None, None, None, NEVER, None, None)))
