"""Writes testdata/<filter>.zip: chunks as the reference implementations store them, and what libhdf5 decodes them to.

    python testdata/make.py [filter ...]       needs h5py, hdf5plugin, tables, numpy, blosc2, vbz-h5py-plugin
    python testdata/make.py --bench DIR        writes DIR/bench.zip: a chunk of 1 MiB per filter, for BenchmarkDecode

A zip holds cases.json, a list of {name, filters: [{id, params}], mask, elem, stored, decoded}, where stored and decoded
name members of the zip. The output is the same for the same versions of these packages.
"""
import hashlib, json, os, sys, tempfile, zipfile, zlib

import h5py
import hdf5plugin
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


class Fixture:
    def __init__(self, name, where=HERE):
        self.zip = zipfile.ZipFile(os.path.join(where, name + ".zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9)
        self.cases, self.have = [], set()

    def member(self, data):
        name = hashlib.sha256(data).hexdigest()[:12]
        if name not in self.have:
            self.have.add(name)
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            self.zip.writestr(info, data)
        return name

    def chunk(self, name, d):
        """Adds the first chunk of an h5py dataset whose chunk covers its extent."""
        assert d.chunks == d.shape, (name, d.chunks, d.shape)
        mask, stored = d.id.read_direct_chunk((0,) * d.ndim)
        plist = d.id.get_create_plist()
        filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
        self.raw(name, [(f[0], list(f[2])) for f in filters], mask, d.dtype.itemsize, stored, d[()].tobytes())

    def raw(self, name, filters, mask, elem, stored, decoded):
        self.cases.append(dict(name=name, filters=[dict(id=i, params=p) for i, p in filters], mask=mask, elem=elem,
                               stored=self.member(stored), decoded=self.member(decoded)))

    def array(self, name, a, **how):
        with h5py.File("x", "w", driver="core", backing_store=False) as f:
            how.setdefault("chunks", a.shape)
            self.chunk(name, f.create_dataset("d", data=a, **how))

    def close(self):
        info = zipfile.ZipInfo("cases.json", (2026, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        self.zip.writestr(info, json.dumps(self.cases, indent=0))
        self.zip.close()


ROW = np.dtype([("a", "<i4"), ("b", "<f8"), ("c", "u1")])


def arrays(n=1000):
    """Arrays of n elements, by a name: slow ramps with noise in several types, runs, noise and text."""
    r = np.random.default_rng(7)
    ramp = np.cumsum(r.integers(-2, 4, n))
    row = np.zeros(n, ROW)
    row["a"], row["b"], row["c"] = ramp, ramp / 8, r.integers(0, 3, n)
    return {
        "i1": (ramp % 100).astype("i1"), "u2be": (ramp % 60000).astype(">u2"), "i4": ramp.astype("<i4"),
        "f4": (ramp / 4).astype("<f4"), "f8": ramp / 16, "row13": row,
        "s20": np.array([b"word%d" % (x % 50) for x in ramp], "S20"), "zeros": np.zeros(n, "<i4"),
        "ones": np.full(n, 7, "u1"), "noise": r.integers(0, 2**63, n // 4, "<u8"),
    }


SMALL = ("i4", "f8", "row13")


def deflate(f):
    for name, a in arrays().items():
        f.array("shuffle " + name, a, compression="gzip", shuffle=True, fletcher32=True)
    for level in (0, 1, 9):
        f.array(f"level {level}", arrays()["i4"], compression="gzip", compression_opts=level)
    f.array("fletcher32 odd", arrays(1001)["i1"], fletcher32=True)
    f.array("shuffle tail", arrays()["f4"].reshape(4, 250), shuffle=True)


def blosc(f):
    a = arrays()
    for codec in ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            for name in a if codec == "lz4" else SMALL:
                how = hdf5plugin.Blosc(cname=codec, clevel=5, shuffle=shuffle)
                f.array(f"{codec} {shuffle} {name}", a[name], **how)
        for level in (1, 9):
            f.array(f"{codec} level {level}", a["f4"], **hdf5plugin.Blosc(cname=codec, clevel=level))
        f.array(f"{codec} blocks", arrays(20001)["i4"], **hdf5plugin.Blosc(cname=codec, clevel=2))
    f.array("bits blocks", arrays(20001)["i4"], **hdf5plugin.Blosc(cname="zstd", clevel=2, shuffle=2))
    f.array("bits row blocks", arrays(7001)["row13"], **hdf5plugin.Blosc(cname="zstd", clevel=2, shuffle=2))
    f.array("level 0", a["f4"], **hdf5plugin.Blosc(clevel=0))
    f.array("with fletcher32", a["f4"], fletcher32=True, **hdf5plugin.Blosc())
    f.array("one", a["f4"][:1], **hdf5plugin.Blosc())
    wide = np.zeros(50, "S300")
    wide[::3] = b"abc"
    f.array("typesize above 255", wide, **hdf5plugin.Blosc())
    f.array("element of 40", wide.astype("S40"), **hdf5plugin.Blosc(shuffle=2))


def lzf(f):
    for name, a in arrays().items():
        f.array(name, a, compression="lzf")
    f.array("long matches", np.repeat(np.arange(9, dtype="u1"), 3000), compression="lzf")
    f.array("after shuffle", arrays()["f8"], compression="lzf", shuffle=True)


def lz4(f):
    for name, a in arrays().items():
        f.array(name, a, **hdf5plugin.LZ4())
    for block in (100, 1024, 1 << 20):
        f.array(f"blocks of {block}", arrays()["f8"], **hdf5plugin.LZ4(nbytes=block))


def zstandard(f):
    for name, a in arrays().items():
        f.array(name, a, **hdf5plugin.Zstd())
    for level in (1, 19):
        f.array(f"level {level}", arrays()["f8"], **hdf5plugin.Zstd(clevel=level))
    f.array("after shuffle", arrays()["f8"], shuffle=True, **hdf5plugin.Zstd())


def bzip2(f):
    for name, a in arrays().items():
        f.array(name, a, **hdf5plugin.BZip2(blocksize=1))
    f.array("blocks", np.tile(arrays()["f8"], 30), **hdf5plugin.BZip2(blocksize=1))
    pytables(f, "bzip2")


def bitshuffle(f):
    for codec in ("none", "lz4", "zstd"):
        for name, a in arrays().items():
            f.array(f"{codec} {name}", a, **hdf5plugin.Bitshuffle(cname=codec))
        f.array(f"{codec} block of 64", arrays()["f8"], **hdf5plugin.Bitshuffle(nelems=64, cname=codec))
        f.array(f"{codec} no multiple of 8", arrays(1003)["row13"], **hdf5plugin.Bitshuffle(nelems=64, cname=codec))
        f.array(f"{codec} five", arrays(5)["f8"], **hdf5plugin.Bitshuffle(cname=codec))


def szip(f):
    for name in ("i1", "u2be", "i4", "f4", "f8", "zeros", "ones", "noise"):
        for method in ("nn", "ec"):
            f.array(f"{method} {name}", arrays()[name], compression="szip", compression_opts=(method, 16))
    f.array("scanline of 37", arrays(37 * 20)["i4"].reshape(20, 37), compression="szip", compression_opts=("nn", 8))
    f.array("last scanline cut", arrays(5000)["u2be"], compression="szip", compression_opts=("nn", 32))


def typed(f, name, tid, values):
    """Adds values through nbit in a file type given as an h5py TypeID."""
    with h5py.File("x", "w", driver="core", backing_store=False) as h:
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        dcpl.set_chunk(values.shape)
        dcpl.set_filter(h5py.h5z.FILTER_NBIT)
        space = h5py.h5s.create_simple(values.shape)
        ds = h5py.h5d.create(h.id, b"d", tid, space, dcpl)
        ds.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values))
        mask, stored = ds.read_direct_chunk((0,) * values.ndim)
        params = ds.get_create_plist().get_filter(0)[2]
        out = np.zeros(values.size * tid.get_size(), "u1")  # read in the file's own type: no conversion
        ds.read(h5py.h5s.ALL, h5py.h5s.ALL, out.reshape(values.shape + (-1,)), mtype=tid)
        f.raw(name, [(5, list(params))], mask, tid.get_size(), stored, out.tobytes())


def reduced(base, precision, offset):
    t = base.copy()
    t.set_precision(precision)
    t.set_offset(offset)
    return t


def nbit(f):
    t = h5py.h5t
    ramp = arrays()["i4"]
    typed(f, "17 bits", reduced(t.STD_I32LE, 17, 3), ramp)
    typed(f, "17 bits big-endian", reduced(t.STD_I32BE, 17, 3), ramp)
    typed(f, "5 bits in one byte", reduced(t.STD_U8LE, 5, 2), (ramp % 32).astype("u1"))
    typed(f, "8 bits across bytes", reduced(t.STD_U16LE, 8, 4), (ramp % 256).astype("u2"))
    typed(f, "61 bits", reduced(t.STD_I64BE, 61, 1), ramp.astype("i8") << 20)
    typed(f, "whole", t.STD_I16LE, (ramp % 9999).astype("i2"))
    fl = t.IEEE_F32LE.copy()
    fl.set_fields(26, 20, 6, 7, 13)
    fl.set_offset(7)
    fl.set_precision(20)
    fl.set_ebias(31)
    typed(f, "20-bit float", fl, (ramp % 64).astype("f4") / 4)
    inner = t.create(t.COMPOUND, 9)
    inner.insert(b"x", 0, reduced(t.STD_I16BE, 11, 2))
    inner.insert(b"s", 2, t.py_create(np.dtype("S3")))
    inner.insert(b"y", 5, reduced(t.STD_I32LE, 19, 0))
    outer = t.create(t.COMPOUND, 64)
    outer.insert(b"i", 0, inner)
    outer.insert(b"a", 10, t.array_create(reduced(t.STD_I16LE, 9, 1), (2, 3)))
    outer.insert(b"o", 24, t.array_create(t.py_create(np.dtype("S2")), (4,)))
    outer.insert(b"b", 35, t.array_create(inner, (3,)))  # libhdf5 can't read members after this one
    idt = np.dtype([("x", ">i2"), ("s", "S3"), ("y", "<i4")])
    r = np.random.default_rng(3)
    v = np.zeros(200, np.dtype([("i", idt), ("a", "<i2", (2, 3)), ("o", "S2", (4,)), ("b", idt, (3,))]))
    for part in (v["i"], v["b"]):
        part["x"] = r.integers(-900, 900, part.shape)
        part["y"] = r.integers(-9999, 9999, part.shape)
        part["s"] = b"ab"
    v["a"] = r.integers(-200, 200, v["a"].shape)
    v["o"] = b"z"
    typed(f, "compound", outer, v)


def scaleoffset(f):
    a = arrays()
    for dtype in ("u1", "i1", "<u2", ">i2", "<i4", ">u4", "<i8", ">u8"):
        v = (a["i4"] % 100).astype(dtype)
        f.array(f"{dtype} auto", v, scaleoffset=0)
        f.array(f"{dtype} fill", np.where(v % 7 == 0, 5, v), scaleoffset=0, fillvalue=5)
        f.array(f"{dtype} 6 bits", v % 50, scaleoffset=6)
        f.array(f"{dtype} constant", np.full(50, 9, dtype), scaleoffset=0)
        f.array(f"{dtype} full", v, scaleoffset=np.dtype(dtype).itemsize * 8)
    f.array("negative", (a["i4"] % 100 - 1000), scaleoffset=0)
    f.array("wide", np.array([-2**62, 2**62, 7], "<i8"), scaleoffset=0)
    f.array("59 bits", np.array([0, 2**58, 7, 12345], "<i8"), scaleoffset=0)
    for dtype in ("<f4", ">f4", "<f8", ">f8"):
        v = (a["f8"] / 7).astype(dtype)
        for digits in (0, 2, 5):
            f.array(f"{dtype} {digits} digits", v, scaleoffset=digits)
        f.array(f"{dtype} fill", np.where(a["i4"] % 7 == 0, np.dtype(dtype).type(-1), v), scaleoffset=3, fillvalue=-1)
        f.array(f"{dtype} constant", np.full(50, 1.25, dtype), scaleoffset=2)


def lzo(f):
    """Old PyTables files, whose rows are known, and streams of random instructions: nothing here encodes LZO."""
    import tables
    rows = np.zeros(1562, np.dtype([("var3", "<f8"), ("var2", "<i4"), ("var1", "S4")]))
    rows["var3"][:100], rows["var2"][:100], rows["var1"][:100] = 100 - np.arange(100), np.arange(100), b"    "
    for name in ("Tables_lzo1", "Tables_lzo1_shuffle", "Tables_lzo2", "Tables_lzo2_shuffle"):
        with h5py.File(os.path.join(os.path.dirname(tables.__file__), "tests", name + ".h5")) as h:
            d = h["tuple0"]
            filters = [(2, [16]), (305, [1, 23, 0])] if "shuffle" in name else [(305, [1, 23, 0])]
            f.raw(name, filters, 0, 16, d.id.read_direct_chunk((0,))[1], rows.tobytes())
    for seed in range(8):
        stored, decoded = lzo_stream(np.random.default_rng(seed), 2000)
        f.raw(f"random {seed}", [(305, [])], 0, 1, stored, decoded)
        if seed == 0:
            trailer = zlib.adler32(decoded).to_bytes(4, "little") + len(decoded).to_bytes(4, "little")
            f.raw("with checksum", [(305, [])], 0, 1, stored + trailer, decoded)


def lzo_stream(r, steps):
    """Random LZO1X instructions and what they decode to, after the Linux kernel's Documentation/staging/lzo.rst."""
    src, out = bytearray(), bytearray()

    def literals(n):
        lit = bytes(r.integers(97, 101, n, "u1"))
        src.extend(lit)
        out.extend(lit)

    def extend(code, bits, n):  # a length of 1 or more, its low bits in code
        if n < 1 << bits:
            src.append(code | n)
        else:
            n -= (1 << bits) - 1
            src.append(code)
            src.extend(bytes((n - 1) // 255))
            src.append((n - 1) % 255 + 1)

    def match(dist, n):
        for _ in range(n):
            out.append(out[-dist])

    first = int(r.integers(1, 200))
    src.append(17 + first)
    literals(first)
    state = min(first, 4)
    for _ in range(steps):
        kind, tail, have = int(r.integers(6)), int(r.integers(4)), len(out)
        if kind == 0 and state == 0:
            n = int(r.integers(4, 40 if r.integers(9) else 900))
            extend(0, 4, n - 3)
            literals(n)
            state = 4
            continue
        elif kind == 1 and 1 <= state <= 3:
            dist = int(r.integers(1, min(have, 1024) + 1))
            src.extend(((dist - 1) % 4 << 2 | tail, (dist - 1) // 4))
            match(dist, 2)
        elif kind == 2 and state == 4 and have > 2048:
            dist = int(r.integers(2049, min(have, 3072) + 1))
            src.extend(((dist - 2049) % 4 << 2 | tail, (dist - 2049) // 4))
            match(dist, 3)
        elif kind == 3:
            n, dist = int(r.integers(3, 9)), int(r.integers(1, min(have, 2048) + 1))
            code = 64 | (n - 3) << 5 if n < 5 else 128 | (n - 5) << 5
            src.extend((code | (dist - 1) % 8 << 2 | tail, (dist - 1) // 8))
            match(dist, n)
        elif kind == 4:
            n, dist = int(r.integers(3, 30 if r.integers(9) else 900)), int(r.integers(1, min(have, 16384) + 1))
            extend(32, 5, n - 2)
            src.extend(((dist - 1) << 2 & 0xffff | tail).to_bytes(2, "little"))
            match(dist, n)
        elif kind == 5 and have > 16384:
            n, dist = int(r.integers(3, 30)), int(r.integers(16385, min(have, 49151) + 1))
            extend(16 | (dist - 16384) >> 14 << 3, 3, n - 2)
            src.extend(((dist - 16384) << 2 & 0xffff | tail).to_bytes(2, "little"))
            match(dist, n)
        else:
            continue
        literals(tail)
        state = tail
    src.extend(b"\x11\0\0")
    return bytes(src), bytes(out)


def vbz(f):
    """Of Oxford Nanopore's own plug-in."""
    import vbz_h5py_plugin  # noqa: F401  sets the path of plug-ins

    r = np.random.default_rng(5)
    for dtype in ("i1", "u1", "i2", "i4", "u2", "u4"):
        a = np.cumsum(r.integers(-9, 10, 701)).astype(dtype)
        a[5:7], a[300:310] = (np.iinfo(dtype).max, np.iinfo(dtype).min), 0
        for version, zigzag, level in ((0, 1, 1), (1, 1, 1), (0, 0, 1), (1, 0, 3), (0, 1, 0)):
            f.array(f"{dtype}_v{version}_zigzag{zigzag}_level{level}", a, compression=32020,
                    compression_opts=(version, a.itemsize, zigzag, level))
    f.array("fast5", np.cumsum(r.integers(-40, 41, 5000)).astype("<i2"), compression=32020, compression_opts=(0, 2, 1, 1, 1))
    f.array("one", np.array([-7], "<i2"), compression=32020, compression_opts=(0, 2, 1, 1))


def blosc2(f):
    a = arrays()
    for codec in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for filters in (0, 1, 2, 3, 4) if codec == "zstd" else (0, 1, 2):
            for name in SMALL:
                if filters != 4 or name == "f8":
                    f.array(f"{codec} {filters} {name}", a[name], **hdf5plugin.Blosc2(cname=codec, filters=filters))
        f.array(f"{codec} level 0", a["f8"], **hdf5plugin.Blosc2(cname=codec, clevel=0))
    for name in ("zeros", "ones", "noise", "s20", "u2be"):
        f.array(name, a[name], **hdf5plugin.Blosc2())
    for filters in (1, 2, 3):
        f.array(f"blocks {filters}", arrays(20001)["i4"], **hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=filters))
    f.array("nan", np.full(5000, np.nan), **hdf5plugin.Blosc2())
    f.array("value", np.full(5000, 1.5, "f4"), **hdf5plugin.Blosc2())
    f.array("two dimensions", a["i4"].reshape(20, 50), **hdf5plugin.Blosc2())
    f.array("three dimensions", arrays(1155)["f4"].reshape(7, 11, 15), **hdf5plugin.Blosc2())
    frames(f)
    pytables(f, "blosc2:zstd")


def frames(f):
    """Frames that other writers may store, through python-blosc2: expected is what they were made from."""
    import blosc2 as b2
    F, C = b2.Filter, b2.Codec
    specs = [(32026, [1, 0, 4, 0])]

    def nd(name, a, **how):
        f.raw(name, specs, 0, a.dtype.itemsize, b2.asarray(a, **how).to_cframe(), a.tobytes())

    def pipe(filters, meta=None, codec=C.ZSTD):
        return b2.CParams(codec=codec, clevel=3, nthreads=1, filters=filters, filters_meta=meta or [0] * len(filters))

    ramp = arrays(4000)["i4"]
    cube = arrays(1330)["f4"].reshape(7, 10, 19)
    nd("b2nd several chunks", ramp.reshape(50, 80), chunks=(23, 31), blocks=(7, 9))
    nd("b2nd padded", cube, chunks=(5, 7, 11), blocks=(2, 3, 4))
    nd("b2nd four dimensions", ramp.reshape(5, 8, 10, 10), chunks=(3, 8, 4, 10), blocks=(2, 3, 4, 5))
    nd("b2nd one dimension", ramp, chunks=(900,), blocks=(130,))
    nd("b2nd whole", ramp.reshape(50, 80), chunks=(50, 80), blocks=(50, 80))
    nd("b2nd chunk bigger than shape", ramp[:100], chunks=(130,), blocks=(60,))
    nd("b2nd wide element", np.arange(300).astype("S300").reshape(30, 10), chunks=(20, 6), blocks=(8, 4))
    mixed = np.zeros((60, 60), "f8")
    mixed[30:, :30] = np.nan
    mixed[:30, 30:] = 2.5
    mixed[30:, 30:] = np.arange(900).reshape(30, 30)
    nd("b2nd special chunks", mixed, chunks=(30, 30), blocks=(10, 15))
    nd("b2nd noise", np.random.default_rng(1).integers(0, 2**62, (20, 30)), chunks=(9, 30), blocks=(4, 16))
    nd("b2nd delta", ramp.reshape(50, 80), chunks=(23, 31), blocks=(7, 9), cparams=pipe([F.DELTA, F.SHUFFLE]))
    nd("b2nd shuffle, bytedelta", ramp.reshape(50, 80), chunks=(23, 31), blocks=(7, 9),
       cparams=pipe([F.SHUFFLE, F.BYTEDELTA], [0, 4]))
    for value, name in ((0, "zeros"), (np.nan, "nan"), (7.5, "value")):
        z = b2.full((40, 50), value, dtype="f8", chunks=(20, 20), blocks=(10, 10))
        f.raw(f"b2nd full of {name}", specs, 0, 8, z.to_cframe(), np.full((40, 50), value, "f8").tobytes())
    u = b2.nans((40, 50), dtype="f4", chunks=(20, 20), blocks=(10, 10))
    f.raw("b2nd nans", specs, 0, 4, u.to_cframe(), np.full((40, 50), np.nan, "f4").tobytes())

    def schunk(name, data, chunksize, typesize=4, **how):
        how.setdefault("cparams", {"typesize": typesize, "nthreads": 1})
        s = b2.SChunk(chunksize=chunksize, data=data, contiguous=True, **how)
        f.raw(name, specs, 0, typesize, s.to_cframe(), data.tobytes())

    schunk("frame of several chunks", ramp, 4000)
    schunk("frame with a short chunk", ramp, 4400)
    schunk("frame of zeros", np.zeros(4000, "i4"), 4000)
    for name, filters, meta in (("delta", [F.DELTA], None), ("delta, shuffle", [F.DELTA, F.SHUFFLE], None), ("shuffle", [F.SHUFFLE], None),
                                ("shuffle of 2", [F.SHUFFLE], [2]), ("bitshuffle", [F.BITSHUFFLE], None),
                                ("shuffle, bytedelta", [F.SHUFFLE, F.BYTEDELTA], [0, 4])):
        p = pipe(filters, meta)
        p.typesize, p.blocksize = 4, 2048
        schunk("frame " + name, ramp, 16000, cparams=p)
    c = b2.compress2(ramp, cparams=pipe([F.SHUFFLE]))
    f.raw("bare chunk", specs, 0, 4, c, ramp.tobytes())


def pytables(f, codec):
    """Chunks that PyTables writes, of arrays and of tables."""
    import tables
    for shuffle in (False, True):
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, "x.h5")
            filters = tables.Filters(complevel=5, complib=codec, shuffle=shuffle)
            with tables.open_file(path, "w") as h:
                for name in ("i4", "f8", "ones", "noise"):
                    a = arrays()[name]
                    h.create_carray("/", name, obj=a, chunkshape=a.shape, filters=filters)
                t = h.create_table("/", "table", arrays()["row13"], chunkshape=(1000,), filters=filters)
            with h5py.File(path) as h:
                for name, d in h.items():
                    f.chunk(f"PyTables {codec} {name} shuffle {shuffle}", d)


def bench(f):
    """float32 measurements that drift, as 1 MiB."""
    r = np.random.default_rng(7)
    a = (np.cumsum(r.integers(-3, 4, 1 << 18)) / 8).astype("<f4")
    f.array("deflate", a, compression="gzip", compression_opts=1)
    f.array("shuffle+deflate", a, compression="gzip", compression_opts=1, shuffle=True)
    f.array("fletcher32", a, fletcher32=True)
    f.array("shuffle then fletcher32", a, fletcher32=True, shuffle=True)
    for codec in ("blosclz", "lz4", "snappy", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            f.array(f"blosc {codec} {shuffle}", a, **hdf5plugin.Blosc(cname=codec, clevel=5, shuffle=shuffle))
    f.array("lzf", a, compression="lzf", shuffle=True)
    f.array("lz4", a, shuffle=True, **hdf5plugin.LZ4())
    f.array("zstd", a, shuffle=True, **hdf5plugin.Zstd())
    for codec in ("none", "lz4", "zstd"):
        f.array("bitshuffle " + codec, a, **hdf5plugin.Bitshuffle(cname=codec))
    f.array("szip", a, compression="szip", compression_opts=("nn", 16))
    f.array("scaleoffset", a, scaleoffset=3)
    for codec in ("blosclz", "lz4", "zlib", "zstd"):
        for filters in (0, 1, 2):
            f.array(f"blosc2 {codec} {filters}", a, **hdf5plugin.Blosc2(cname=codec, filters=filters))
    f.array("bzip2", a, shuffle=True, **hdf5plugin.BZip2())


MAKERS = dict(deflate=deflate, blosc=blosc, lzf=lzf, lz4=lz4, zstd=zstandard, bzip2=bzip2, bitshuffle=bitshuffle,
              szip=szip, nbit=nbit, scaleoffset=scaleoffset, lzo=lzo, blosc2=blosc2, vbz=vbz)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--bench"]:
        fixture = Fixture("bench", sys.argv[2])
        bench(fixture)
        fixture.close()
        sys.exit()
    for name in sys.argv[1:] or MAKERS:
        fixture = Fixture(name)
        MAKERS[name](fixture)
        fixture.close()
