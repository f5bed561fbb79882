"""The Python package's rooms: what of multitables' modules programs import is there by the same name, public modules only
re-export, and `_internal` imports downwards."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import re
import sys

import pytest

from conftest import CLONE, TESTDATA

PACKAGE = CLONE / "examples" / "python" / "mtflight"
sys.path.insert(0, str(PACKAGE.parent))

import mtflight  # noqa: E402

# What each module of multitables 2.0.1 defines, with the arguments of what programs may call. Its modules msgpack_ext,
# numpy_utils and shared_queue, and SharedBuffer, RequestDetails and ReleasedResource, carry data between its own processes
# and are left out: there are none here.
MULTITABLES = {
    "dataset": """DatasetBase(reader, path, dtype, shape) Dataset(reader, path, dtype, shape) TableDataset(reader, path, dtype, shape)
        ArrayDataset(reader, path, dtype, shape) VLArrayDataset(reader, path, dtype, shape)""",
    "dataset_ops": """OpBase(path) IndexOp(path, key) ColOp(path, col) ReadOpBase(path, col, start, stop, step)
        ReadOpTable(path, col, start, stop, step) ReadOpArray(path, col, start, stop, step) ReadScalarOpBase(path, col, idx)
        ReadScalarOpTable(path, col, idx) ReadScalarOpArray(path, col, idx)
        JoinedSlicesOp(path, col, start1, stop1, step1, start2, stop2, step2) CoordOp(path, col, coords)
        SortOp(path, sortby, checkCSI, col, start, stop, step) WhereOp(path, condition, condvars, start, stop, step)""",
    "reader": "Reader(filename, n_procs=4, notify=None, **kw_args)",
    "request": "Request(details, stage) RequestPool()",
    "resource_wrapper": "ResourceWrapper ReleasedResourceError",
    "shared_mem": "SharedMemoryError",
    "signals": "QueueClosedType QueueClosed QueueClosedException SubprocessException CreateSubprocessException(cause)",
    "stage": "Stage(size_nbytes) StagePool(dataset, stage_size, N_stages, timeout=None)",
    "streamer": "Streamer(filename, **kw_args)",
}
# Further names, of which programs may have taken hold.
OURS = {
    "anndata": "BackedAnnData DenseMatrix SparseMatrix read_anndata",
    "catalogue": "Catalogue open",
    "connection": "About Connection Exchange Members PrivateClient connect translated",
    "dask": "array dataframe",
    "dataset": "proxy",
    "duckdb": "dataset",
    "errors": "FilesLeftOut InvalidIndexError NoSuchNodeError ResourceExhausted is_lost translate",
    "pandas": "read",
    "polars": "scan",
    "resource_wrapper": "unwrap",
    "server": "binary location stop",
    "stage": "AnyStage PooledStage",
    "streamer": "Guard Queue RowGenerator RowsLeftOut",
    "table": "Table",
    "torch": "IterableDataset Loader loader",
    "training": "Batches",
    "xarray": "MtflightBackendEntrypoint",
}
TOP = """Catalogue Connection InvalidIndexError NoSuchNodeError QueueClosed QueueClosedException Reader RequestPool ResourceExhausted RowsLeftOut SharedMemoryError
    Streamer SubprocessException Table connect open read read_anndata scan""".split()
PUBLIC = sorted({*MULTITABLES, *OURS})


def calls(listed: str) -> list[tuple[str, str]]:
    """(name, its arguments or "") of a list of names."""
    return re.findall(r"(\w+)(\(.*?\))?(?:\s|$)", listed)


@pytest.mark.parametrize(("module", "name", "arguments"), [(m, *c) for m, listed in MULTITABLES.items() for c in calls(listed)])
def test_multitables_names(module, name, arguments):
    thing = getattr(importlib.import_module(f"mtflight.{module}"), name)
    assert thing is getattr(getattr(mtflight, module), name)  # without an import of the module, as there
    if arguments:
        given = [str(p.replace(annotation=p.empty)) for p in inspect.signature(thing).parameters.values()]
        assert f"({', '.join(given)})" == arguments


def test_public_modules_are_those():
    assert sorted(p.stem for p in PACKAGE.glob("*.py") if not p.stem.startswith("__")) == PUBLIC
    assert sorted(mtflight.__all__) == sorted(TOP)
    for module in PUBLIC:
        listed = [name for name, _ in calls(MULTITABLES.get(module, "") + " " + OURS.get(module, ""))]
        assert sorted(importlib.import_module(f"mtflight.{module}").__all__) == sorted(listed), module


@pytest.mark.parametrize("module", PUBLIC)
def test_public_modules_only_re_export(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    text, *imports, exported = tree.body
    assert isinstance(text.value, ast.Constant) and all(isinstance(i, ast.ImportFrom) for i in imports)
    assert exported.targets[0].id == "__all__"
    assert all(i.module.startswith("_internal.") and i.level == 1 for i in imports)
    names = [alias.name for i in imports for alias in i.names]
    assert ast.literal_eval(exported.value) == sorted(names)


def test_names_are_of_public_modules():
    """What tracebacks show, and pickles hold, stays when internal modules move."""
    for module in PUBLIC:
        for name, thing in vars(importlib.import_module(f"mtflight.{module}")).items():
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert (thing.__module__, thing.__qualname__) == (f"mtflight.{module}", name)
                assert pickle.loads(pickle.dumps(thing)) is thing


def test_pickles_hold_public_names(server):
    with mtflight.connect(server.location) as connection:
        reader = mtflight.Reader("tables.h5", location=server.location)
        events = reader.get_dataset("/events")
        opened = mtflight.open(TESTDATA / "tables.h5")
        things = [connection, connection.table("tables.h5", "/events"), reader, events, events["id"][:5], events.where("id < 3"),
                  mtflight.Streamer("tables.h5", location=server.location), opened, opened["/events"].where("id < 3"), mtflight.training.Batches("tables.h5", "/events", batch_size=9),
                  mtflight.QueueClosed, mtflight.SharedMemoryError("x"),
                  mtflight.NoSuchNodeError("x"), mtflight.QueueClosedException("x"), mtflight.ResourceExhausted("x")]
        for thing in things:
            assert b"_internal" not in pickle.dumps(thing), thing
        reader.close(wait=True)


# _internal's rooms from low to high; those of one line do not know each other.
LAYERS = [["array_protocol", "errors", "needed", "notices", "public", "resource_wrapper", "signals", "stage"], ["transport"], ["arrow", "datasets"],
          ["anndata", "catalogue", "lazy", "netcdf", "requests", "streams", "training"], ["clusters"]]


def imported(path) -> set[str]:
    """The package's modules that one imports, also inside functions and for types only."""
    package = ("mtflight", *path.relative_to(PACKAGE).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "mtflight"}
        elif isinstance(node, ast.ImportFrom) and (node.level or node.module.split(".")[0] == "mtflight"):
            base = [*(package[:len(package) - node.level + 1] if node.level else ()), *([node.module] if node.module else [])]
            beside = PACKAGE.parent.joinpath(*".".join(base).split("."))
            found |= {".".join([*base, a.name] if (beside / f"{a.name}.py").exists() else base) for a in node.names}
    return found


