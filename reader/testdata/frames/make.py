"""Writes the files here with the libraries themselves: python make.py pandas | anndata | pickles

pandas needs pandas==3.1.1 and tables==3.11.1; anndata needs anndata==0.12.14, which needs an older pandas.
"""

import sys
import warnings

import numpy as np
import pandas as pd
import tables as tb

warnings.simplefilter("ignore")  # pickled pandas metadata


def columns() -> pd.DataFrame:
    index = pd.Index(["a", "b", None, "d"], name="key")
    return pd.DataFrame({
        "x": [0.5, 1.5, np.nan, 3.5], "n": [1, 2, 3, 4], "y": [10.0, 11.0, 12.0, 13.0], "ok": [True, False, True, True],
        "when": pd.to_datetime(["2024-01-01", None, "2024-01-03", "2024-01-04"]).astype("M8[ns]"),
        "local": pd.date_range("2024-06-01", periods=4, tz="Europe/Berlin", unit="s"),
        "took": pd.to_timedelta([1, 2, None, 4], "s").astype("m8[us]"), "who": ["ann", None, "nan", "zoë"],
    }, index=index)


def write_pandas() -> None:
    frame = columns()
    levels = pd.MultiIndex.from_arrays([[1, 1, 2, 2], ["p", "q", "p", None]], names=["i", None])
    with pd.HDFStore("pandas.h5", "w") as store:
        store.put("fixed", frame.drop(columns="who"), format="fixed")
        texts = pd.DataFrame({"a": ["p", None, "q", "p"], "b": ["é", "", "nan", pd.NA]}, dtype=object)
        store.put("texts", frame[["x", "who"]].reset_index(drop=True).join(texts), format="fixed")
        store.put("names", frame["who"].astype(object), format="fixed")
        store.put("pickled", frame[["x", "who"]].assign(who=pd.Series([1, "b", None, 2.5], frame.index, dtype=object)), format="fixed")
        store.put("multi", frame[["x"]].set_index(levels), format="fixed")
        store.put("empty", frame[["x", "n", "when"]][:0], format="fixed")
        store.put("labels", pd.DataFrame(np.eye(3)), format="fixed")
        store.put("series", frame["n"], format="fixed")
        store.put("table", frame.assign(kind=pd.Categorical(["u", "v", None, "u"], ["v", "u"], ordered=True)),
                  format="table", data_columns=["n", "who"], index=False)
        store.put("deep/levels", frame[["x", "ok"]].set_index(levels.set_levels(["p", "q"], level=1)).iloc[:3],
                  format="table", index=False)
        store.put("older", frame[["x"]], format="fixed")
        axis = store._handle.get_node("/older/axis1")  # as pandas for Python 2 kept an index of unicode
        attrs = {name: axis._v_attrs[name] for name in axis._v_attrs._v_attrnamesuser}
        axis.remove()
        axis = store._handle.create_vlarray("/older", "axis1", tb.ObjectAtom())
        axis.append(np.array(["k", "l", "m", "k"], object))
        for name, value in (attrs | {"kind": "object"}).items():
            axis._v_attrs[name] = value


def pickled(store: pd.HDFStore, name: str, letters: int) -> int:
    """Writes a frame with a text of so many letters and gives the length of what is pickled."""
    texts = pd.Series(["t" * letters, "u"], dtype=object)
    store.put(name, pd.DataFrame({"x": [1.5, 2.5], "who": texts}), format="fixed")
    return int(store.get_node(name).block1_values.get_row_size(0))


def write_pickles() -> None:
    """Frames whose texts are pickled in just 16 MiB, and in one byte more."""
    most = 16 << 20
    with pd.HDFStore("probe.h5", "w", driver="H5FD_CORE", driver_core_backing_store=0) as store:
        letters = most - (pickled(store, "probe", most - 1000) - (most - 1000))
    with pd.HDFStore("pickles.h5", "w") as store:
        assert pickled(store, "most", letters) == most
        assert pickled(store, "more", letters + 1) == most + 1


def write_anndata() -> None:
    import anndata as ad
    import pyarrow as pa

    obs = pd.DataFrame({
        "kind": pd.Categorical(["u", "v", None], ["v", "u"], ordered=True), "n": pd.array([1, None, 3], "Int32"),
        "good": pd.array([True, None, False], "boolean"), "name": pd.array(["a", None, "c"], "string"),
        "x": [0.5, 1.5, np.nan], "text": ["l", "m", "n"],
    }, index=["c0", "c1", "c2"])
    ad.settings.allow_write_nullable_strings = True
    data = ad.AnnData(np.ones((3, 2), "f4"), obs=obs, var=pd.DataFrame({"len": [7, 8]}, index=pd.Index(["g0", "g1"], name="gene")))
    data.write_h5ad("anndata.h5ad", convert_strings_to_categoricals=False)
    obs = ad.read_h5ad("anndata.h5ad").obs
    with pa.OSFile("anndata.obs.arrow", "wb") as f, pa.ipc.new_file(f, pa.Schema.from_pandas(obs)) as w:
        w.write(pa.Table.from_pandas(obs))


if __name__ == "__main__":
    {"pandas": write_pandas, "anndata": write_anndata, "pickles": write_pickles}[sys.argv[1]]()
