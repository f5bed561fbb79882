"""A file system of a folder's files that hang on demand, by /dev/fuse alone: `python deaddisk.py SOURCE MOUNTPOINT CONTROL`.

CONTROL is JSON: {"name.h5": {"read": OFFSET}} has reads beyond an offset hang, {"name.h5": {"open": 0}} its opening, {"getattr": 0} and
{"lookup": 0} what is asked of the name. What hangs goes on when it is taken out of CONTROL. Reads are asynchronous, as libfuse's are, and
many may be under way: the kernel lets go a process that is killed in one, which of others it does not.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
import threading
import time
from pathlib import Path

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
GETXATTR, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, DESTROY = 22, 25, 26, 27, 28, 29, 36, 38
ROOT = 1


class Disk:
    """What is answered to the kernel."""

    def __init__(self, source: Path, control: Path, fd: int) -> None:
        self.source, self.control, self.fd = source, control, fd
        self.names = {i + 2: p.name for i, p in enumerate(sorted(source.iterdir()))}
        self.numbers = {name: number for number, name in self.names.items()}

    def reply(self, unique: int, body: bytes = b"", error: int = 0) -> None:
        try:
            os.write(self.fd, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except OSError:
            pass  # nobody asks any more

    def hang(self, name: str, what: str, end: int = 1) -> None:
        while True:
            try:
                start = json.loads(self.control.read_text()).get(name, {}).get(what)
            except ValueError:
                continue
            if start is None or end <= start:
                return
            time.sleep(0.05)

    def attributes(self, number: int) -> bytes:
        s = (self.source / self.names.get(number, "")).stat()
        return struct.pack("<6Q10I", number, s.st_size, (s.st_size + 511) // 512, int(s.st_atime), int(s.st_mtime), int(s.st_ctime),
                           0, 0, 0, s.st_mode, 1, s.st_uid, s.st_gid, 0, 4096, 0)

    def read(self, name: str, offset: int, size: int) -> bytes:
        self.hang(name, "read", offset + size)
        with (self.source / name).open("rb") as f:
            f.seek(offset)
            return f.read(size)

    def listing(self, offset: int) -> bytes:
        out = b""
        for number, name in list(self.names.items())[offset:]:
            raw = name.encode()
            out += struct.pack("<QQII", number, number - 1, len(raw), 8) + raw + bytes(-len(raw) % 8)
        return out

    def answer(self, kind: int, number: int, body: bytes) -> bytes:
        name = self.names.get(number, "")
        if kind == INIT:
            return struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 1, 4096, 4096, 1 << 16, 1, 0, 0, 0, *[0] * 7)
        if kind == LOOKUP:
            wanted = body.rstrip(b"\0").decode()
            if wanted not in self.numbers:
                raise FileNotFoundError(2, wanted)
            self.hang(wanted, "lookup")
            return struct.pack("<4QII", self.numbers[wanted], 0, 0, 0, 0, 0) + self.attributes(self.numbers[wanted])
        if kind == GETATTR:
            self.hang(name, "getattr")
            return struct.pack("<QII", 0, 0, 0) + self.attributes(number)
        if kind in (OPEN, OPENDIR):
            self.hang(name, "open")
            return struct.pack("<QII", 1, 2, 0)  # FOPEN_KEEP_CACHE
        if kind == READ:
            return self.read(name, *struct.unpack_from("<8xQI", body))
        if kind == READDIR:
            return self.listing(struct.unpack_from("<8xQ", body)[0])
        if kind == STATFS:
            return struct.pack("<5QIII24x", 0, 0, 0, 0, 0, 4096, 255, 4096)
        if kind in (RELEASE, FLUSH, RELEASEDIR):
            return b""
        raise OSError(38, "not implemented")

    def serve(self, kind: int, unique: int, number: int, body: bytes) -> None:
        try:
            self.reply(unique, self.answer(kind, number, body))
        except OSError as e:
            self.reply(unique, error=e.errno or 5)


def mount(source: Path, at: Path, control: Path) -> Disk:
    fd = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"deaddisk", str(at).encode(), b"fuse", 6, options):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return Disk(source, control, fd)


def main() -> None:
    disk = mount(*map(Path, sys.argv[1:4]))
    print("mounted", flush=True)
    while True:
        try:
            message = os.read(disk.fd, 1 << 18)
        except OSError as e:
            if e.errno in (2, 4):  # given up meanwhile
                continue
            return
        length, kind, unique, number = struct.unpack_from("<IIQQ", message)
        if kind not in (FORGET, INTERRUPT, DESTROY, 42):
            threading.Thread(target=disk.serve, args=(kind, unique, number, message[40:length]), daemon=True).start()


if __name__ == "__main__":
    main()
