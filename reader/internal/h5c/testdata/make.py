"""Makes the files beside it: python make.py (h5py 3, NumPy). Seeded: the same bytes but for time stamps."""

import os

import h5py
import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng = np.random.default_rng(7)
TEXT = h5py.string_dtype()


def tree() -> None:
    with h5py.File("tree.h5", "w", libver=("earliest", "v110")) as f:
        f["grid"] = np.arange(12, dtype=">i4").reshape(3, 4)
        g = f.create_group("g")
        g.create_dataset("chunked", data=rng.normal(size=(10, 6)).astype("f4"), chunks=(4, 6), maxshape=(None, 6),
                         compression="gzip", compression_opts=3, shuffle=True, fletcher32=True, fillvalue=1.5)
        g.create_group("deep/er")["leaf"] = np.int64(7)
        g["empty"] = h5py.Empty("f8")
        g["named"] = np.dtype([("a", "i2"), ("b", "f8")])
        g["of_named"] = np.zeros(2, dtype=[("a", "i2"), ("b", "f8")])
        g["alias"] = f["grid"]
        g["up"] = f["/"]
        f["soft"] = h5py.SoftLink("/g/chunked")
        g["relative"] = h5py.SoftLink("deep/er/leaf")
        f["chain"] = h5py.SoftLink("soft")
        f["loop"] = h5py.SoftLink("/loop")
        f["dangling"] = h5py.SoftLink("/nowhere/x")
        f["outside"] = h5py.ExternalLink("other.h5", "/x")
        f["folder"] = h5py.ExternalLink("sub/other.h5", "/")
        f.create_dataset(b"raw\xff\xfename", data=np.arange(3))
        f["refs"] = np.array([f["grid"].ref, f["g/deep/er/leaf"].ref, f["g"].ref, h5py.Reference()], dtype=h5py.ref_dtype)
    with h5py.File("other.h5", "w") as f:
        f["x"] = np.arange(5, dtype="i2")


def types() -> None:
    row = np.dtype([("n", "i4"), ("s", TEXT), ("v", "f8"), ("w", h5py.vlen_dtype("i2")), ("k", TEXT, (2,)),
                    ("in", [("t", TEXT), ("u", "u1")]), ("e", h5py.enum_dtype({"A": 1, "B": 2}, "i2")), ("o", "V5"),
                    ("ref", h5py.ref_dtype), ("z", "S3")])
    for name, libver in (("types.h5", ("earliest", "v110")), ("types_v110.h5", ("v110", "v110"))):
        with h5py.File(name, "w", libver=libver) as f:
            f.create_dataset("row", (2,), row)
            f["text"] = "hello"
            f.create_dataset("ragged", (3,), h5py.vlen_dtype("f4"))
            f.create_dataset("fixed", data=np.array([(1, 2.5), (3, -1.0)], dtype=[("a", ">i4"), ("b", "<f8")]),
                             fillvalue=np.array((9, 0.5), dtype=[("a", ">i4"), ("b", "<f8")]))
    sizes = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    sizes.set_sizes(4, 4)
    fid = h5py.h5f.create(b"small.h5", fcpl=sizes)
    with h5py.File(fid) as f:
        f.create_dataset("row", (2,), row)


