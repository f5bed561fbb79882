// How many rows a condition finds, by reading the narrowest column of them.

import { RecordBatchReader } from './arrow.js';
import { ask } from './ask.js';

const mostRows = 50_000_000;

// counted gives the number of rows, or null where it would be too many to read; so_far is told now and then.
export async function counted(request, columns, soFar, signal) {
  const narrow = columns.filter((c) => c.numeric || c.type === 'bool').sort((a, b) => (a.type === 'bool' ? 0 : a.bytes) - (b.type === 'bool' ? 0 : b.bytes))[0] ?? columns[0];
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort());
  const answer = await ask('v1/data', { ...request, sort_by: null, step: null, fields: [narrow.name] }, { signal: stop.signal });
  let n = 0, told = performance.now();
  for await (const batch of await RecordBatchReader.from(answer)) {
    n += batch.numRows;
    if (performance.now() - told > 200) {
      told = performance.now();
      soFar(n);
    }
    if (n > mostRows) {
      stop.abort();
      return null;
    }
  }
  return n;
}
