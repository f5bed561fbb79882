"""The transport's limit: pyarrow's own Flight server with /data of a file in memory, in batches of 4 MB.

    python docs/bench/memory_server.py FILE     prints its location, serves until standard input ends
"""

import sys
import threading

import pyarrow as pa
import pyarrow.flight as fl
import tables


def batches(file):
    with tables.open_file(file) as f:
        node = f.root.data
        n, by = node.nrows, 4_000_000 // node.rowsize
        for i in range(0, n, by):
            a = node.read(i, min(i + by, n))
            if a.dtype.names:
                yield pa.record_batch({c: pa.array(a[c]) for c in a.dtype.names})
            else:
                yield pa.record_batch({"data": pa.FixedSizeListArray.from_arrays(pa.array(a.reshape(-1)), a.shape[1])})


class Server(fl.FlightServerBase):
    def __init__(self, file):
        super().__init__("grpc://127.0.0.1:0")
        self.batches = list(batches(file))

    def do_get(self, context, ticket):
        return fl.RecordBatchStream(pa.RecordBatchReader.from_batches(self.batches[0].schema, self.batches))


server = Server(sys.argv[1])
threading.Thread(target=server.serve, daemon=True).start()
print(f"grpc://127.0.0.1:{server.port}", flush=True)
sys.stdin.read()
