// HDF5's types as the server writes them, as h5web has them.

import { DTypeClass, ShapeClass } from '@h5web/app';

export const shapeOf = (shape) => (!shape ? { class: ShapeClass.Null } : shape.length ? { class: ShapeClass.Array, dims: shape.map(Number) } : { class: ShapeClass.Scalar, dims: [] });

// typeOf reads "i64le", "f32be", "enum<i8le>{FALSE=0,TRUE=1}", "str(..)", "compound(16){r@0:f64le;i@8:f64le}".
export function typeOf(text) {
  const number = /^([iuf])(\d+)(le|be)?$/.exec(text);
  if (number) {
    const more = { size: Number(number[2]), endianness: number[3] === 'be' ? 'big-endian' : 'little-endian' };
    return number[1] === 'f' ? { class: DTypeClass.Float, ...more } : { class: DTypeClass.Integer, signed: number[1] === 'i', ...more };
  }
  const named = /^enum<(.*?)>\{(.*)\}$/.exec(text);
  if (named && named[2] === 'FALSE=0,TRUE=1') return { class: DTypeClass.Bool, base: typeOf(named[1]) };
  if (named) return { class: DTypeClass.Enum, base: typeOf(named[1]), mapping: {} };
  if (/^(str|vlen_?str|vstr)/.test(text)) return { class: DTypeClass.String };
  const complex = /^compound\(\d+\)\{r(?:eal)?@0:(f\d+\w*);i(?:mag)?@\d+:(f\d+\w*)\}$/.exec(text);
  if (complex) return { class: DTypeClass.Complex, realType: typeOf(complex[1]), imagType: typeOf(complex[2]) };
  return { class: DTypeClass.Unknown };
}

// attributeType is of a value as JSON has it.
export function attributeType(v) {
  if (v === null) return { shape: { class: ShapeClass.Null }, type: { class: DTypeClass.Unknown } };
  const dims = [];
  for (let inner = v; Array.isArray(inner); inner = inner[0]) dims.push(inner.length);
  const one = [v].flat(Infinity)[0];
  const type = { string: { class: DTypeClass.String }, bigint: typeOf('i64le'), number: typeOf('f64le'), boolean: { class: DTypeClass.Bool, base: typeOf('i8') } }[typeof one];
  return { shape: shapeOf(dims), type: type ?? { class: DTypeClass.Unknown } };
}
