"""HDF5 files drawn by a seed for their metadata: libraries x bounds x structures of groups, attributes and headers.

    python testdata/tests/generated_meta.py DIR FIRST COUNT [LIBHDF5 ..]     writes files FIRST to FIRST+COUNT-1

The libraries that write are those of h5py, PyTables, netCDF4, the system, and those named. A file with a cache image has
"image" in its name: HDF5 2.0 cannot read these, and writes some that nothing reads.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import traceback
from pathlib import Path

from generated_meta_packages import PACKAGES
from generated_meta_types import Draw, Drawn
from h5lib import Library, carried
from h5make import INDEXED, SHARE_ALL, TRACKED, File, newest

SEED = 14
MISTAKE = 3  # how a process ends that failed for no reason of libhdf5's
SECONDS = 30  # of one file
SYSTEM = "/usr/lib/x86_64-linux-gnu/libhdf5_serial.so.103"
NAMES = [b"a", b"energy", b"with space", "größe".encode(), "日本".encode(), b"caf\xe9", b"\xff", b"back\\slash", b"\\xe9", b"..x", b" ", b"n" * 300, b"NUL", b"CLASS", b"a\nb"]


def libraries(more: list[str]) -> list[str]:
    return [*(carried(p) for p in ("h5py", "h5py", "tables", "netcdf4")), *([SYSTEM] if Path(SYSTEM).exists() else []), *more]


def make(root: Path, index: int, written_by: list[str]) -> None:
    """Writes file number index. What a library refuses, or dies over, is drawn again."""
    for attempt in range(100):
        rng = random.Random(f"{SEED} {index} {attempt}")
        if done(package if rng.random() < 0.2 else drawn, root, f"{index:04}", rng, written_by):
            return
        for part in root.glob(f"{index:04}*"):
            part.unlink()
    raise SystemExit(f"file {index}: every draw is refused")


def done(do, *args) -> bool:
    """In a process of its own: one has one libhdf5, and a refusal can leave that in a state in which it crashes."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == MISTAKE:
            raise SystemExit(f"{do.__name__} {args}: a mistake of the generator")
        return status == 0
    code = 1
    try:
        signal.alarm(SECONDS)
        do(*args)
        code = 0
    except RuntimeError:
        pass
    except BaseException:
        traceback.print_exc()
        code = MISTAKE
    os._exit(code)


def package(root: Path, stem: str, rng: random.Random, written_by: list[str]) -> None:
    how = rng.choice(list(PACKAGES))
    PACKAGES[how](str(root / f"{stem}_{how}.h5"), rng)


def drawn(root: Path, stem: str, rng: random.Random, written_by: list[str]) -> None:
    h5 = Library(rng.choice(written_by))
    low, high = bounds(h5, rng)
    image = (1, 10, 1) <= h5.version < (2,) and low >= 2 and rng.random() < 0.15
    options, slashes = creation(h5, rng), low == 0 and rng.random() < 0.05
    version = "".join(map(str, h5.version))
    path = root / f"{stem}_{version}_{low}{high}{'_image' if image else ''}.h5"
    small = options["sizes"][0] < 8
    f = File(h5, path, low, high, image=image, tune=tuning(rng), **options)
    h5.close(f.dataset(f.root, b"target", dims=(5,)))
    writer = Writer(Draw(rng, f, small), low)
    writer.work(rng.randint(4, 14))
    if slashes:
        h5.close(f.group(f.root, b"S@L@H"))
        f.number(f.root, b"S@L@H", 1)
    writer.close()
    for _ in range(rng.choice([0, 0, 1, 2])):
        f = File(h5, path, *bounds(h5, rng), mode="a", tune=tuning(rng))
        writer = Writer(Draw(rng, f, small), low, writer.paths)
        writer.work(rng.randint(1, 6))
        writer.close()
    if path.stat().st_size >= 1 << 8 * options["sizes"][0]:
        raise RuntimeError("libhdf5 wrote addresses that do not fit")
    if slashes:
        slash(path)


def slash(path: Path) -> None:
    """Puts slashes into a name, which libhdf5 makes none of, where no checksum would tell."""
    data = path.read_bytes()
    if not any(signature in data for signature in (b"OHDR", b"FRHP", b"SMTB")):
        path.write_bytes(data.replace(b"S@L@H", b"S/L/H"))


def bounds(h5: Library, rng: random.Random) -> tuple[int, int]:
    top = newest(h5)
    low = rng.choice([0, 0, *range(top + 1)])
    return low, top if h5.version < (1, 10, 2) else rng.randint(max(1, low), top)


def tuning(rng: random.Random):
    """Where things come to lie."""
    block, alignment = rng.choice([1, 64, 2048, 2048, 100_000]), rng.choice([1, 1, 8, 512])

    def tune(h5: Library, access: int) -> None:
        h5.H5Pset_meta_block_size(access, block)
        h5.H5Pset_alignment(access, 100, alignment)

    return tune


