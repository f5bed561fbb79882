"""Write what libhdf5 says about where datasets are stored, one JSON object a line.

    dump.py FILE...        dump these files
    dump.py --each < LIST  dump the files named on standard input, each line by a child that may crash

Every line has "file" and either "error", or "datasets": a list in the order of the walk along hard links. Chunks are
[coordinates in elements..., address, size, mask].
"""

import json
import os
import subprocess
import sys

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

LAYOUTS = ["compact", "contiguous", "chunked", "virtual"]


def fill_of(ds, dcpl):
    import numpy as np
    out = {"defined": dcpl.fill_value_defined()}
    dtype = ds.dtype
    simple = dtype.kind in "iuf" and dtype.itemsize == ds.get_type().get_size() and dtype.itemsize <= 8
    if out["defined"] == 2 and simple:
        value = np.zeros((), dtype)
        dcpl.get_fill_value(value)
        out["value"] = value.tobytes().hex()
    return out


def chunks_of(ds):
    out = []
    if ds.get_num_chunks():
        ds.chunk_iter(lambda c: out.append([*c.chunk_offset, c.byte_offset, c.size, c.filter_mask]))
    return out


def dataset(ds, path):
    import h5py
    dcpl = ds.get_create_plist()
    space = ds.get_space()
    layout = LAYOUTS[dcpl.get_layout()]
    out = {
        "path": path,
        "addr": h5py.h5o.get_info(ds).addr,
        "layout": layout,
        "type_size": ds.get_type().get_size(),
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
        out["storage"] = ds.get_storage_size()
    if layout == "chunked":
        out["chunk"] = list(dcpl.get_chunk())
        out["chunks"] = chunks_of(ds)
    return out


def walk(group, path, seen, out):
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
                out.append(dataset(obj, child))
            elif isinstance(obj, h5py.h5g.GroupID):
                walk(obj, child, seen, out)
        except Exception as e:
            out.append({"path": child, "error": str(e)[:300]})


def dump(name):
    import h5py
    try:
        fid = h5py.h5f.open(os.fsencode(name), h5py.h5f.ACC_RDONLY)
        root = h5py.h5g.open(fid, b"/")
        out = []
        walk(root, "", {h5py.h5o.get_info(root).addr}, out)
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
