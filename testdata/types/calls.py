"""Every documented call of the Python package, for type checkers: `make typecheck` checks this file by mypy --strict and pyright. It is
not run; testdata/tests/test_typecheck.py holds that it names all that is public."""

from __future__ import annotations

import pathlib
from typing import assert_type

import numpy as np
import pyarrow as pa

import mtflight
import mtflight.torch


def opening() -> None:
    with mtflight.open("run7.h5") as file:
        events: mtflight.Table = file["/events"]
        names: list[str] = list(file)
        assert_type("/events" in file, bool)
        assert_type(len(file), int)
        assert_type(file.files, list[str])
        print(names, events, file.attrs["TITLE"], file.get("/nope"), [table.path for table in file.values()])
    mtflight.open("runs/2024-*/events.h5")["/events"].head(3)
    folder: mtflight.Catalogue = mtflight.open(pathlib.Path("/data"))
    folder["run7.h5/events"]
    folder.file("run7.h5")["/events"].head(3)
    folder.close()
    mtflight.open("grpc+tls://host:8815", tls_root_certs=b"")["run7.h5/events"]


def logins() -> None:
    at, roots = "grpc+tls://host:8815/run7.h5", pathlib.Path("ca.pem")
    mtflight.connect("grpc+tls://host:8815", tls_root_certs=roots, cert_chain="client.pem", private_key=b"").close()
    mtflight.scan(at, "/events", tls_root_certs=roots, token="")
    mtflight.duckdb.dataset(at, "/events", tls_root_certs=roots, token=pathlib.Path("ann.token"))
    mtflight.read(at, "/events", tls_root_certs=roots, user="ann", password="").head()
    mtflight.read_anndata(at, True, tls_root_certs=roots, token="")
    mtflight.Reader(at, tls_root_certs=roots, token="").close()
    mtflight.Streamer(at, tls_root_certs=roots, token="")
    mtflight.training.Batches(at, "/events", batch_size=9, tls_root_certs=roots, token="")
    mtflight.torch.IterableDataset(at, "/events", batch_size=9, tls_root_certs=roots, token="")


def tables(t: mtflight.Table) -> None:
    assert_type(len(t), int)
    assert_type(t.num_rows, int)
    assert_type(t.nbytes, int | None)
    assert_type(t.shape, tuple[int, ...])
    assert_type(t.ndim, int)
    assert_type(t.size, int)
    assert_type(t.columns, list[str])
    assert_type(t.kind, str)
    print(t.schema.names, t.dtype.names, t.attrs["TITLE"], t.file, t.path)
    some: mtflight.Table = t.where("energy > cut", vars={"cut": np.float32(2.5)}).select(["id", "t"]).sort_by("t").limit(10)
    t.where("energy > cut", variables={"cut": 2.5}).select(("id",)).sort_by("t", check_csi=True)
    array: np.ndarray = some.to_numpy()
    print(array["id"].mean(), t.to_numpy(["id"], "id > x", 10, vars={"x": 3}, parallel=2, progress=True, retries=1).shape)
    table: pa.Table = t.to_arrow(columns=["id"], where="energy > cut", vars={"cut": 2}, limit=5, start=0, stop=10, step=2, offset=1)
    reader: pa.RecordBatchReader = t.scan(["id"], coordinates=np.arange(9), options={"plain": True}, stream={"shuffle": 7})
    for batch in reader:
        print(batch.num_rows, table.num_rows)
    t.to_arrow(fields=["id"], variables={})
    t.to_pandas(["id"], where="id > 3", limit=2, mask=np.ones(10, bool))
    t.to_polars(["id"], sort_by="id", check_csi=True)
    t.to_duckdb(["id"], database=None)
    t.head()
    t.head(3, ["id"])
    print(t.stats(["id"], chunks=True)["columns"], t.explain(where="id > 3")["plan"], t._repr_html_())
    pa.table(t)


def indexes(t: mtflight.Table, mask: np.ndarray) -> None:
    rows: np.ndarray = t[10:20]
    column: np.ndarray = t["energy"]
    print(rows["id"].mean(), column[3], t[::-1].shape, t[[1, 5]].shape, t[mask].shape, t[["id", "t"]].dtype, t[3]["id"], t[-1])
    print(t[3:5, ..., 2].shape, t[0, [1, 2], None], t[...], t[()], t[np.int64(3)], t[np.array([3, 1])], t[mask.tolist()])
    print(np.asarray(t).shape)


