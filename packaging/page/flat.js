// A column of Arrow as one flat array, in the order of a dataset's axes.

import { Vector } from 'apache-arrow';

const fixedList = 16, struct = 13, bool = 6, dictionary = -1;
const integer = 2, float = 3;

export function flat(vector) {
  const parts = vector.data.map(floor), type = parts[0]?.type;
  if (!type) return [];
  const plain = (type.typeId === integer || (type.typeId === float && type.precision > 0)) && parts.every((d) => d.nullCount === 0);
  if (plain) return joined(parts);
  return parts.flatMap((data) => Array.from({ length: data.length }, (_, i) => valueOf(data, i)));
}

function floor(data) {
  while (data.type.typeId === fixedList) data = data.children[0];
  return data;
}

function joined(parts) {
  const out = new parts[0].values.constructor(parts.reduce((n, d) => n + d.length, 0));
  let at = 0;
  for (const data of parts) {
    out.set(data.values.subarray(0, data.length), at);
    at += data.length;
  }
  return out;
}

// valueOf is one value: complex ones are pairs, booleans numbers, dictionaries the name.
function valueOf(data, i) {
  if (!data.getValid(i)) return data.type.typeId === float ? NaN : '';
  switch (data.type.typeId) {
    case struct: return data.children.map((c) => c.values[i]);
    case bool: return (data.values[i >> 3] >> (i & 7)) & 1;
    case dictionary: return data.dictionary.get(data.values[i]);
    case integer: return data.values[i];
  }
  return new Vector([data]).get(i);
}
