"""What elements have to become: libhdf5 converts to native memory types, NumPy and pyarrow make Arrow tables of them."""

import ctypes
import json

import h5py
import numpy as np
import pyarrow as pa
from h5py import h5r, h5s, h5t

current = []  # the file that references point into


class Refused(Exception):
    pass


def render(t, cls, o):
    """Memory type, bytes in memory, and a function of (n, bytes) cells that gives an Arrow array."""
    kind, strings = t.get_class(), pa.binary() if o.get("strings") == "binary" else pa.utf8()
    if kind in (h5t.INTEGER, h5t.BITFIELD):
        width = next(w for w in (1, 2, 4, 8) if w >= t.get_size())
        signed = kind == h5t.INTEGER and t.get_sign() == h5t.SGN_2
        dt = np.dtype(f"{'i' if signed else 'u'}{width}")
        mem = h5t.py_create(dt) if kind == h5t.INTEGER else getattr(h5t, f"NATIVE_B{8 * width}")
        if kind == h5t.BITFIELD and width == 1 and cls:
            return mem, 1, lambda c: pa.array(view(c, "u1") != 0), "|b1"
        return mem, width, lambda c: pa.array(view(c, dt)), dt.str
    if kind == h5t.FLOAT:
        _, _, exp, _, mant = t.get_fields()
        size = 2 if (t.get_size(), exp, mant) == (2, 5, 10) else 4 if exp <= 8 and mant <= 23 else 8
        mem = {2: h5t.IEEE_F16LE, 4: h5t.IEEE_F32LE, 8: h5t.IEEE_F64LE}[size]
        wide = "f4" if size == 2 and o.get("plain") else f"f{size}"
        return mem, size, lambda c: pa.array(view(c, f"f{size}").astype(wide)), f"<f{size}"
    if kind == h5t.ENUM:
        return enum(t, o)
    if kind == h5t.TIME:
        dt = np.dtype((">" if t in (h5t.UNIX_D32BE, h5t.UNIX_D64BE) else "<") + f"i{t.get_size()}")
        return t, dt.itemsize, lambda c: when(view(c, dt).astype(dt.newbyteorder("=")), o), f"<{'i4' if dt.itemsize == 4 else 'f8'}"
    if kind == h5t.STRING and not t.is_variable_str():
        size, pad = t.get_size(), t.get_strpad()
        return t, size, lambda c: text([unpad(bytes(v), pad) for v in c], strings), f"|S{size}"
    if kind == h5t.STRING:
        return t, 8, lambda c: text([ctypes.string_at(int(p)) if p else b"" for p in view(c, "u8")], strings), None
    if kind == h5t.OPAQUE:
        return opaque(t)
    if kind in (h5t.COMPOUND, h5t.COMPLEX):
        return compound(t, cls, o)
    if kind == h5t.ARRAY:
        mem, size, make, code = render(t.get_super(), cls, o)
        dims, base = t.get_array_dims(), t.get_super()
        while base.get_class() == h5t.ARRAY:
            dims, base = dims + base.get_array_dims(), base.get_super()
        _, inner, make, code = render(base, cls, o)
        total = inner * int(np.prod(dims))
        return h5t.array_create(mem, t.get_array_dims()), total, lambda c: arrays(c, inner, dims, make, o), code and (code, list(dims))
    if kind == h5t.VLEN:
        mem, size, make, _ = render(t.get_super(), cls, o)
        return h5t.vlen_create(mem), 16, lambda c: lists(c, size, make), None
    if kind == h5t.REFERENCE and t.equal(h5t.STD_REF_OBJ):
        return h5t.py_create(h5py.ref_dtype), 8, lambda c: pa.array([path(int(p)) for p in view(c, "u8")], pa.utf8()), None
    if kind == h5t.REFERENCE:
        return t, t.get_size(), lambda c: pa.array([bytes(v) for v in c], pa.binary(t.get_size())), f"|V{t.get_size()}"
    raise Refused(kind)


