"""mtflight.dask over three servers: the rows of one, in order, whatever is killed meanwhile.

    MTFLIGHT_KILLS=50 make test-dask      how many servers are killed
"""

from __future__ import annotations

import os
import pickle
import random
import re
import threading

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from distributed import Client, LocalCluster

import mtflight
import mtflight.dask
from conftest import CLONE

KILLS = int(os.environ.get("MTFLIGHT_KILLS", "3"))


@pytest.fixture(scope="module")
def workers():
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as local, Client(local) as client:
        yield client


def table(cluster, file: str, dataset: str, server: int = 0) -> mtflight.Table:
    return mtflight.connect(cluster.locations[server]).table(file, dataset)


def same(frame: pd.DataFrame, want: pa.Table) -> None:
    """Whether a frame has the rows of a table, in order, and each value as it is."""
    assert list(frame.columns) == want.schema.names and len(frame) == len(want)
    for name, column in zip(want.schema.names, want.columns):
        if pa.types.is_floating(column.type):
            np.testing.assert_array_equal(frame[name].to_numpy(), column.to_numpy())
        elif b"complex" in (want.schema.field(name).metadata or {}):
            assert frame[name].tolist() == [complex(v["r"], v["i"]) for v in column.to_pylist()]
        else:
            got = pa.array(frame[name])
            assert (got.to_pylist() if pa.types.is_timestamp(got.type) else repr(got.to_pylist())) == \
                (column.to_pylist() if pa.types.is_timestamp(column.type) else repr(column.to_pylist())), name


def test_rows_and_index(cluster, workers, events):
    frame = mtflight.dask.dataframe(f"{cluster.locations[1]}/events.h5", "/events", partitions=12)
    assert frame.npartitions == 12 and frame.known_divisions and frame.divisions[0] == 0 and frame.divisions[-1] == len(events) - 1
    want = table(cluster, "events.h5", "/events").to_arrow()
    got = frame.compute()
    same(got, want)
    assert (frame.dtypes == got.dtypes).all() and got.index.equals(pd.RangeIndex(len(events)))
    some = frame.loc[77_777:123_456].compute()
    same(some, want.slice(77_777, 123_457 - 77_777))
    assert some.index.equals(pd.RangeIndex(77_777, 123_457))
    assert len(frame) == len(events) and frame["run"].sum().compute() == events["run"].sum()
    by_run = frame.groupby("run")["id"].agg(["count", "min"]).compute().sort_index()
    pd.testing.assert_frame_equal(by_run, got.groupby("run")["id"].agg(["count", "min"]))


def test_columns_are_projected(cluster, workers, events):
    """Of which the servers send no others."""
    cluster.forget()
    assert mtflight.dask.dataframe(table(cluster, "events.h5", "/events"), partitions=6)[["energy", "id"]]["id"].max().compute() == len(events) - 1
    sent = sum(s["bytes"] for s in cluster.served())
    assert len(events) * 8 <= sent < len(events) * 9


def test_servers_share_the_work(cluster, workers, events):
    """Rows, bytes and requests of each within 10 % of equal, and the same rows of each the next time."""
    frame = mtflight.dask.dataframe(table(cluster, "events.h5", "/events"), partitions=12)
    for _ in range(2):
        cluster.forget()
        assert len(frame.compute()) == len(events)
        shares = cluster.served()
        for name in ("requests", "rows", "bytes"):
            each = [s[name] for s in shares]
            assert max(each) < 1.1 * sum(each) / len(each), (name, each)
            assert min(each) > 0.9 * sum(each) / len(each), (name, each)
        print("each server's requests, rows, bytes:", [tuple(s.values()) for s in shares])


def test_conditions_are_in_every_part(cluster, workers):
    asked = table(cluster, "events.h5", "/events").where("(energy > cut) & (name == 'mu')", vars={"cut": 12.5}).select(["id", "energy"])
    frame = mtflight.dask.dataframe(asked, partitions=7, start=5, stop=200_000)
    assert frame.npartitions == 7 and not frame.known_divisions
    same(frame.compute(), asked.to_arrow(start=5, stop=200_000))
    with pytest.raises(ValueError, match="enrgy"):
        mtflight.dask.dataframe(table(cluster, "events.h5", "/events").where("enrgy > 1"))


@pytest.mark.parametrize("narrow", [lambda t: t.limit(1000), lambda t: t.sort_by("energy").limit(500), lambda t: t.where("run == 7").limit(33)])
def test_what_is_one_part_or_less(cluster, workers, narrow):
    asked = narrow(table(cluster, "events.h5", "/events"))
    same(mtflight.dask.dataframe(asked, partitions=5).compute(), asked.to_arrow())


