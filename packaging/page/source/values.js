// Values of Arrow as texts, exactly: integers and times by their digits, floats as short as tells them from their neighbours.

const utf8 = new TextDecoder();
const longest = 400; // characters of one value, of which cells show the first

// Ids of types, as Arrow's format numbers them (apache-arrow's Type).
const T = { Int: 2, Float: 3, Binary: 4, Utf8: 5, Bool: 6, Timestamp: 10, List: 12, Struct: 13, FixedBinary: 15, FixedList: 16, Duration: 18, Dictionary: -1 };

// textOf is the i-th value of a Data; null is a null.
export function textOf(data, i) {
  if (!data.getValid(i)) return null;
  const { type, values } = data;
  switch (type.typeId) {
    case T.Int: return String(values[i]);
    case T.Float: return float(type.precision, values[i]);
    case T.Utf8: return cut(utf8.decode(part(data, i, longest)));
    case T.Binary: return binary(part(data, i, 100));
    case T.FixedBinary: return binary(values.subarray(i * type.byteWidth, i * type.byteWidth + Math.min(type.byteWidth, 100)));
    case T.Bool: return (values[(i + data.offset) >> 3] >> ((i + data.offset) & 7)) & 1 ? 'true' : 'false';
    case T.Timestamp: return time(values[i], type.unit);
    case T.Duration: return `${values[i]} ${['s', 'ms', 'µs', 'ns'][type.unit]}`;
    case T.Dictionary: return data.dictionary.get(values[i]) === null ? null : cut(String(data.dictionary.get(values[i])));
    case T.List: return list(data.children[0], data.valueOffsets[i], data.valueOffsets[i + 1]);
    case T.FixedList: return list(data.children[0], i * type.listSize, (i + 1) * type.listSize);
    case T.Struct: return `{${type.children.map((f, k) => `${f.name}: ${textOf(data.children[k], i) ?? 'null'}`).join(', ')}}`;
  }
  return `(${type})`;
}

// numberOf is a value to draw, NaN where there is none.
export function numberOf(data, i) {
  if (!data.getValid(i)) return NaN;
  const { type, values } = data;
  if (type.typeId === T.Int || type.typeId === T.Timestamp || type.typeId === T.Duration) return Number(values[i]);
  if (type.typeId === T.Float) return type.precision === 0 ? half(values[i]) : values[i];
  if (type.typeId === T.Bool) return (values[(i + data.offset) >> 3] >> ((i + data.offset) & 7)) & 1;
  if (type.typeId === T.Dictionary) return values[i];
  return NaN;
}

// floor is what a list, of lists too, is made of, row by row.
export function floor(data) {
  while (data.type.typeId === T.FixedList) data = data.children[0];
  return data;
}

const part = ({ values, valueOffsets }, i, most) => values.subarray(valueOffsets[i], Math.min(valueOffsets[i + 1], Number(valueOffsets[i]) + most + 1));
const cut = (text) => (text.length > longest ? `${text.slice(0, longest)}…` : text);

// number is a number of JSON as a value of Arrow's type is written.
export const number = (v, type) => (type === 'float32' && typeof v === 'number' ? float(1, Math.fround(v)) : String(v));

function float(precision, v) {
  if (precision === 0) return short(half(v), 5, (x) => toHalf(x) === toHalf(half(v)));
  return precision === 1 ? short(v, 9, (x) => Math.fround(x) === v) : String(v);
}

// short is a number with as few digits as still are the same one.
function short(v, most, same) {
  if (!Number.isFinite(v) || v === 0) return Object.is(v, -0) ? '-0' : String(v);
  for (let digits = Math.min(6, most); digits < most; digits++) {
    const shorter = Number(v.toPrecision(digits));
    if (same(shorter)) return String(shorter);
  }
  return String(Number(v.toPrecision(most)));
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

// toHalf rounds a number to 11 bits.
function toHalf(x) {
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
  return Math.round(x / step) * step;
}

function binary(octets) {
  return `${Array.from(octets, (b) => (b >= 32 && b < 127 && b !== 92 ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`)).join('')}${octets.length >= 100 ? '…' : ''}`;
}

function list(child, from, to) {
  const some = [];
  let size = 0;
  for (let i = Number(from); i < Number(to) && size < longest; i++) {
    some.push(textOf(child, i) ?? 'null');
    size += some.at(-1).length + 2;
  }
  return `[${some.join(', ')}${Number(to) - Number(from) > some.length ? ', …' : ''}]`;
}

// time is a timestamp in ISO 8601, with all digits of its unit.
function time(ticks, unit) {
  const digits = unit * 3, by = 10n ** BigInt(digits), all = BigInt(ticks);
  let seconds = all / by, rest = all % by;
  if (rest < 0n) {
    seconds -= 1n;
    rest += by;
  }
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return `${all} ${['s', 'ms', 'µs', 'ns'][unit]} since 1970`;
  const fraction = digits ? `.${String(rest).padStart(digits, '0')}`.replace(/\.?0+$/, '') : '';
  return `${date.toISOString().slice(0, -5).replace('T', ' ')}${fraction}`;
}