def creation(h5: Library, rng: random.Random) -> dict:
    out: dict = {"userblock": rng.choice([0, 0, 0, 512, 2048]), "sizes": rng.choice([(8, 8)] * 5 + [(4, 4), (8, 4), (4, 8), (2, 8)])}
    if rng.random() < 0.4:
        out["sym_k"] = (rng.randint(1, 4), rng.randint(1, 4))
    if rng.random() < 0.2:
        out["istore_k"] = rng.randint(1, 64)
    if h5.version >= (1, 10, 1) and rng.random() < 0.3:
        out["strategy"] = rng.randrange(4)
        if out["strategy"] == 1:
            out["page"] = rng.choice([512, 4096, 1000])
    if rng.random() < 0.2:
        out["shared"] = rng.choice([[(SHARE_ALL, rng.choice([1, 20, 100]))], [(0x03, 1), (0x10, 10)], [(0x10, 40)], [(1, 1), (2, 1), (4, 1), (8, 1), (16, 1)]])
        out["phase"] = rng.choice([(50, 40), (2, 1), (0, 0)])
    return out | object_options(rng)


def object_options(rng: random.Random, group: bool = True) -> dict:
    out: dict = {}
    if rng.random() < 0.3:
        out["attr_order"] = rng.choice([TRACKED, INDEXED])
    if rng.random() < 0.4:
        out["attr_phase"] = rng.choice([(0, 0), (2, 1), (3, 2), (200, 100)])
    if group and rng.random() < 0.3:
        out["order"] = rng.choice([TRACKED, INDEXED])
    if group and rng.random() < 0.4:
        out["link_phase"] = rng.choice([(0, 0), (2, 1), (3, 2), (400, 100)])
    if group and rng.random() < 0.2:
        out["estimate"] = rng.choice([(1, 4), (30, 12)])
    if group and rng.random() < 0.1:
        out |= {"filters": rng.choice([("deflate",), ("fletcher32",), ("deflate", "fletcher32")]), "link_phase": (0, 0)}
    return out


