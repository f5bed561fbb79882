"""Writes the seeds beside it, one structure each, and NAME.json: their metadata by libhdf5 2.0 (metadata_h5py.py), or
by 1.14 where 2.0 fails (cache images).

    .venv/bin/python reader/internal/objects/testdata/make.py
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "testdata" / "tests"))

import numpy as np  # noqa: E402
from h5lib import Library, carried, extents  # noqa: E402
from h5make import INDEXED, NULL, OPAQUE, SHARE_ALL, TRACKED, File  # noqa: E402
from metadata_h5py import dump  # noqa: E402

H5, OTHER = Library(), Library(carried("tables"))
V108, V110, V112, V114, V200 = range(1, 6)


def symbol_table(path):
    """A B-tree of three levels, small nodes; soft links; names that were deleted."""
    f = File(H5, path, high=V108, sym_k=(1, 1), sizes=(8, 8))
    g = f.group(f.root, b"g")
    for i in range(60):
        f.h5.close(f.group(g, b"object %03d" % (i * 7 % 60)))
    for i in range(0, 60, 4):
        H5.H5Ldelete(g, b"object %03d" % i, 0)
    f.soft(g, b"soft", b"/g/object 001")
    f.soft(g, b"dangling", b"/nowhere")
    f.hard(g, b".", g, b"cycle")
    f.hard(f.root, b"g", f.root, b"another name")
    return f


def dense_links(path):
    """Links in a fractal heap and two B-trees version 2, in order of creation too."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", order=INDEXED, link_phase=(0, 0))
    target = f.group(f.root, b"target")
    H5.close(target)
    for i in range(120):
        f.hard(f.root, b"target", g, b"a rather long name of a link, number %05d" % (i * 77 % 120))
    f.soft(g, b"soft", b"target")
    f.external(g, b"external", b"other.h5", b"/there")
    f.user(g, b"user", b"anything")
    for i in range(0, 120, 3):
        H5.H5Ldelete(g, b"a rather long name of a link, number %05d" % i, 0)
    return f


def compact_links(path):
    """Link messages in the header, in order of creation, over several blocks of it."""
    f = File(H5, path, low=V108, order=TRACKED)
    g = f.group(f.root, b"g", order=TRACKED, link_phase=(100, 50), estimate=(2, 8))
    for i in range(30):
        H5.close(f.group(g, b"z%d" % (30 - i)))
    H5.H5Ldelete(g, b"z7", 0)
    f.external(g, "größe".encode(), b"other.h5", "/größe".encode())
    f.soft(g, b"long " + b"x" * 300, b"y" * 300)
    return f


def dense_attributes(path):
    """Attributes in a heap with an index of names and one of the order of creation; one is a huge object."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", attr_order=INDEXED, attr_phase=(4, 2))
    for i in range(40):
        f.number(g, b"attribute %02d" % (i * 13 % 40), i)
    for i in range(0, 40, 5):
        H5.H5Adelete(g, b"attribute %02d" % i)
    f.attr(g, b"truth", f.boolean(), (3,), b"\1\0\1")
    f.attr(g, b"pair", f.compound((b"x", H5.IEEE_F32LE), (b"n", H5.STD_U16BE)), (), struct.pack("<f>H".replace(">", ""), 1.5, 0x0201))
    return f


def huge_attribute(path):
    """One over 64 KiB is a huge object of the heap."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", attr_phase=(0, 0))
    f.attr(g, b"huge", f.string(700), (100,), b"".join(b"%0700d" % i for i in range(100)))
    f.attr(g, b"managed", H5.STD_U8LE, (3000,), bytes(i % 241 for i in range(3000)))
    f.number(g, b"small", 1)
    return f


def shared_messages(path):
    """Types, dataspaces and attributes in the file's heap of shared messages; indexed by a list, then by a B-tree."""
    f = File(H5, path, low=V110, shared=[(0x03, 10), (SHARE_ALL & ~0x03, 10)], phase=(4, 2))
    t = f.compound((b"name of the first", H5.STD_I64LE), (b"name of the second", H5.IEEE_F64LE))
    for i in range(8):
        g = f.group(f.root, b"g%d" % i)
        for k in range(3):
            f.attr(g, b"shared", t, (2,), struct.pack("<qdqd", 1, 2.5, 3, 4.5)) if k == 0 else f.text(g, b"text %d" % k, b"the same value in all of them")
        f.attr(g, b"own", H5.STD_I32LE, (2, i + 1), bytes(range(8 * (i + 1))))
    f.dataset(f.root, b"d", t, (4,))
    return f