def attributes() -> None:
    with h5py.File("attrs.h5", "w") as f:
        a = f.create_dataset("d", data=np.zeros(1)).attrs
        a["text"] = "gr\u00fc\u00dfe \"quoted\" <x>"
        a["fixed"] = np.bytes_(b"abc  ")
        a["latin"] = np.bytes_(b"\xe4\xf6")
        a["texts"] = np.array(["a", "", "ccc"], dtype=TEXT)
        a["int"] = np.int64(-(2**63))
        a["uint"] = np.uint64(2**64 - 1)
        a["big"] = np.array([1, -2], dtype=">i2")
        a["floats"] = np.array([1.5, np.nan, np.inf, -np.inf, 1e300])
        a["single"] = np.float32(0.1)
        a["half"] = np.float16(0.5)
        a["long"] = np.longdouble(0.25)
        a["bool"] = np.bool_(True)
        a["bools"] = np.array([[True, False]])
        a["enum"] = np.array([2], dtype=h5py.enum_dtype({"A": 1, "B": 2}, ">i4"))
        a["matrix"] = np.arange(6).reshape(2, 3)
        a["array"] = np.array([((1, 2, 3),)], dtype=[("v", "i4", (3,))])
        a["row"] = np.array((1, b"xy", 0.5), dtype=[("i", "u1"), ("s", "S4"), ("f", "f4")])
        a["complex"] = np.complex128(1 - 2j)
        a["ref"] = f["d"].ref
        a["noref"] = h5py.Reference()
        a.create("ragged", np.array([np.array([1, 2], "i4"), np.array([], "i4")], dtype=object), dtype=h5py.vlen_dtype("i4"))
        a["opaque"] = np.void(b"\x00\x01\xff")
        a["null"] = h5py.Empty("i4")
        a["none"] = np.zeros((0, 3))
        f.attrs["title"] = "root"
        b = f.create_group("large").attrs
        b["above"] = np.zeros(8000)  # 64,000 bytes: listed
        h5py.h5a.create(f["large"].id, b"bits", h5py.h5t.STD_B8LE, h5py.h5s.create(h5py.h5s.SCALAR)).write(
            np.array(200, "u1"), h5py.h5t.STD_B8LE)
    with h5py.File("dense.h5", "w", libver="v110") as f:
        a = f.create_group("many").attrs
        a["huge"] = np.zeros(20_000)  # 160,000 bytes: only its size is told
        for i in range(20):
            a[f"a{i:02}"] = i


def attributes_apart() -> None:
    """Attributes before and behind one of a type that libhdf5 1.10 does not know, and some in headers of version 2."""
    with h5py.File("apart.h5", "w") as f:
        f["type"] = np.dtype([("a", ">i2"), ("b", "f8")])
        for a in (f.attrs, f.create_dataset("d", data=np.zeros(1)).attrs):
            a["text"] = "before"
            a["unknown"] = np.uint8(1)
            a["CLASS"] = np.bytes_(b"TABLE")
            a["big"] = np.array([[1, -2]], dtype=">i2")
            a.create("named", (3, 0.5), dtype=f["type"])
            a["late"] = "gr\u00fc\u00dfe"
            a["texts"] = np.array([["a", ""], ["ccc", ""]], dtype=TEXT)
            a.create("ragged", np.array([np.array([1, 2], "i4"), np.array([], "i4")], dtype=object), dtype=h5py.vlen_dtype("i4"))
            a["none"] = h5py.Empty("f4")
            a["long"] = "x" * 70_000
            a["ref"] = f["type"].ref
    data = open("apart.h5", "rb").read()
    unknown = b"unknown\0\x10\0"
    assert data.count(unknown) == 2
    open("apart.h5", "wb").write(data.replace(unknown, b"unknown\0\x47\x12"))  # a reference of HDF5 1.12
    with h5py.File("apart_v2.h5", "w", libver="v110") as f:
        f["type"] = np.dtype([("a", ">i2"), ("b", "f8")])
        a = f.create_dataset("d", data=np.zeros(1)).attrs
        a["big"] = np.array([[1, -2]], dtype=">i2")
        a.create("named", (3, 0.5), dtype=f["type"])
        a["fixed"] = np.bytes_(b"abc  ")
        a["null"] = h5py.Empty("i4")
        a["bools"] = np.array([True, False])


