// What the first look at a view asks for. It is guessed from the view alone, so that all of it is asked at once: by the markup, before the
// other modules are there, and by a click. What turns out to be asked otherwise is given up.

import { address } from './address.js';

const asked = (globalThis.mtflightAhead ??= new Map()); // the markup and the modules each have this module

// bounds of a window: rows that are fetched at once, of a condition or an order more, which takes looking for them; never more than so many bytes.
export const bounds = { rows: 500, found: 4000, bytes: 24 << 20 };

export const isFound = (view) => Boolean(view.where || view.sort);

// rowsOf is how the server is asked for the rows of a view; fields: columns, null for all.
export function rowsOf({ file, dataset, where, sort, down, strings }, fields) {
  return { file, dataset, where, sort_by: sort, step: sort && down ? -1 : null, 'options.strings': strings, fields };
}

// placeOf is which of them are in a window.
export function placeOf(at, size, found) {
  return { ...(found ? { offset: at * size, limit: size } : { start: at * size, stop: (at + 1) * size }), max_bytes: bounds.bytes };
}

function addressesOf(view) {
  if (!view.file || !view.dataset) return [];
  const { file, dataset } = view, found = isFound(view), size = found ? bounds.found : bounds.rows;
  const all = [address('v1/describe', { file, dataset })];
  if (!view.tab || view.tab === 'rows') all.push(address('v1/data', { ...rowsOf(view, view.fields), ...placeOf(Math.floor((Number(view.row) || 0) / size), size, found) }));
  return all;
}

// start asks for what a view is guessed to need, and gives up what others were.
export function start(view, token) {
  const wanted = addressesOf(view);
  giveUp((at) => !wanted.includes(at) || asked.get(at).token !== token);
  for (const at of wanted) {
    if (asked.has(at)) continue;
    const stop = new AbortController();
    const answer = fetch(at, { headers: token ? { Authorization: `Bearer ${token}` } : {}, credentials: 'same-origin', cache: 'no-store', signal: stop.signal });
    answer.catch(() => {}); // told to who takes it
    asked.set(at, { answer, stop, token });
  }
}

// take gives {answer, stop} of what was asked already with the same token, once.
export function take(at, token) {
  const one = asked.get(at);
  asked.delete(at);
  return one?.token === token ? one : null;
}

export function giveUp(which = () => true) {
  for (const [at, { stop }] of asked) {
    if (!which(at)) continue;
    stop.abort();
    asked.delete(at);
  }
}