def shared_messages_old(path):
    """Shared messages with headers of version 1."""
    f = File(H5, path, low=0, high=V108, shared=[(SHARE_ALL, 20)])
    for i in range(4):
        g = f.group(f.root, b"g%d" % i)
        f.text(g, b"text", b"a value that all four of them share, of some length")
        f.number(g, b"small", i)
    return f


def committed(path, low=0, high=V108):
    """Attributes and datasets of a committed type, an attribute of the type itself."""
    f = File(H5, path, low=low, high=high)
    t = f.compound((b"x", H5.IEEE_F64LE), (b"kind", f.enum(H5.STD_U8LE, (b"RED", b"\1"), (b"GREEN", b"\2"))))
    types = f.group(f.root, b"types")
    f.commit(types, b"point", t)
    for i in range(10):
        f.attr(t, b"of the type %d" % i, t, (), struct.pack("<dB", i, 2))
    f.attr(f.root, b"point", t, (2,), struct.pack("<dBdB", 0.1, 1, -0.0, 2))
    f.dataset(f.root, b"points", t)
    return f


def cache_image(path):
    """Metadata in a cache image, not at its addresses."""
    f = File(H5, path, low=V110, image=True)
    g = f.group(f.root, b"g", link_phase=(0, 0), attr_phase=(0, 0))
    for i in range(12):
        H5.close(f.group(g, b"member %d" % i))
        f.number(g, b"attribute %d" % i, i)
    f.attr(g, b"texts", f.string(None), (3,), f.texts(b"one", None, "größe".encode()))
    return f


def paged(path):
    """Free space in pages, a superblock with an extension."""
    f = File(H5, path, low=V110, strategy=1, page=512)
    for i in range(10):
        g = f.group(f.root, b"g%d" % i)
        f.text(g, b"text", b"value %d" % i * 20)
    return f


def small_offsets(path, low=0, high=V108):
    """Addresses and lengths of four bytes, behind a user block."""
    f = File(H5, path, low=low, high=high, sizes=(4, 4), userblock=512)
    g = f.group(f.root, b"g", attr_phase=(2, 0) if low else None, link_phase=(2, 0) if low else None)
    for i in range(12):
        H5.close(f.group(g, b"member %d" % i))
        f.number(g, b"attribute %d" % i, i)
    f.attr(g, b"texts", f.string(None), (2,), f.texts(b"one", b"two"))
    f.attr(g, b"lists", H5.H5Tvlen_create(H5.STD_I16LE), (2,), f.sequence(struct.pack("<3h", 1, -2, 3), 3) + f.sequence(b"", 0))
    return f


def wide_lengths(path):
    """Addresses of two bytes, lengths of eight."""
    f = File(H5, path, low=V110, sizes=(2, 8))
    g = f.group(f.root, b"g", attr_phase=(0, 0), link_phase=(0, 0))
    for i in range(9):
        H5.close(f.group(g, b"member %d" % i))
        f.number(g, b"attribute %d" % i, i)
    return f


def short_lengths(path):
    """Addresses of eight bytes, lengths of four, in symbol tables."""
    f = File(H5, path, high=V108, sizes=(8, 4))
    g = f.group(f.root, b"g")
    for i in range(9):
        H5.close(f.group(g, b"member %d" % i))
    f.soft(g, b"soft", b"member 1")
    f.number(g, b"attribute", 7)
    return f


def names(path):
    r"""Names that are no UTF-8, that look as if they were spelled \xNN, that are long or blank."""
    f = File(H5, path, low=V108)
    for name in [b"caf\xe9", b"\xff\xfe", b"back\\xe9slash", b"back\\slash", "日本".encode(), b" ", b"\xe2\x82", b"a\nb", b"n" * 1000]:
        g = f.group(f.root, name)
        f.number(g, name, 1)
        f.text(g, b"value", name)
    f.soft(f.root, b"soft\xe9", b"/caf\xe9")
    f.attr(f.root, b"c", f.compound((b"m\xe9mber", H5.STD_U8LE)), (), b"\7")
    return f


def compressed_heap(path):
    """Links in a heap whose blocks went through filters."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", link_phase=(0, 0), filters=("deflate", "fletcher32"))
    target = f.group(f.root, b"target")
    H5.close(target)
    for i in range(200):
        f.hard(f.root, b"target", g, b"a name that is much like all of the others, %04d" % i)
    return f


def compressed_huge(path):
    """Huge objects of a heap with filters: links of more than 4096 bytes."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", link_phase=(0, 0), filters=("deflate",))
    for i in range(3):
        f.soft(g, b"soft %d" % i, b"/far" * 5000)
    return f