@pytest.mark.parametrize("where", [None, "energy > 20"])
def test_divisions_of_a_sorted_column(cluster, workers, where, events):
    """Partitions have no value in common, so that .loc and joins find all rows of one."""
    whole = table(cluster, "events.h5", "/events")
    asked = whole if where is None else whole.where(where)
    frame = mtflight.dask.dataframe(asked, partitions=12, index="run")  # whose values go on in the next part
    assert frame.known_divisions and frame.npartitions == 12 and list(frame.divisions) == sorted(set(frame.divisions))
    want = asked.to_arrow()
    same(frame.compute().reset_index()[want.schema.names], want)
    for run in (0, 20, 59):
        assert frame[["id"]].loc[run].compute()["id"].tolist() == want.filter(pc.field("run") == run)["id"].to_pylist()
    constant = mtflight.dask.dataframe(whole.where("run < 1").select(["run", "id"]), partitions=3, index="run", start=0, stop=900)
    assert constant.npartitions == 1


def test_a_column_that_is_not_sorted(cluster, workers):
    with pytest.raises(ValueError, match="energy is not ascending"):
        mtflight.dask.dataframe(table(cluster, "events.h5", "/events"), partitions=6, index="energy")


def test_one_that_is_not_sorted_inside(cluster, workers, folder):
    """Which the ends of the parts do not tell."""
    rows = np.arange(900, dtype="i8")
    rows[[450, 460]] = rows[[460, 450]]
    with h5py.File(folder / "swapped.h5", "w") as f:
        f.create_dataset("t", data=np.rec.fromarrays([rows], names="k"), chunks=(100,))
    frame = mtflight.dask.dataframe(table(cluster, "swapped.h5", "/t"), partitions=3, index="k")
    with pytest.raises(ValueError, match="k is not ascending between 300 and 599"):
        frame.compute()


def test_kinds_of_columns(cluster, workers):
    """Enumerations with values that have no name, times that are none, complex numbers, and integers beyond 2**53."""
    mixed = table(cluster, "arrays.h5", "/mixed")
    frame, want = mtflight.dask.dataframe(mixed, partitions=4), mixed.to_arrow()
    got = frame.compute()
    same(got, want)
    assert (frame.dtypes == got.dtypes).drop("kind").all() and got["z"].dtype == "c16"
    assert got["kind"].isna().sum() == want["kind"].null_count > 0 and frame["n"].max().compute() == 2**53 + 8999
    counts = frame.groupby("kind", observed=True)["n"].count().compute()
    assert {str(k): int(v) for k, v in counts.items()} == dict(zip(*np.unique([k for k in want["kind"].to_pylist() if k], return_counts=True)))
    exact = mtflight.dask.dataframe(mixed, partitions=4, dtype_backend="pyarrow").compute()
    assert pa.Table.from_pandas(exact, preserve_index=False)["n"].to_pylist() == want["n"].to_pylist()
    assert exact["kind"].isna().sum() == want["kind"].null_count


def test_collections(cluster, workers):
    """Nulls among integers where a file lacks the column: refused, or kept by Arrow's types."""
    runs = table(cluster, "runs/*.h5", "/events", 2)
    want = runs.to_arrow()
    assert want["more"].null_count and want["more"].null_count < len(want)
    frame = mtflight.dask.dataframe(runs, partitions=6, dtype_backend="pyarrow")
    assert frame.known_divisions and frame.npartitions > 3
    got = pa.Table.from_pandas(frame.compute(), preserve_index=False)
    assert got.to_pydict() == want.to_pydict()
    with pytest.raises(ValueError, match="more has no value in row 0"):
        mtflight.dask.dataframe(runs, partitions=6).compute()
    part = mtflight.dask.dataframe(runs.where("id >= 20000"), partitions=6, dtype_backend="pyarrow")
    assert part["id"].compute().tolist() == [i for i in want["id"].to_pylist() if i >= 20000]


def test_frames_of_pandas_keep_their_index(cluster, workers, folder):
    frame = pd.DataFrame({"a": np.arange(3000), "b": np.arange(3000) % 7 / 2}, index=pd.date_range("2024-01-01", periods=3000, freq="h"))
    frame.to_hdf(folder / "frame.h5", key="df", format="table")
    got = mtflight.dask.dataframe(table(cluster, "frame.h5", "/df"), partitions=3)
    want = table(cluster, "frame.h5", "/df").to_pandas()
    assert not got.known_divisions
    pd.testing.assert_frame_equal(got.compute(), want, check_freq=False)
    pd.testing.assert_series_equal(got["b"].compute(), want["b"], check_freq=False)