def elsewhere() -> None:
    with h5py.File("source.h5", "w") as f:
        f.create_dataset("x", data=np.arange(20, dtype="i4"), chunks=(5,), maxshape=(None,))
    endless = h5py.h5s.UNLIMITED
    for i in range(2):
        with h5py.File(f"block-{i}.h5", "w") as f:
            f["x"] = np.full(3, i, dtype="i4")
    with h5py.File("nest.h5", "w", libver=("earliest", "v110")) as f:
        for name, source, path in (("away", "/etc/escape.h5", "x"), ("near", "source.h5", "x"), ("cycle", "virtual.h5", "cycle")):
            layout = h5py.VirtualLayout((10,), "i4")
            layout[:] = h5py.VirtualSource(source, path, (10,))
            f.create_virtual_dataset(name, layout)
    with h5py.File("virtual.h5", "w", libver=("earliest", "v110")) as f:
        layout = h5py.VirtualLayout((2, 20), "i4")
        for i in range(2):
            layout[i] = h5py.VirtualSource("source.h5", "x", (20,))
        f.create_virtual_dataset("rows", layout, fillvalue=-1)
        layout = h5py.VirtualLayout((10,), "i4")
        layout[:] = h5py.VirtualSource("source.h5", "x", (20,))[1::2]
        f.create_virtual_dataset("odd", layout)
        layout = h5py.VirtualLayout((10,), "i4")
        layout[:] = h5py.VirtualSource("../../escape.h5", "x", (10,))
        f.create_virtual_dataset("escape", layout)
        layout = h5py.VirtualLayout((10,), "i4")
        layout[:] = h5py.VirtualSource("/etc/escape.h5", "x", (10,))
        f.create_virtual_dataset("absolute", layout)
        for name, source, path in (("nested", "nest.h5", "near"), ("nested_away", "nest.h5", "away"),
                                   ("linked", "tree.h5", "outside"), ("cycle", "nest.h5", "cycle"), ("missing", "no.h5", "x")):
            layout = h5py.VirtualLayout((10,), "i4")
            layout[:] = h5py.VirtualSource(source, path, (10,))
            f.create_virtual_dataset(name, layout, fillvalue=-1)
        layout = h5py.VirtualLayout((20,), "i4", maxshape=(None,))
        layout[0:endless] = h5py.VirtualSource("source.h5", "x", (20,), "i4", maxshape=(None,))[0:endless]
        f.create_virtual_dataset("grows", layout)
        rows = h5py.h5s.create_simple((0, 3), (endless, 3))
        rows.select_hyperslab((0, 0), (endless, 1), (1, 3), (1, 3))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_virtual(rows, b"block-%b.h5", b"x", h5py.h5s.create_simple((3,)))
        h5py.h5d.create(f.id, b"blocks", h5py.h5t.STD_I32LE, rows, plist)
    np.arange(6, dtype="<i4").tofile("raw.bin")
    with h5py.File("external.h5", "w") as f:
        f.create_dataset("x", (4,), "<i4", external=[("raw.bin", 8, 16)])


def broken() -> None:
    """One dataset of three has a damaged object header."""
    with h5py.File("broken.h5", "w") as f:
        for name in "abc":
            f[name] = np.arange(4)
        address = h5py.h5o.get_info(f["b"].id).addr
    data = bytearray(open("broken.h5", "rb").read())
    data[address] = 99  # version of the header
    open("broken.h5", "wb").write(data)


def family() -> None:
    """The first of the files that the family driver makes of one."""
    with h5py.File("family%d.h5", "w", driver="family", memb_size=1024) as f:
        f["x"] = np.arange(200)
    for n in range(1, 5):
        if os.path.exists(f"family{n}.h5"):
            os.remove(f"family{n}.h5")


def lost() -> None:
    """What lies in one group of two cannot be told: the tree of its names is damaged."""
    with h5py.File("lost.h5", "w") as f:
        f["x"] = np.arange(4)
        f["g/y"] = np.arange(4)
    data = bytearray(open("lost.h5", "rb").read())
    data[data.rfind(b"TREE")] = 0
    open("lost.h5", "wb").write(data)


def user() -> None:
    """A link of class 65, which nobody here has registered."""
    with h5py.File("user.h5", "w") as f:
        f["mine"] = h5py.ExternalLink("x", "x")
    data = open("user.h5", "rb").read()
    open("user.h5", "wb").write(data.replace(b"\x40\x04mine", b"\x41\x04mine"))  # class, length of the name


def bomb() -> None:
    """A few bytes that become 128 MiB."""
    with h5py.File("bomb.h5", "w") as f:
        d = f.create_dataset("x", (1 << 25,), "i4", chunks=(1 << 25,), scaleoffset=0, compression="gzip")
        d[:] = 0


def wide() -> None:
    """32 MiB that are 7 but for a few values at 16 MiB and at the end."""
    with h5py.File("wide.h5", "w") as f:
        d = f.create_dataset("x", (1 << 23,), "i4", chunks=(1 << 16,), compression="gzip", fillvalue=7)
        d[(1 << 22) - 2:(1 << 22) + 2] = [1, 2, 3, 4]
        d[-1] = 5


tree()
types()
attributes()
attributes_apart()
elsewhere()
broken()
family()
lost()
user()
bomb()
wide()