def continuation(path):
    """Headers of version 1 in many blocks, with gaps where attributes were deleted."""
    f = File(H5, path, high=V108)
    g, other = f.group(f.root, b"g"), f.group(f.root, b"other")
    for i in range(40):
        f.text(g if i % 2 else other, b"attribute %02d" % i, b"x" * i)
    for i in range(0, 40, 3):
        H5.H5Adelete(g if i % 2 else other, b"attribute %02d" % i)
    for i in range(40, 50):
        f.number(g, b"attribute %02d" % i, i)
    return f


def pointing(path):
    """Texts and lists in the global heap, references to objects and regions, nested in compounds."""
    f = File(H5, path, low=0, high=V110)
    f.dataset(f.root, b"d", dims=(5,))
    g = f.group(f.root, b"g")
    f.attr(g, b"refs", H5.STD_REF_OBJ, (4,), f.reference(b"/") + f.reference(b"/d") + bytes(8) + f.reference(b"/g"))
    f.attr(g, b"regions", H5.STD_REF_DSETREG, (1,), f.region(b"/d", (5,), (1,), (2,)))
    inner = H5.H5Tvlen_create(H5.STD_U16LE)
    f.attr(g, b"lists of lists", H5.H5Tvlen_create(inner), (2,),
           f.sequence(f.sequence(b"\1\0\2\0", 2) + f.sequence(b"", 0), 2) + f.sequence(f.sequence(b"\3\0", 1), 1))
    t = f.compound((b"name", f.string(None)), (b"ref", H5.STD_REF_OBJ), (b"list", inner))
    f.attr(g, b"mixed", t, (1,), f.texts("grüße".encode()) + f.reference(b"/d") + f.sequence(b"\7\0", 1))
    f.attr(g, b"texts", f.string(None), (2, 2), f.texts(b"a", None, b"", b"caf\xe9"))
    f.attr(g, b"DIMENSION_LIST", H5.H5Tvlen_create(H5.STD_REF_OBJ), (1,), f.sequence(f.reference(b"/d"), 1))
    return f


def types(path):
    """Every class, both orders, precisions and paddings that no machine has; dataspaces of all kinds."""
    f = File(H5, path, low=V110)
    h5 = H5
    put = lambda name, t, data, dims=(): f.attr(f.root, name, t, dims, data)  # noqa: E731
    put(b"i32be", h5.STD_I32BE, struct.pack(">2i", -5, 7), (2,))
    put(b"u64", h5.STD_U64LE, b"\xff" * 8)
    put(b"f32", h5.IEEE_F32BE, struct.pack(">3f", 0.1, float("nan"), float("-inf")), (3,))
    put(b"f64", h5.IEEE_F64LE, struct.pack("<2d", 1e300, -0.0), (2,))
    put(b"f16", f16 := half(f), struct.pack("<2e", 1.5, 6e-8), (2,))
    narrow = h5.H5Tcopy(h5.STD_I32BE)
    h5.H5Tset_precision(narrow, 11)
    h5.H5Tset_offset(narrow, 5)
    put(b"narrow", narrow, struct.pack(">2I", 0xFFFFFFFF, 3 << 5), (2,))
    three = h5.H5Tcopy(h5.STD_U32LE)
    h5.H5Tset_size(three, 3)
    put(b"three", three, b"\1\2\3")
    put(b"long double", h5.NATIVE_LDOUBLE, b"\0" * 7 + b"\xc0\0\x40" + b"\0" * 6)
    put(b"bits", h5.STD_B16BE, b"\x80\1")
    put(b"time", h5.UNIX_D32BE, struct.pack(">i", -2))
    put(b"opaque", tagged(f), b"abc")
    put(b"truth", f.boolean(), b"\1\0\2", (3,))
    put(b"enum", f.enum(h5.STD_I16BE, (b"A", b"\0\1"), (b"B", b"\xff\xff")), b"\xff\xff\0\1\0\7", (3,))
    put(b"array", f.array(h5.STD_I8LE, 2, 3), bytes(range(12)), (2,))
    put(b"gaps", f.compound((b"a", h5.STD_I8LE), (b"b", f.array(f16, 2)), gap=3), b"\1zzz" + struct.pack("<2e", 1, 2) + b"zzz")
    for pad, value in enumerate([b"ab\0c ", b"ab \0\0", b"ab   "]):
        put(b"pad %d" % pad, f.string(5, pad), value)
    put(b"latin", f.string(4, 1, False), b"caf\xe9")
    put(b"null", h5.STD_I32LE, b"", NULL)
    put(b"nothing", h5.STD_I32LE, b"", (0,))
    put(b"no rows", h5.STD_I32LE, b"", (2, 0))
    put(b"never written", h5.STD_I32LE, b"", (2,))
    return f


