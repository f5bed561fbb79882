// Rows of a view in windows, fetched as they are looked at, a few kept.

import { tableFromIPC } from './arrow.js';
import { placeOf, bounds } from './ahead.js';
import { askBytes } from './ask.js';
import { textOf } from './values.js';

const kept = 24;
const atOnce = 2;

export class Rows {
  // request is what all windows share; found: rows are those of a condition or an order, told by their place in the result.
  // changed is called when something came: rows, or this.problem.
  constructor(request, { size, total, found, state }, changed) {
    Object.assign(this, { request, size, total, found, state, changed, windows: new Map(), running: new Map(), wanted: [], problem: null });
    this.atLeast = total ?? 0;
  }

  close() {
    this.closed = true;
    for (const stop of this.running.values()) stop.abort();
  }

  // row gives what cell() takes, or null while it is on its way.
  row(i) {
    const w = Math.floor(i / this.size), window = this.windows.get(w);
    if (!window) return null;
    this.windows.delete(w); // those used last are at the end
    this.windows.set(w, window);
    return i - w * this.size < window.numRows ? { window, at: i - w * this.size } : null;
  }

  cell({ window, at }, column) {
    const child = window.getChildAt(column);
    for (const data of child.data) {
      if (at < data.length) return textOf(data, at);
      at -= data.length;
    }
    return null;
  }

  // want has rows fetched that are not there, and forgets about others.
  want(from, to) {
    const first = Math.floor(from / this.size), last = Math.floor(Math.max(from, to - 1) / this.size);
    this.wanted = [];
    for (let w = first; w <= last; w++) if (!this.windows.has(w)) this.wanted.push(w);
    for (const [w, stop] of this.running) if (w < first - 1 || w > last + 1) stop.abort();
    clearTimeout(this.soon);
    if (this.windows.size) this.soon = setTimeout(() => this.start(), 30); // whoever drags the bar passes over most
    else this.start();
  }

  start() {
    for (const w of this.wanted) {
      if (this.closed || this.problem || this.running.size >= atOnce) return;
      if (!this.windows.has(w) && !this.running.has(w)) this.fetch(w); // what is wanted is told once a frame
    }
  }

  async fetch(w) {
    const stop = new AbortController();
    this.running.set(w, stop);
    try {
      const { body, headers } = await askBytes('v1/data', { ...this.request, ...placeOf(w, this.size, this.found), state: this.state }, bounds.bytes, stop.signal);
      if (this.closed) return;
      this.state ??= headers.get('Mtflight-State');
      this.take(w, tableFromIPC(body));
    } catch (e) {
      if (e.name !== 'AbortError' && !this.closed) this.problem = e;
    } finally {
      this.running.delete(w);
    }
    if (this.closed) return;
    this.changed();
    this.start();
  }

  take(w, window) {
    this.windows.set(w, window);
    while (this.windows.size > kept) this.windows.delete(this.windows.keys().next().value);
    const end = w * this.size + window.numRows;
    this.atLeast = Math.max(this.atLeast, end);
    if (window.numRows < this.size && (window.numRows || !w)) this.total ??= end;
  }
}