def view(cells, dt):
    return np.ascontiguousarray(cells).reshape(-1).view(dt)


def unpad(v, pad):
    if pad == h5t.STR_NULLTERM:
        return v.split(b"\0")[0]
    v = v.rstrip(b"\0")  # also below a space-padded one: what was never written is NULs
    return v.rstrip(b" ") if pad == h5t.STR_SPACEPAD else v


def text(values, kind):
    try:
        return pa.array([v.decode() if kind == pa.utf8() else v for v in values], kind)
    except UnicodeDecodeError:
        raise Refused("utf8") from None


def path(pointer):
    ref = ctypes.cast(pointer, ctypes.py_object).value if pointer else None
    return h5r.get_name(ref, current[0].id).decode() if ref else None


def enum(t, o):
    mem, size, make, code = render(t.get_super(), "", o)
    names = {}
    for i in range(t.get_nmembers()):
        names.setdefault(t.get_member_value(i), t.get_member_name(i).decode())
    if sorted(names.items()) == [(0, "FALSE"), (1, "TRUE")]:
        return mem, size, lambda c: pa.array(np.array(make(c)) != 0), "|b1"
    if o.get("enum") == "int":
        return mem, size, make, code
    words = list(dict.fromkeys(names.values()))

    def array(c):
        found = [names.get(v) for v in make(c).to_pylist()]
        if o.get("plain"):
            return pa.array(found, pa.utf8())
        places = pa.array([None if w is None else words.index(w) for w in found], pa.int32())
        return pa.DictionaryArray.from_arrays(places, pa.array(words, pa.utf8()))
    return mem, size, array, code


def when(v, o):
    if v.itemsize == 4:
        return pa.array(v) if o.get("time") == "numeric" else pa.array(v.astype("i8")).cast(pa.timestamp("s"))
    seconds, micros = v >> 32, v.astype("i4")
    if o.get("time") == "numeric":
        return pa.array(1e-6 * micros + seconds)
    return pa.array(seconds * 1000000 + micros).cast(pa.timestamp("us"))


def opaque(t):
    size, tag = t.get_size(), t.get_tag().decode()
    for unit in ("s", "ms", "us", "ns"):
        for kind, make in (("M", pa.timestamp), ("m", pa.duration)):
            for order in ("", "<", ">", "=", "|"):
                if size == 8 and tag == f"NUMPY:{order}{kind}8[{unit}]":
                    dt = ">i8" if order == ">" else "<i8"

                    def array(c, make=make, unit=unit, dt=dt):
                        v = view(c, dt).astype("i8")
                        return pa.array(v, mask=v == np.iinfo("i8").min).cast(make(unit))
                    return t, size, array, f"<{kind}8[{unit}]"
    return t, size, lambda c: pa.array([bytes(v) for v in c], pa.binary(size)), f"|V{size}"


def compound(t, cls, o):
    if t.get_class() == h5t.COMPLEX:
        base, size, make, code = render(t.get_super(), cls, o)
        pair = {2: h5t.COMPLEX_IEEE_F16LE, 4: h5t.COMPLEX_IEEE_F32LE, 8: h5t.COMPLEX_IEEE_F64LE}[size]
        parts, mem, at = [("r", 0, size, make, code), ("i", size, size, make, code)], pair, 2 * size
    else:
        parts, at, types = [], 0, []
        for i in range(t.get_nmembers()):
            m, size, make, code = render(t.get_member_type(i), cls, o)
            parts.append((t.get_member_name(i).decode(), at, size, make, code))
            types.append((t.get_member_name(i), at, m))
            at += size
        mem = h5t.create(h5t.COMPOUND, at)
        for x in types:
            mem.insert(*x)
    pair = t.get_class() == h5t.COMPLEX or is_pair(t)
    if pair:
        parts = [(n, *p[1:]) for n, p in zip("ri", parts)]

    def array(c):
        return pa.StructArray.from_arrays([make(c[:, at:at + n]) for _, at, n, make, _ in parts], [p[0] for p in parts])
    code = [[p[0], *(p[4] if isinstance(p[4], tuple) else [p[4]])] for p in parts]
    if any(p[4] is None for p in parts):
        code = None
    elif pair and at > 4:
        code = f"<c{at}"
    return mem, at, array, code