def half(f):
    t = H5.H5Tcopy(H5.IEEE_F32LE)
    H5.H5Tset_fields(t, 15, 10, 5, 0, 10)
    H5.H5Tset_precision(t, 16)
    H5.H5Tset_size(t, 2)
    H5.H5Tset_ebias(t, 15)
    return t


def tagged(f):
    t = H5.H5Tcreate(OPAQUE, 3)
    H5.H5Tset_tag(t, b"picture")
    return t


def modern(path):
    """What HDF5 1.12 and 2.0 added: references with a version, complex numbers."""
    f = File(H5, path, low=V200)
    f.dataset(f.root, b"d", dims=(5,))
    f.attr(f.root, b"complex", H5.H5Tcomplex_create(H5.IEEE_F32BE), (2,), struct.pack(">4f", 1, -2, 0.5, 3))
    ref = np.zeros(64, "u1")
    H5.H5Rcreate_object(f.id, b"/d", 0, ref)
    f.attr(f.root, b"reference", H5.STD_REF, (), ref.tobytes())
    H5.H5Rdestroy(ref)
    for i in range(10):
        f.number(f.root, b"attribute %d" % i, i)
    f.attr(f.root, b"truth", f.boolean(), (), b"\1")
    return f


def committed_often(path):
    """Far more attributes of one committed type than the type is long."""
    f = File(H5, path, low=V110)
    t = f.enum(H5.STD_U8LE, *[(b"the name of value %02d" % i, bytes([i])) for i in range(60)])
    f.commit(f.root, b"colour", t)
    g = f.group(f.root, b"g")
    for i in range(300):
        f.attr(g, b"a%03d" % i, t, (), bytes([i % 60]))
    return f


def compressed_links(path):
    """Links in several compressed blocks, in the order of hashes far apart."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", link_phase=(0, 0), filters=("deflate",))
    for i in range(1200):
        f.soft(g, b"a name that is much like all of the others but for its number, %04d" % i, b"/g")
    return f


def compressed_huge_many(path):
    """So many huge objects that the B-tree of them is larger than they are."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", link_phase=(0, 0), filters=("deflate",))
    for i in range(60):
        f.soft(g, b"%03d" % i, b"/far" * 1050)
    return f


def soft_chain(path):
    """Soft links of soft links through a root whose names are most of the file."""
    f = File(H5, path, high=V108)
    H5.close(f.group(f.root, b"s16"))
    for i in range(16):
        f.soft(f.root, b"s%d" % i, b"/s%d" % (i + 1))
    for i in range(60):
        f.soft(f.root, b"%03d" % i + b"n" * 600, b"/s0")
    f.soft(f.root, b"loop", b"/pool")
    f.soft(f.root, b"pool", b"loop")
    f.dataset(f.root, b"d")
    f.soft(f.root, b"to d", b"/d")
    return f


def hard_often(path):
    """Many hard links to one group with a long header."""
    f = File(H5, path, high=V108)
    g = f.group(f.root, b"g")
    for i in range(10):
        f.text(g, b"attribute %d" % i, b"x" * 900)
    for i in range(100):
        f.hard(f.root, b"g", f.root, b"link %d" % i)
    return f


def colliding(path):
    """Names of one hash beside others, in heaps of links and of attributes."""
    f = File(H5, path, low=V110)
    g = f.group(f.root, b"g", link_phase=(0, 0), attr_phase=(0, 0))
    names = COLLIDING + [b"name %d" % i for i in range(40)]
    for name in names:
        f.soft(g, name, b"/" + name)
        f.number(g, name, len(name))
    return f


# Pairs of one hash (H5_checksum_lookup3).
COLLIDING = [b"n36468", b"n85629", b"n23426", b"n159205", b"n104308", b"n159644", b"n119652", b"n184564"]