class Writer:
    """Does one thing after another to a file. paths are of what it made; what was deleted is not among them."""

    def __init__(self, d: Draw, low: int, paths: list[bytes] | None = None):
        self.d, self.rng, self.f, self.h5, self.low = d, d.rng, d.file, d.file.h5, low
        self.paths = d.targets = [] if paths is None else paths
        self.groups = [b"/"] + [p for p in self.paths if p.endswith(b"/")]
        self.count = len(self.paths)

    def close(self) -> None:
        self.d.release()
        self.f.close()

    def work(self, steps: int) -> None:
        for _ in range(steps):
            self.rng.choice([self.group, self.group, self.dataset, self.commit, self.attributes, self.attributes, self.attributes, self.links, self.links,
                             self.many, self.large, self.delete_links, self.delete_attributes, self.comment, self.copy, self.deep, self.flush])()

    def name(self) -> bytes:
        self.count += 1
        kind = self.rng.random()
        if kind < 0.5:
            return b"%s %d" % (self.rng.choice(NAMES), self.count)
        return b"%s%d" % (self.rng.choice([b"n", b"object ", b"x" * self.rng.randint(1, 90)]), self.count)

    def open(self, path: bytes) -> int:
        return self.h5.H5Oopen(self.f.id, path, 0)

    def parent(self) -> tuple[int, bytes]:
        path = self.rng.choice(self.groups)
        return self.open(path), path

    def owner(self) -> int:
        """Anything that has attributes."""
        return self.open(self.rng.choice([b"/", b"/target", *self.paths]))

    def group(self) -> None:
        at, path = self.parent()
        name = self.name()
        self.h5.close(self.f.group(at, name, **object_options(self.rng)), at)
        self.paths.append(path + name + b"/")
        self.groups.append(self.paths[-1])

    def dataset(self) -> None:
        at, path = self.parent()
        name = self.name()
        t = self.rng.choice(self.d.committed).id if self.d.committed and self.d.chance(0.5) else None
        self.h5.close(self.f.dataset(at, name, t, self.rng.choice([(), (2,), (0,), (2, 3), "null"]), **object_options(self.rng, False)), at)
        self.paths.append(path + name)

    def commit(self) -> None:
        at, path = self.parent()
        drawn, name = self.d.type(), self.name()
        t = self.h5.H5Tcopy(drawn.id)
        self.f.commit(at, name, t)
        self.d.committed.append(Drawn(t, drawn.one))
        self.paths.append(path + name)
        self.h5.close(at)

    def attributes(self) -> None:
        owner = self.owner()
        for _ in range(self.rng.choice([1, 1, 2, 5, 12, 30])):
            self.attribute(owner, self.d.type())
        self.h5.close(owner)

    def attribute(self, owner: int, t: Drawn, dims=None) -> None:
        dims = self.d.space() if dims is None else dims
        n = 1
        for extent in dims if dims != "null" else (0,):
            n *= extent
        self.f.attr(owner, self.name(), t.id, dims, t.data(n) if n and self.d.chance(0.95) else b"")

    def links(self) -> None:
        at, path = self.parent()
        name, target = self.name(), self.rng.choice([b"/target", b"/", b"nowhere", b"\xff/x", b"/" + b"deep/" * 100, *self.paths])
        match self.rng.randrange(5):
            case 0 | 1:
                self.f.soft(at, name, target)
            case 2:
                self.f.external(at, name, self.rng.choice([b"other.h5", "größe.h5".encode(), b"/caf\xe9.h5"]), target)
            case 3 if self.low:
                self.f.user(at, name, b"anything")
            case _:
                self.f.hard(self.f.id, self.rng.choice([b"/target", b"/", *self.paths]), at, name)
        self.h5.close(at)

    def many(self) -> None:
        """Links or attributes in numbers that make trees deep."""
        owner, path = self.parent()
        n, length = self.rng.choice([20, 60, 60, 150, 500, 1500]), self.rng.choice([1, 20, 60])
        start = self.count
        if self.d.chance(0.4):
            t = self.d.type(1)
            for i in range(min(n, 300 if self.low else 60)):
                self.attribute(owner, t, ())
        else:
            for i in range(n):
                name = b"%s %d" % (b"m" * length, start + i * 7919 % n)
                self.rng.choice([lambda: self.f.hard(self.f.id, b"/target", owner, name), lambda: self.f.soft(owner, name, b"/target")])()
            for i in range(0, n, self.rng.choice([1000, 7, 2])):
                self.h5.H5Ldelete(owner, b"%s %d" % (b"m" * length, start + i), 0)
        self.count += n
        self.h5.close(owner)

    def large(self) -> None:
        """An attribute of kilobytes; of more than 64, where it can be dense."""
        at, path = self.parent()
        name = self.name()
        g = self.f.group(at, name, attr_phase=(0, 0) if self.low else None)
        self.paths.append(path + name + b"/")
        sizes = [5_000, 20_000, 60_000] + ([66_000, 70_000, 300_000, 2_000_000] if self.low else [])
        if self.d.chance(0.7):
            n = self.rng.choice(sizes)
            self.f.attr(g, self.name(), self.h5.STD_U8LE, (n,), self.rng.randbytes(n))
        else:
            self.f.attr(g, self.name(), self.f.string(None), (n := self.rng.choice([500, 3000]),), self.f.texts(*(b"text %d" % i for i in range(n))))
        self.h5.close(g, at)

    def delete_links(self) -> None:
        at, path = self.parent()
        names = [self.name() for _ in range(self.rng.choice([2, 5, 20]))]
        for name in names:
            self.f.soft(at, name, b"x" * self.rng.randint(1, 200))
        for name in self.rng.sample(names, len(names) // 2):
            self.h5.H5Ldelete(at, name, 0)
            if self.d.chance(0.3):
                self.f.soft(at, name, b"again")
        if self.d.chance(0.3):
            self.f.soft(at, names[0] + b" still", b"x")
            self.h5.H5Lmove(at, names[0] + b" still", at, b"moved %d" % self.count, 0, 0)
        self.h5.close(at)

    def delete_attributes(self) -> None:
        owner = self.owner()
        names = [self.name() for _ in range(self.rng.choice([2, 5, 20]))]
        for name in names:
            self.f.text(owner, name, b"t" * self.rng.randint(0, 100))
        gone = self.rng.sample(names, len(names) // 2)
        for name in gone:
            self.h5.H5Adelete(owner, name)
        left = next(name for name in names if name not in gone)
        self.h5.H5Arename(owner, left, self.name())
        self.h5.close(owner)

    def comment(self) -> None:
        owner = self.owner()
        self.h5.H5Oset_comment(owner, b"a comment " * self.rng.randint(0, 9))
        self.h5.close(owner)

    def copy(self) -> None:
        at, path = self.parent()
        what, name = self.rng.choice([b"/target", *self.paths]), self.name()
        self.h5.H5Ocopy(self.f.id, what, at, name, 0, 0)
        self.h5.close(at)

    def deep(self) -> None:
        at, path = self.parent()
        for _ in range(self.rng.choice([3, 12, 40])):
            name = self.name()
            below = self.f.group(at, name, **object_options(self.rng))
            self.h5.close(at)
            at, path = below, path + name + b"/"
            self.paths.append(path)
        self.h5.close(at)

    def flush(self) -> None:
        self.h5.H5Fflush(self.f.id, 1)


if __name__ == "__main__":
    written_by = libraries(sys.argv[4:])
    for k in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
        make(Path(sys.argv[1]), k, written_by)