def is_pair(t):
    if t.get_class() != h5t.COMPOUND or t.get_nmembers() != 2 or t.get_member_class(0) != h5t.FLOAT:
        return False
    names = (t.get_member_name(0), t.get_member_name(1))
    return names in ((b"r", b"i"), (b"real", b"imag")) and t.get_member_type(0) == t.get_member_type(1)


def arrays(cells, inner, dims, make, o):
    n, total = len(cells), int(np.prod(dims))
    out = make(np.ascontiguousarray(cells).reshape(n * total, inner))
    if o.get("tensors") != "nested":
        out = fixed(out, total, n, o)
        return pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(out.type.value_type, list(dims)), out) \
            if len(dims) > 1 and not o.get("plain") else out
    for i in reversed(range(len(dims))):
        out = fixed(out, dims[i], n * int(np.prod(dims[:i])), o)
    return out


def fixed(values, width, n, o):
    if o.get("plain"):
        return pa.ListArray.from_arrays(pa.array(np.arange(n + 1) * width, pa.int32()), values)
    return pa.FixedSizeListArray.from_arrays(values, width) if width else pa.array([[]] * n, pa.list_(values.type, 0))


def lists(cells, size, make):
    pairs = view(cells, "u8").reshape(-1, 2)
    parts = [ctypes.string_at(int(p), int(n) * size) for n, p in pairs]
    flat = np.frombuffer(b"".join(parts), "u1").reshape(-1, size)
    ends = np.concatenate([[0], np.cumsum([len(p) // size for p in parts])])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), make(flat))


def pseudo(kind, cells, size, o):
    pairs = view(cells, "u8").reshape(-1, 2)
    rows = [ctypes.string_at(int(p), int(n) * size) for n, p in pairs]
    if kind == "object":
        return pa.array(rows, pa.binary())
    if kind == "vlunicode":
        rows = ["".join(map(chr, np.frombuffer(r, f"u{size}"))).encode() for r in rows]
    return text(rows, pa.binary() if o.get("strings") == "binary" else pa.utf8())


def table(case, o, fields):
    """The table a case has to become."""
    d, cls, kind = case["dset"], case["class"], case["pseudo"]
    t = case["type"].copy()
    mem, size, make, code = render(t, cls, o)
    values = np.zeros(d.shape, f"V{size}")
    d.id.read(h5s.ALL, h5s.ALL, values, mem)
    cells = values.reshape(-1).view("u1").reshape(-1, size)
    inner = list(d.shape[1:])
    if o.get("layout") == "rows":
        return rows(t, cells, inner, code, cls, fields, d.shape[0], case["name"])
    columns = [(case["name"], t, 0, size)]
    if t.get_class() == h5t.COMPOUND and (cls == "TABLE" or not is_pair(t)):
        columns = members(t, cls, o)
        columns = [next(c for c in columns if c[0] == n) for n in fields] if fields else [c for c in columns if c[4]]
    out = []
    for name, ct, at, n, *_ in columns:
        part = np.ascontiguousarray(cells[:, at:at + n])
        make = render(ct, cls, o)[2]
        if inner:
            dims, base, n1 = inner, ct, n
            while base.get_class() == h5t.ARRAY:
                dims, base = dims + list(base.get_array_dims()), base.get_super()
            _, n1, make1, _ = render(base, cls, o)
            array = arrays(part.reshape(d.shape[0], -1), n1, dims, make1, o)
        elif kind:
            array = pseudo(kind, part, render(ct.get_super(), cls, o)[1], o)
        else:
            array = make(part)
        out += flatten(name, array) if o.get("plain") else [(name, array)]
    return pa.table([a for _, a in out], [n for n, _ in out])


def members(t, cls, o, prefix="", at=0):
    out = []
    for i in range(t.get_nmembers()):
        mt, name = t.get_member_type(i), prefix + t.get_member_name(i).decode()
        size = render(mt, cls, o)[1]
        out.append((name, mt, at, size, not prefix))
        if mt.get_class() == h5t.COMPOUND and not is_pair(mt):
            out += members(mt, cls, o, name + "/", at)
        at += size
    return out


def flatten(name, a):
    if not pa.types.is_struct(a.type):
        return [(name, a)]
    return [p for x, c in zip(a.type, a.flatten()) for p in flatten(f"{name}.{x.name}", c)]


def rows(t, cells, inner, code, cls, fields, n, name):
    if cls == "TABLE" and is_pair(t):
        code = [[t.get_member_name(i).decode(), render(t.get_member_type(i), cls, {})[3]] for i in range(2)]
    chosen = code
    if fields:
        flat = {m[0]: m for m in members(t, cls, {})}
        chosen = []
        for x in fields:
            part = render(flat[x][1], cls, {})[3]
            chosen.append([x, *(part if isinstance(part, tuple) else [part])])
    if chosen is None or any(x[1] is None for x in chosen if fields):
        raise Refused("rows")
    got = np.zeros(len(cells), numpy_type(chosen))
    if fields:
        for x in fields:
            _, mt, at, size, _ = flat[x]
            fill(got[x], mt, cells[:, at:at + size], cls)
    else:
        fill(got, t, cells, cls)
    if inner:
        base, dims = chosen if isinstance(chosen, tuple) else (chosen, [])
        chosen = [base, inner + dims]
    elif isinstance(chosen, tuple):
        chosen = list(chosen)
    raw, width = got.tobytes(), got.nbytes // n
    array = pa.array([raw[i * width:(i + 1) * width] for i in range(n)], pa.binary(width))
    return pa.table([array], pa.schema([pa.field(name, array.type, metadata={"numpy.dtype": json.dumps(chosen)})]))


def numpy_type(code):
    if isinstance(code, str):
        return np.dtype(code)
    if isinstance(code, tuple):
        return np.dtype((numpy_type(code[0]), tuple(code[1])))
    return np.dtype([(n, numpy_type(k), *map(tuple, s)) for n, k, *s in code])


def fill(out, t, cells, cls):
    """Cells in memory form into an array of the row's type."""
    kind = t.get_class()
    if kind == h5t.ARRAY:
        n = int(np.prod(t.get_array_dims()))
        base = t.get_super()
        part = np.ascontiguousarray(cells).reshape(len(cells) * n, -1)
        tmp = np.zeros(len(part), numpy_type(render(base, cls, {})[3]))
        fill(tmp, base, part, cls)
        out[...] = tmp.reshape(out.shape)
    elif kind == h5t.COMPOUND and out.dtype.names:
        at = 0
        for i, n in enumerate(out.dtype.names):
            size = render(t.get_member_type(i), cls, {})[1]
            fill(out[n], t.get_member_type(i), cells[:, at:at + size], cls)
            at += size
    elif kind == h5t.TIME:
        a = render(t, cls, {"time": "numeric"})[2](cells)
        out[...] = a.to_numpy().reshape(out.shape)
    elif out.dtype.kind == "b":
        size = render(t, cls, {})[1]
        out[...] = np.any(np.ascontiguousarray(cells).reshape(-1, size), axis=1)
    elif out.dtype.kind in "Mm":
        order = ">" if b":>" in t.get_tag() else "<"
        out[...] = view(cells, order + "i8").astype("i8").view(out.dtype)
    else:
        out[...] = view(cells, out.dtype)