def references(path):
    """References of HDF5 1.12 to objects, unset, to a region and an attribute, in attributes and datasets; times, which have a sign."""
    f = File(H5, path, low=V112)
    h5, refs = f.h5, []
    d = f.dataset(f.root, b"d", dims=(5,))
    h5.close(f.group(f.root, b"g"))
    f.number(d, b"n", 1)

    def ref(make, *args) -> bytes:
        value = np.zeros(64, "u1")
        getattr(h5, make)(f.id, *args, 0, value)
        refs.append(value)
        return value.tobytes()

    space = f.space((5,))
    h5.H5Sselect_hyperslab(space, 0, extents((1,)), None, extents((2,)), None)
    objects = ref("H5Rcreate_object", b"/d") + bytes(64) + ref("H5Rcreate_object", b"/g") + ref("H5Rcreate_object", b"/")
    f.attr(f.root, b"objects", h5.STD_REF, (2, 2), objects)
    f.attr(f.root, b"never written", h5.STD_REF, (2,))
    f.attr(f.root, b"lists", h5.H5Tvlen_create(h5.STD_REF), (2,), f.sequence(objects, 4) + f.sequence(b"", 0))
    pair = f.compound((b"ref", h5.STD_REF), (b"n", h5.STD_I32LE))
    pairs = b"".join(objects[64 * i:64 * i + 64] + struct.pack("<i", i) for i in range(4))
    f.attr(f.root, b"pairs", pair, (4,), pairs)
    f.attr(f.root, b"pair lists", h5.H5Tvlen_create(pair), (2,), f.sequence(pairs, 4) + f.sequence(b"", 0))
    f.attr(f.root, b"arrays", f.array(h5.STD_REF, 2), (2,), objects)
    f.attr(f.root, b"array lists", h5.H5Tvlen_create(f.array(h5.STD_REF, 2)), (), f.sequence(objects, 2))
    f.attr(f.root, b"lists of lists", h5.H5Tvlen_create(h5.H5Tvlen_create(h5.STD_REF)), (), f.sequence(f.sequence(objects, 4) + f.sequence(objects[:64], 1), 2))
    f.attr(f.root, b"list and more", f.compound((b"list", h5.H5Tvlen_create(h5.STD_REF)), (b"n", h5.STD_I32LE)), (), f.sequence(objects, 4) + struct.pack("<i", 5))
    f.attr(f.root, b"region", h5.STD_REF, (), ref("H5Rcreate_region", b"/d", space))
    f.attr(f.root, b"attribute", h5.STD_REF, (), ref("H5Rcreate_attr", b"/d", b"n"))
    h5.H5Dwrite(f.dataset(f.root, b"refs", h5.STD_REF, (4,)), h5.STD_REF, 0, 0, 0, np.frombuffer(objects, "u1").copy())
    f.dataset(f.root, b"unwritten", h5.STD_REF, (2,))
    t = h5.H5Tvlen_create(h5.STD_REF)
    h5.H5Dwrite(f.dataset(f.root, b"lists", t, (2,)), t, 0, 0, 0, np.frombuffer(f.sequence(objects, 4) + f.sequence(b"", 0), "u1").copy())
    h5.H5Dwrite(f.dataset(f.root, b"regions", h5.STD_REF, (1,)), h5.STD_REF, 0, 0, 0, refs[-2])
    for value in refs:
        h5.H5Rdestroy(value)
    for i, t in enumerate((h5.UNIX_D32LE, h5.UNIX_D32BE, h5.UNIX_D64LE, h5.UNIX_D64BE)):
        f.attr(f.root, b"time %d" % i, t, (2,), b"\xfe" + b"\xff" * (4 * (i // 2 + 1) - 1) + bytes(4 * (i // 2 + 1) - 1) + b"\1")
    return f


MADE = {
    "short_lengths": short_lengths, "references": references,
    "symbol_table": symbol_table, "dense_links": dense_links, "compact_links": compact_links,
    "dense_attributes": dense_attributes, "huge_attribute": huge_attribute, "shared_messages": shared_messages,
    "shared_messages_old": shared_messages_old, "committed": committed,
    "committed_v110": lambda p: committed(p, V110, V200), "cache_image": cache_image, "paged": paged,
    "small_offsets": small_offsets, "small_offsets_v110": lambda p: small_offsets(p, V110, V200),
    "wide_lengths": wide_lengths, "names": names, "compressed_heap": compressed_heap, "compressed_huge": compressed_huge,
    "continuation": continuation, "pointing": pointing, "types": types, "modern": modern,
    "committed_often": committed_often, "compressed_links": compressed_links, "compressed_huge_many": compressed_huge_many,
    "soft_chain": soft_chain, "hard_often": hard_often, "colliding": colliding,
}


def lines(tree: dict) -> str:
    """One line an object."""
    def part(objects: dict) -> str:
        return ",\n".join(f"{json.dumps(path, ensure_ascii=False)}: {json.dumps(o, ensure_ascii=False)}" for path, o in objects.items())

    return "{" + ",\n".join(f'"{kind}": {{\n{part(objects)}}}' for kind, objects in tree.items()) + "}\n"


if __name__ == "__main__":
    for name, make in MADE.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        path = HERE / f"{name}.h5"
        make(path).close()
        (HERE / f"{name}.json").write_text(lines(dump(path, OTHER if name == "cache_image" else H5)))
        print(f"{path.stat().st_size:8} {name}")