INTERNAL = {"mtflight." + ".".join(p.relative_to(PACKAGE).with_suffix("").parts): imported(p)
            for p in sorted((PACKAGE / "_internal").rglob("*.py")) if p.stem != "__init__"}


def room(module: str) -> str:
    return module.split(".")[2]


def test_layers():
    level = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    assert {room(m) for m in INTERNAL} == set(level)
    for module, others in INTERNAL.items():
        for other in others:
            assert other in INTERNAL, f"{module} imports {other}, which is public or not there"
            downwards = level[room(other)] < level[room(module)] or room(other) == room(module)
            assert downwards or level[room(module)] == level[room(other)] == 0, f"{module} imports {other}"


def test_no_cycles():
    left = {m: set(others) for m, others in INTERNAL.items()}
    while free := [m for m, others in left.items() if not others & set(left)]:
        for module in free:
            del left[module]
    assert left == {}


def test_other_imports_would_be_seen():
    """An import upwards, and one inside a function, would be found."""
    assert "mtflight._internal.transport.server" in INTERNAL["mtflight._internal.transport.source"]
    assert "mtflight._internal.errors" in INTERNAL["mtflight._internal.stage"]
    path = PACKAGE / "_internal" / "transport" / "rows.py"
    text = path.read_text() + "\ndef f():\n    from ..arrow.table import Table\n    import mtflight.reader\n"

    class Changed:
        relative_to, read_text = path.relative_to, staticmethod(lambda: text)

    assert imported(Changed) - INTERNAL["mtflight._internal.transport.rows"] == {"mtflight._internal.arrow.table", "mtflight.reader"}
