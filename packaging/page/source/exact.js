// JSON whose integers stay what they are: those that a number of JavaScript would round become BigInt.

const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const long = /^-?\d{16,}$/;
const mark = '\u0000int:';

export function parseExact(text) {
  let some = false;
  const marked = text.replace(tokens, (m) => {
    if (!long.test(m) || Number.isSafeInteger(Number(m))) return m;
    some = true;
    return `"\\u0000int:${m}"`;
  });
  if (!some) return JSON.parse(text);
  return JSON.parse(marked, (_, v) => (typeof v === 'string' && v.startsWith(mark) ? BigInt(v.slice(mark.length)) : v));
}
