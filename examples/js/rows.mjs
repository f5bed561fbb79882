// Prints the rows of an Arrow file or stream, one JSON object a line.
//
//	mtflight get run7.h5 /events -o events.arrow && node rows.mjs events.arrow
//	mtflight get run7.h5 /events --format arrows | node rows.mjs
import { createReadStream } from "node:fs";
import { DataType, RecordBatchReader } from "apache-arrow";

// plain gives a value as JSON has it: BigInt of 64-bit integers as text, times in ISO 8601 (to milliseconds), bytes as base64.
function plain(type, value) {
  if (value === null) return null;
  if (DataType.isDictionary(type)) return plain(type.dictionary, value);
  if (DataType.isTimestamp(type)) return new Date(Math.floor(value)).toISOString();
  if (DataType.isStruct(type)) return Object.fromEntries(type.children.map((f) => [f.name, plain(f.type, value[f.name])]));
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) return Array.from(value, (v) => plain(type.children[0].type, v));
  if (DataType.isBinary(type) || DataType.isFixedSizeBinary(type)) return Buffer.from(value).toString("base64");
  return typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? String(value) : value;
}

const [path] = process.argv.slice(2);
const reader = await RecordBatchReader.from(path ? createReadStream(path) : process.stdin);
for await (const batch of reader) {
  const columns = batch.schema.fields.map((f) => [f.name, f.type, batch.getChild(f.name)]);
  for (let i = 0; i < batch.numRows; i++) {
    console.log(JSON.stringify(Object.fromEntries(columns.map(([name, type, c]) => [name, plain(type, c.get(i))]))));
  }
}
