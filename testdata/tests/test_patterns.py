"""Local files by a pattern through the Python package: `mtflight.open` gives the tables of all of them."""

from __future__ import annotations

import os
import pickle
import shutil
import sys

import duckdb
import h5py
import numpy as np
import pytest

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
import mtflight.duckdb  # noqa: E402

ROW = np.dtype([("id", "i4"), ("e", "f8")])


def rows(day: int) -> np.ndarray:
    out = np.zeros(10 * day, ROW)
    out["id"], out["e"] = np.arange(len(out)) + 1000 * day, day
    return out


def write(path, day: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as f:
        f["events"], f["g/image"], f[f"only{day}"] = rows(day), np.full((day, 4), day), [day]


DAYS = {"2023-9": 1, "2024-2": 2, "2024-10": 3}


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    top = tmp_path_factory.mktemp("patterns")
    for name, day in DAYS.items():
        write(top / "runs" / name / "events.h5", day)
    write(top / "runs" / "2024-2" / "night" / "events.h5", 4)
    (top / "runs" / "2024-2" / "notes.txt").write_text("no HDF5")
    return top


@pytest.fixture
def there(top, monkeypatch):
    """Patterns are relative to the program's folder."""
    monkeypatch.chdir(top)
    return top


def of(*days: int) -> list[int]:
    return np.concatenate([rows(day)["id"] for day in days]).tolist()


@pytest.mark.parametrize(("pattern", "days"), [
    ("runs/2024-*/events.h5", [2, 4, 3]), ("runs/202?-?/events.h5", [1, 2]), ("runs/*-[!2]*", [1, 3]), ("./runs/2023-*/*.h5", [1]), ("**/night/*.h5", [4]),
    ("runs/**/events.h5", [1, 2, 4, 3]), ("runs/../runs/2024-2/e*", [2])])
def test_a_pattern_is_one_table(there, pattern, days):
    for name in (pattern, f"{there}/{pattern}"):
        with mtflight.open(name) as files:
            assert files["/events"]["id"].tolist() == files["events"].to_pandas()["id"].tolist() == of(*days)
            assert files["/g/image"].shape == (sum(days), 4)
            assert len(files.files) == len(days)


def test_names_are_those_that_all_files_have(there):
    files = mtflight.open("runs/2024-*/events.h5")
    assert list(files) == ["/events", "/g/image"] and len(files) == 2 and "/only2" not in files and "/events" in files
    assert list(mtflight.open("runs/2023-*/events.h5")) == ["/events", "/g/image", "/only1"]
    assert sorted(files.files) == ["2024-10/events.h5", "2024-2/events.h5", "2024-2/night/events.h5"]
    assert files.file("2024-10/events.h5")["/events"].num_rows == 30
    with pytest.raises(mtflight.NoSuchNodeError, match=r'/runs/2024-\S+/events\.h5: no such dataset "/only2"'):
        files["/only2"]
    with pytest.raises(ValueError, match=r"have attributes: \.file\(name\)\.attrs"):
        files.attrs  # noqa: B018


def test_it_is_shown_as_one_file(there):
    files = mtflight.open("runs/2024-*/events.h5")
    assert repr(files).splitlines() == ["runs/2024-*/events.h5", "  events  table, 90 rows, compound(12){id@0:i32le;e@4:f64le}", "  g/",
                                        "    image  array, 9 x 4, int64"]
    assert "90 rows" in files._repr_html_()
    assert repr(files["events"]).startswith(f"/events of {there}/runs/2024-*/events.h5: 90 rows")


def test_it_narrows_and_is_pickled(there, monkeypatch):
    files = mtflight.open("runs/2024-*/events.h5")
    table = files["/events"].where("e > 2").select(["id"])
    monkeypatch.chdir("/")  # it means the folder of its time
    for same in (table, pickle.loads(pickle.dumps(table)), pickle.loads(pickle.dumps(files))["/events"].where("e > 2").select("id")):
        assert same["id"].tolist() == of(4, 3)
    assert files["events"].to_arrow(["from"], options={"file_column": "from"})["from"][-1].as_py() == f"{there}/runs/2024-10/events.h5"[1:]


@pytest.mark.parametrize("pattern", ["none*.h5", "none/*/events.h5", "runs/2024-[5-9]*/events.h5", "runs/2024-2/*.txt", "~/no such folder/*.h5"])
def test_a_pattern_of_nothing(there, pattern):
    with pytest.raises(FileNotFoundError, match="no HDF5 file matches") as none:
        mtflight.open(pattern)
    assert none.value.filename == pattern
    with pytest.raises(TypeError, match="options are those of a connection"):
        mtflight.open(pattern, token="")


def test_names_with_wildcards(tmp_path, monkeypatch):
    """A file or folder whose name is a pattern is that; others are told from it by a backslash."""
    for name, day in (("d[1]/a*.h5", 1), ("d[1]/ab.h5", 2), ("d1/ab.h5", 3), ("*/ab.h5", 4)):
        write(tmp_path / name, day)
    monkeypatch.chdir(tmp_path)
    for name, want in (("d[1]/a*.h5", [1]), (r"d\[1]/a\*.*", [1]), (r"d\[1]/*", [1, 2]), ("d[[]1]/*", [1, 2]), ("d[1]/ab.h5", [2]), (r"d\[1]/[!x]b.h5", [2]),
                       ("d[1]/?b.h5", [3]), (r"\*/a*", [4])):
        assert mtflight.open(name)["events"]["id"].tolist() == of(*want), name
    assert sorted(mtflight.open("*").files) == ["ab.h5"]  # the folder
    monkeypatch.chdir(tmp_path / "d[1]")
    assert mtflight.open("a*.h5")["events"]["id"].tolist() == of(1)
    assert mtflight.open("*.h5")["events"]["id"].tolist() == of(1, 2)


def test_a_link_to_a_folder_is_gone_through_where_the_pattern_names_it(there, tmp_path):
    os.symlink(there / "runs", tmp_path / "link")
    assert mtflight.open(f"{tmp_path}/link/2023-*/events.h5")["events"]["id"].tolist() == of(1)


def test_a_damaged_file_is_named(there, tmp_path):
    shutil.copytree(there / "runs" / "2024-2", tmp_path / "runs")
    (tmp_path / "runs" / "broken.h5").write_text("no HDF5")
    files = mtflight.open(f"{tmp_path}/runs/*.h5")
    assert "/events" in list(files)
    assert "broken.h5: FailedPrecondition" in repr(files) or "broken.h5: DataLoss" in repr(files), repr(files)
    assert "  broken.h5: " in repr(mtflight.open(tmp_path / "runs"))
    with pytest.raises(OSError, match=r"/runs/broken\.h5: has no HDF5 signature"):
        files["/events"].to_arrow()


def test_a_servers_files(there, start):
    """The same behind a location, of the server's names."""
    server = start(there)
    with mtflight.open(f"{server.location}/runs/2024-*/events.h5") as files:
        assert files["events"]["id"].tolist() == of(2, 4, 3) and list(files) == ["/events", "/g/image"]
        assert "2024-10/events.h5" in files.files
    with pytest.raises(FileNotFoundError, match="no HDF5 file matches") as none:
        mtflight.open(f"{server.location}/none*.h5")
    assert none.value.filename == f"{server.location}/none*.h5"


# The other interfaces, which take a pattern where they take a file

YEAR = "runs/2024-*/events.h5"
WHOLE = np.concatenate([rows(day) for day in (2, 4, 3)])


@pytest.fixture(params=[False, True], ids=["local", "server"])
def year(there, start, request):
    return f"{start(there).location}/{YEAR}" if request.param else YEAR


def test_engines_take_patterns(year):
    want = WHOLE["id"][WHOLE["e"] > 2].tolist()
    assert mtflight.read(year, "/events", where="e > 2")["id"].tolist() == want
    assert [len(frame) for frame in mtflight.read(year, "/events", chunks=40)] == [40, 40, 10]
    frame = mtflight.scan(year, "/events")
    assert frame.collect()["id"].to_list() == WHOLE["id"].tolist()
    assert frame.filter(frame.collect()["e"] > 2).select("id").collect()["id"].to_list() == want
    events = mtflight.duckdb.dataset(year, "/events")  # noqa: F841, DuckDB finds it by name
    assert duckdb.connect().execute("select id from events where e > 2").fetchnumpy()["id"].tolist() == want
    batches = mtflight.training.Batches(year, "/events", batch_size=32, shuffle=True, seed=3, block_rows=8, uneven="keep")
    assert sorted(i for batch in batches for i in batch["id"].tolist()) == sorted(WHOLE["id"].tolist())


@pytest.mark.parametrize("field", [None, "id"])
def test_a_streamer_takes_a_pattern(year, field):
    """Blocks cross from file to file."""
    streamer = mtflight.Streamer(year)
    want = WHOLE if field is None else WHOLE[field]
    blocks = []
    for guard in streamer.get_queue("/events", block_size=16, ordered=True, field=field, remainder=True).iter():
        with guard as block:
            blocks.append(block.copy())
    assert [len(block) for block in blocks] == [16] * 5 + [10] and np.concatenate(blocks).tobytes() == want.tobytes()
    assert np.array(list(streamer.get_generator("/events", field=field, ordered=True))).tobytes() == want.tobytes()
    assert streamer.get_remainder("/events", 16).tobytes() == WHOLE[80:].tobytes()


def test_a_reader_takes_a_pattern(year):
    reader, stage = mtflight.Reader(year), mtflight.stage.Stage(1 << 16)
    events, image = reader.get_dataset("/events"), reader.get_dataset("/g/image")
    assert (events.shape, events.dtype, image.shape) == ((90,), ROW, (9, 4))
    for asked, want in ((events[15:75:7], WHOLE[15:75:7]), (events["e"][:], WHOLE["e"]), (events[[89, 0, 20, 0]], WHOLE[[89, 0, 20, 0]]),
                        (events.where("e > 2"), WHOLE[WHOLE["e"] > 2]), (image[1:8], np.repeat([2, 4, 3], [2, 4, 3])[1:8, None] + np.zeros((1, 4), int))):
        with reader.request(asked, stage).get_proxy() as got:
            assert np.array(got).tobytes() == want.tobytes()
    reader.close(wait=True)


@pytest.mark.parametrize("use", [lambda p: mtflight.read(p, "/x"), lambda p: mtflight.scan(p, "/x"), lambda p: mtflight.Reader(p).get_dataset("/x"),
                                 lambda p: mtflight.Streamer(p).get_queue("/x")])
def test_interfaces_say_that_nothing_matches(there, use):
    with pytest.raises(FileNotFoundError, match="no HDF5 file matches") as none:
        use("none*.h5")
    assert none.value.filename == "none*.h5"


def test_what_opens_one_file_says_so(there):
    with pytest.raises(FileNotFoundError, match="one file is opened, not those of a pattern"):
        mtflight.read_anndata(YEAR, backed=True)
