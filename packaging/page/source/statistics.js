// What is known of a column without looking at its rows here: counts, bounds, and how they lie, of the statistics of its chunks.

import { askJSON } from './ask.js';
import { Chart } from './chart.js';
import { el, grouped, plain } from './dom.js';
import { number } from './values.js';

export class Statistics {
  constructor({ path, rows }, on) {
    Object.assign(this, { path, rows, on });
    this.body = el('div', { class: 'body', role: 'status' }, el('p', {}, 'Choose a cell, then a column\'s statistics are here.'));
    this.element = el('details', { class: 'statistics', ontoggle: () => this.load() }, el('summary', {}, 'Statistics of the column'), this.body);
  }

  // show is told which column is the chosen one.
  show(column) {
    if (column === this.column) return;
    this.column = column;
    this.element.firstChild.textContent = `Statistics of ${plain(column.name)}`;
    this.load();
  }

  async load() {
    const { column } = this;
    if (!this.element.open || !column || this.loaded === column) return;
    this.loaded = column;
    this.body.replaceChildren(el('p', {}, 'Reading …'));
    try {
      const answers = await askJSON('v1/stats', { file: this.on.file, dataset: this.path, fields: [column.name], chunks: 'true' });
      if (this.column === column) this.draw(answers.at(-1).columns[0], answers.slice(0, -1).flatMap((a) => a.chunks));
    } catch (e) {
      this.loaded = null;
      this.body.replaceChildren(el('p', { class: 'error' }, plain(e.message)));
    }
  }

  draw(all, chunks) {
    const facts = [['values', grouped(all.values)], ['null', grouped(all.null)], ['NaN', grouped(all.nan)], ['least', told(all.min, all.type)], ['greatest', told(all.max, all.type)]];
    this.body.replaceChildren(el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, plain(value))])));
    if (all.reason) this.body.append(el('p', {}, plain(all.reason)));
    const bounded = chunks.map((c) => ({ ...c, ...c.columns[0] })).map((c) => ({ start: Number(c.start), stop: Number(c.stop), n: c.values - c.null - c.nan, min: place(c.min), max: place(c.max) }))
      .filter((c) => Number.isFinite(c.min) && Number.isFinite(c.max));
    if (bounded.length) this.body.append(along(bounded, this.column.name), histogram(bounded, this.column.name));
  }
}

const told = (v, type) => (v === null ? 'none' : typeof v === 'object' ? JSON.stringify(v) : number(v, type));
const place = (v) => (typeof v === 'bigint' || typeof v === 'number' ? Number(v) : NaN);

// along draws the bounds of each chunk over the rows.
function along(chunks, name) {
  const chart = new Chart(`Least and greatest value of ${plain(name)} in each chunk, along the rows`, 'row', plain(name));
  chart.band(chunks.map((c) => ({ x: c.start, end: c.stop, low: c.min, high: c.max })));
  return chart.element;
}

// histogram spreads the values of each chunk evenly between its bounds: an estimate, and said to be one.
function histogram(chunks, name) {
  const low = Math.min(...chunks.map((c) => c.min)), high = Math.max(...chunks.map((c) => c.max)), bins = new Float64Array(40);
  const width = (high - low) / bins.length || 1;
  for (const { n, min, max } of chunks) {
    const from = Math.min(bins.length - 1, Math.floor((min - low) / width)), to = Math.min(bins.length - 1, Math.floor((max - low) / width));
    for (let b = from; b <= to; b++) {
      const share = max > min ? Math.max(0, Math.min(max, low + (b + 1) * width) - Math.max(min, low + b * width)) / (max - min) : 1;
      bins[b] += n * share;
    }
  }
  const chart = new Chart(`How many values of ${plain(name)} where: an estimate from the bounds of ${grouped(chunks.length)} chunks`, plain(name), 'values, about');
  chart.bars([...bins].map((n, b) => ({ x: low + b * width, end: low + (b + 1) * width, high: n })));
  return chart.element;
}