def connections() -> None:
    with mtflight.connect("grpc://127.0.0.1:8815") as connection:
        same: mtflight.Connection = connection
        t: mtflight.Table = same.table("run7.h5", "/events")
        print(t, connection.list(file="run*"), connection.attributes("run7.h5", "/events", ["TITLE"])["TITLE"])
        print(connection.attributes_arrow("run7.h5").num_rows, connection.about().server, connection.location)
        print(connection.schema({"file": "run7.h5", "dataset": "/events"}).names, connection.info({}).total_records)
        request: dict[str, object] = {"file": "run7.h5", "dataset": "/events", "fields": ["id"]}
        connection.do_get(request).read_all()
        connection.do_exchange(request, np.arange(3)).read_all()
        for answer in connection.action("describe", request):
            print(answer["kind"])


def multitables() -> None:
    stream = mtflight.Streamer(filename="events.h5")
    queue = stream.get_queue("/events", n_procs=2, read_ahead=3, cyclic=False, block_size=10, ordered=True, field="t", remainder=True)
    for guard in queue.iter():
        with guard as block:
            print(block["energy"].sum())
    queue.close()
    for row in stream.get_generator("/events", ordered=True):
        print(row["id"])
    print(stream.get_remainder("/events", queue.block_size))
    reader = mtflight.Reader("events.h5", n_procs=2, notify=print)
    events = reader.get_dataset("/events")
    stage = events.create_stage(1000)
    print(reader.request(events.where("energy > cut", {"cut": 2.5})["t"], stage).get(), events.dtype, events.shape, len(events))
    print(reader.request(events[10:20], stage).get(), events.read_sorted("t", checkCSI=True), events.read_coordinates([5, 2], field="t"))
    pool = mtflight.RequestPool()
    pool.add(reader.request(events.col("pos/x")[3:4], events.create_stage_pool(10, 2)))
    print(pool.next().get())
    with reader.request(events.read(1, 2, field="t"), stage).get_proxy() as proxy:
        print(proxy.sum())
    reader.close(wait=True)
    reader.stop()


def training(t: mtflight.Table) -> None:
    batches = mtflight.training.Batches("run7.h5", "/events", ["energy"], "id > cut", vars={"cut": 3}, batch_size=512, shuffle=True, seed=7,
                                        block_rows=100, rank=0, world_size=2, uneven="pad", drop_last=True)
    for batch in batches:
        print(batch["energy"].mean(), len(batches))
    batches.set_epoch(3)
    batches.load_state_dict(batches.state_dict())
    dataset = mtflight.torch.IterableDataset(t, batch_size=512, uneven="keep")
    mtflight.torch.IterableDataset("images.h5", ["/images", "/labels"], batch_size=64, location="grpc://host:8815").set_epoch(1)
    loader: mtflight.torch.Loader = mtflight.torch.loader(dataset, num_workers=2, pin_memory=True)
    for batch in loader:
        print(batch["energy"].mean(), len(loader), len(dataset))
    loader.set_epoch(3)
    loader.load_state_dict(loader.state_dict())
    dataset.load_state_dict(dataset.state_dict())


def clusters(t: mtflight.Table) -> None:
    mtflight.dask.dataframe(t, partitions=8, index="run", dtype_backend="pyarrow", start=0, stop=9, step=2, options={"plain": True})
    mtflight.dask.array("grpc://host:8815/run7.h5", "/images", partitions=8, token=pathlib.Path("ann.token"))


def errors(t: mtflight.Table) -> None:
    try:
        t[5000]
    except (mtflight.InvalidIndexError, mtflight.NoSuchNodeError, mtflight.ResourceExhausted, mtflight.SharedMemoryError) as e:
        print(e)
    except (mtflight.QueueClosedException, mtflight.SubprocessException, mtflight.RowsLeftOut) as e:
        print(e, mtflight.QueueClosed)


def cells() -> None:
    some: mtflight.anndata.BackedAnnData = mtflight.read_anndata("cells.h5ad", backed=True)
    assert_type(some.shape, tuple[int, int])
    assert_type(some.where("quality > @least", least=0.5), mtflight.anndata.BackedAnnData)
    assert_type(some[100:200], mtflight.anndata.BackedAnnData)
    print(some.X[:10], some.layers["counts"][:, [1, 2]], some.obsm["pca"], some.obs["kind"], some.var_names, some.raw, some.uns.get("title"))
    for part, first, end in some.chunked_X(1000):
        print(part, first, end, some.to_memory())
    print(mtflight.read_anndata(pathlib.Path("cells.h5mu"), group="/mod/rna").obs)