def test_arrays(cluster, workers, folder, events):
    with h5py.File(folder / "arrays.h5") as f:
        want = f["x"][:]
    x = mtflight.dask.array(f"{cluster.locations[0]}/arrays.h5", "/x", partitions=6)
    assert x.shape == want.shape and x.dtype == want.dtype and x.npartitions == 6
    np.testing.assert_array_equal(x.compute(), want)
    np.testing.assert_array_equal(x[1234:20_000:7, 3:9].compute(), want[1234:20_000:7, 3:9])
    np.testing.assert_allclose(x.mean(axis=0).compute(), want.mean(axis=0))
    np.testing.assert_array_equal(mtflight.dask.array(table(cluster, "arrays.h5", "/x"), partitions=4, start=3, step=11).compute(), want[3::11])
    assert mtflight.dask.array(table(cluster, "arrays.h5", "/scalar")).compute() == 7.5
    none = mtflight.dask.array(table(cluster, "arrays.h5", "/none"))
    assert none.shape == (0, 3) and none.compute().dtype == "i2"
    rows = mtflight.dask.array(table(cluster, "events.h5", "/events").select(["id", "pos"]), partitions=5)
    assert rows.dtype.names == ("id", "pos") and rows.compute().tobytes() == events[["id", "pos"]].astype(rows.dtype).tobytes()
    some = mtflight.dask.array(table(cluster, "events.h5", "/events").where("energy > 30").select(["id"]), partitions=5)
    assert np.isnan(some.shape[0]) and some.compute()["id"].tolist() == events["id"][events["energy"] > 30].tolist()
    with pytest.raises(NotImplementedError):
        mtflight.dask.array(table(cluster, "arrays.h5", "/mixed").select(["text"]))


def test_local_files(workers, folder, events):
    """Each worker has a private server of its own."""
    frame = mtflight.dask.dataframe(folder / "events.h5", "/events", partitions=3)
    assert frame["id"].sum().compute() == events["id"].sum()


def test_tokens_are_of_content(cluster):
    """The same question is the same graph; another version of a file is another one."""
    one, two = (mtflight.dask.dataframe(table(cluster, "events.h5", "/events"), partitions=4) for _ in range(2))
    assert one._name == two._name
    assert mtflight.dask.dataframe(table(cluster, "events.h5", "/events"), partitions=4, start=1)._name != one._name
    pickle.loads(pickle.dumps(one))


def test_a_file_that_changes_ends_it(cluster, workers, folder):
    """No frame is of two versions."""
    for n in (500, 600):
        with h5py.File(folder / "changing.h5", "w") as f:
            f.create_dataset("t", data=np.rec.fromarrays([np.arange(n)], names="k"), chunks=(100,))
        if n == 500:
            frame = mtflight.dask.dataframe(table(cluster, "changing.h5", "/t"), partitions=3)
            assert len(frame) == 500
    with pytest.raises(Exception, match="not the one that the ticket was issued for"):
        frame.compute()


def test_bad_requests(cluster):
    events = table(cluster, "events.h5", "/events")
    for error, match, call in [
        (ValueError, "partitions must be at least 1", lambda: mtflight.dask.dataframe(events, partitions=0)),
        (ValueError, "dtype_backend", lambda: mtflight.dask.dataframe(events, dtype_backend="numpy")),
        (ValueError, "no end", lambda: mtflight.dask.dataframe(mtflight.Table(events._client, "events.h5", "/events", {"stream": {"follow": True}}))),
        (KeyError, "nope", lambda: mtflight.dask.dataframe(events, index="nope")),
        (ValueError, "index= needs", lambda: mtflight.dask.dataframe(events.sort_by("energy"), index="energy")),
        (FileNotFoundError, "nope", lambda: mtflight.dask.dataframe(f"{cluster.locations[0]}/nope.h5", "/events")),
    ]:
        with pytest.raises(error, match=match):
            call()


def test_the_page(cluster, workers, folder, events, monkeypatch):
    """The samples of docs/dask.md as they are printed."""
    samples = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "dask.md").read_text(), re.DOTALL | re.MULTILINE)
    there: dict = {"mtflight": mtflight}
    exec("\n".join(samples).replace("grpc://127.0.0.1:8815", cluster.locations[1]), there)  # noqa: S102
    assert len(there["by_run"]) == 60 and there["brightest"].shape == (30_000,) and len(there["one"]) == (events["run"] == 7).sum()
    assert there["hottest"].sum() > 0


def test_killed_servers(mortal, workers, events):
    """kill -9 of one of three while all read: the same rows. It comes back, and another is killed."""
    chance, rounds, want = random.Random(22), 0, events["id"]
    frame = mtflight.dask.dataframe(table(mortal, "events.h5", "/events").select(["id", "pos"]), partitions=24)
    while mortal.kills < KILLS:
        i = rounds % 3
        timer = threading.Timer(chance.random() * 0.4, mortal.kill, [i])
        timer.start()
        got = frame.compute()
        timer.join()
        np.testing.assert_array_equal(got["id"].to_numpy(), want)
        np.testing.assert_array_equal(got.index.to_numpy(), want)
        mortal.again(i)
        rounds += 1
    print(f"{mortal.kills} servers killed, each time the same {len(want)} rows")
