"""Write what libhdf5 says about where datasets are stored, one JSON object a line.

    dump.py FILE...        dump these files
    dump.py --each < LIST  dump the files named on standard input, each line by a child that may crash

Every line has "file" and either "error", or "datasets": a list in the order of the walk along hard links. Chunks are
[coordinates in elements..., address, size, mask].
"""

import json
import math
import os
import subprocess
import sys

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

LAYOUTS = ["compact", "contiguous", "chunked", "virtual"]


def dtype_of(ds):
    """The NumPy type, None for types without one."""
    try:
        return ds.dtype
    except Exception:
        return None


def fill_of(ds, dcpl):
    import h5py
    import numpy as np
    out = {"defined": dcpl.fill_value_defined()}
    dtype = dtype_of(ds)
    simple = dtype is not None and dtype.kind in "iufS" and h5py.h5t.py_create(dtype).equal(ds.get_type())
    if out["defined"] == 2 and simple:
        value = np.zeros((), dtype)
        dcpl.get_fill_value(value)
        out["value"] = value.tobytes().hex()
    return out


def chunks_of(ds, name, dims, most, chunk):
    """All chunks within the extent.

    libhdf5 2.0 names the chunks of an extensible array wrongly, in H5Dchunk_iter and both H5Dget_chunk_info, where the
    unlimited axis is not the first: it counts as if that axis were the slowest without moving it to the front. So
    such names are put right, and every name is checked by reading the chunk.
    """
    out = []
    if ds.get_num_chunks():
        ds.chunk_iter(lambda c: out.append([*c.chunk_offset, c.byte_offset, c.size, c.filter_mask]))
    rank = len(dims)
    inside = lambda cs: [c for c in cs if all(a < n for a, n in zip(c, dims))]
    if most.count(-1) != 1 or most[0] == -1:
        return inside(out)
    with open(name, "rb") as f:
        if all(same(ds, f, c, rank) for c in inside(out)) and len(inside(out)) == len(out):
            return out
        out = inside([renamed(c, most, chunk) for c in out])
        assert all(same(ds, f, c, rank) for c in out), "chunks could not be named"
    return out


def renamed(c, most, chunk):
    rank, axis = len(most), most.index(-1)
    after = math.prod(-(-most[i] // chunk[i]) for i in range(axis + 1, rank))
    number = c[axis] // chunk[axis] * after
    for i in range(axis + 1, rank):
        number += c[i] // chunk[i] * math.prod(-(-most[k] // chunk[k]) for k in range(i + 1, rank))
    order = [axis] + [i for i in range(rank) if i != axis]
    at = [0] * rank
    for i in reversed(order[1:]):
        number, at[i] = divmod(number, -(-most[i] // chunk[i]))
    at[axis] = number
    return [a * n for a, n in zip(at, chunk)] + c[rank:]


def same(ds, f, c, rank):
    """Whether libhdf5 reads for these coordinates the bytes at this address."""
    try:
        mask, raw = ds.read_direct_chunk(tuple(c[:rank]))
    except Exception:
        return False
    f.seek(c[rank])
    return f.read(c[rank + 1]) == raw and mask == c[rank + 2]


def dataset(ds, path, name, base):
    import h5py
    dtype = dtype_of(ds)
    dcpl = ds.get_create_plist()
    space = ds.get_space()
    layout = LAYOUTS[dcpl.get_layout()]
    out = {
        "path": path,
        "addr": h5py.h5o.get_info(ds).addr,
        "layout": layout,
        "type_size": None if dtype is None or dtype.hasobject else ds.get_type().get_size(),
        "space": ["scalar", "simple", "null"][space.get_simple_extent_type()],
        "filters": [list(dcpl.get_filter(i)[:3]) for i in range(dcpl.get_nfilters())],
        "fill": fill_of(ds, dcpl),
    }
    if out["space"] == "simple":
        out["dims"] = list(space.get_simple_extent_dims())
        out["max"] = [-1 if n is None or n == h5py.h5s.UNLIMITED else n for n in space.get_simple_extent_dims(True)]
    out["external"] = [[n.decode("utf-8", "surrogateescape"), o, -1 if s == h5py.h5f.UNLIMITED else s]
                       for n, o, s in (dcpl.get_external(i) for i in range(dcpl.get_external_count()))]
    if layout == "contiguous" and not out["external"]:
        out["offset"] = ds.get_offset()
        if out["offset"] == base - 1:  # HADDR_UNDEF with the user block added
            out["offset"] = None
        out["storage"] = ds.get_storage_size()
    if layout == "chunked":
        out["chunk"] = list(dcpl.get_chunk())
        out["chunks"] = chunks_of(ds, name, out["dims"], out["max"], out["chunk"])
    return out


def walk(group, path, file, base, seen, out):
    import h5py
    for name in list(group):
        child = path + "/" + name.decode("utf-8", "surrogateescape")
        try:
            if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                continue
            obj = h5py.h5o.open(group, name)
            addr = h5py.h5o.get_info(obj).addr
            if addr in seen:
                continue
            seen.add(addr)
            if isinstance(obj, h5py.h5d.DatasetID):
                out.append(dataset(obj, child, file, base))
            elif isinstance(obj, h5py.h5g.GroupID):
                walk(obj, child, file, base, seen, out)
        except Exception as e:
            out.append({"path": child, "error": str(e)[:300]})


def dump(name):
    import h5py
    try:
        fid = h5py.h5f.open(os.fsencode(name), h5py.h5f.ACC_RDONLY)
        root = h5py.h5g.open(fid, b"/")
        out = []
        walk(root, "", name, fid.get_create_plist().get_userblock(), {h5py.h5o.get_info(root).addr}, out)
        return {"file": name, "datasets": out}
    except Exception as e:
        return {"file": name, "error": str(e)[:300]}


def start():
    return subprocess.Popen([sys.executable, __file__, "--child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def each(names):
    """Dump every file, with a new child after each crash."""
    child = start()
    for name in names:
        child.stdin.write(name.encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            line = json.dumps({"file": name, "error": "libhdf5 crashed"}).encode() + b"\n"
            child.wait()
            child = start()
        sys.stdout.buffer.write(line)
    child.stdin.close()
    child.wait()


def serve():
    import h5py
    h5py._errors.silence_errors()
    for line in sys.stdin:
        print(json.dumps(dump(line.rstrip("\n"))), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--each":
        each([line.rstrip("\n") for line in sys.stdin])
    elif sys.argv[1] == "--child":
        serve()
    else:
        for file in sys.argv[1:]:
            print(json.dumps(dump(file)))
