// The view of an array: a line of one axis, a picture of two.

import { tableFromIPC } from './arrow.js';
import { askBytes } from './ask.js';
import { Chart } from './chart.js';
import { columnsOf } from './columns.js';
import { el, grouped, plain } from './dom.js';
import { go } from './link.js';
import { Picture } from './picture.js';
import { Region, rangeOf } from './region.js';
import { floor, numberOf } from './values.js';

const most = 32 << 20; // bytes of what is drawn

// drawable tells whether a dataset is numbers along axes.
export function drawable({ kind, shape, schema, layout }) {
  const value = schema?.[0]?.type.replace(/^fixed_size_list<.*?: (.*?)(, nullable)?>\[\d+\].*$/, '$1') ?? '';
  return kind === 'array' && layout !== 'sparse' && shape?.length > 0 && shape.every((n) => n > 0) && /^(u?int|float)\d+|^bool|^timestamp|^dictionary/.test(value);
}

export class ArrayView {
  constructor(view, described, on) {
    Object.assign(this, { view, described, on, stop: new AbortController() });
    const elements = described.shape.reduce((p, n) => p * Number(n), 1);
    this.region = new Region(described.shape, view, Number(described.bytes ?? elements * 8) / elements || 8);
    this.said = el('p', { class: 'said', role: 'status' }, 'Reading …');
    this.drawn = el('div', { class: 'drawn' });
    this.element = el('section', { class: 'array', 'aria-label': 'Array' }, this.controls(), this.said, this.drawn);
    this.read();
  }

  close() { this.stop.abort(); }

  get members() { return { file: this.view.file, dataset: this.view.dataset, select: this.region.select }; }

  async read() {
    this.on.request(this.members, null);
    try {
      const { body, headers } = await askBytes('v1/data', { ...this.members, max_bytes: most }, most, this.stop.signal);
      this.on.state(headers.get('Mtflight-State'));
      this.draw(numbersOf(tableFromIPC(body)));
    } catch (e) {
      if (e.name === 'AbortError') return;
      this.said.textContent = '';
      this.on.problem(e);
    }
  }

  draw(values) {
    const { region } = this, name = plain(columnsOf(this.described)[0].name), left = region.steps.some((s) => s > 1);
    const of = region.axes.map((a, k) => `axis ${a}: ${region.ranges[k].map(grouped).join(' to ')}${region.steps[k] > 1 ? `, every ${region.steps[k]}th` : ''}`).join(' · ');
    this.said.textContent = `${of}${left ? ' · choose a smaller range to see every element' : ''}`;
    if (region.axes.length === 1) {
      const chart = new Chart(`${name} along axis ${region.axes[0]}`, `axis ${region.axes[0]}`, name, 380);
      chart.line(values, region.ranges[0][0], region.steps[0]);
      this.drawn.replaceChildren(chart.element);
    } else {
      this.drawn.replaceChildren(new Picture(values, region, name).element);
    }
  }

  controls() {
    const { region } = this, shape = region.shape, fields = [];
    const change = (what) => go({ ...this.view, ...what });
    if (shape.length > 1) {
      const choices = [];
      for (let a = 0; a < shape.length; a++) choices.push([a]);
      for (let a = 0; a < shape.length; a++) for (let b = a + 1; b < shape.length; b++) choices.push([a, b]);
      const select = el('select', { onchange: () => change({ axes: select.value, region: null }) }, ...choices.slice(0, 200).map((c) =>
        el('option', { value: c.join(','), selected: c.join() === region.axes.join() }, c.length > 1 ? `axes ${c.join(' and ')} as a picture` : `axis ${c[0]} as a line`)));
      fields.push(el('label', {}, 'Draw ', select));
    }
    const changed = (what) => change({ axes: region.axes.join(','), ...what });
    region.axes.forEach((a, k) => {
      const input = el('input', { type: 'text', size: '14', value: region.ranges[k].join(':'), onchange: () => {
        const ranges = region.ranges.map((r) => r.join(':'));
        ranges[k] = (rangeOf(input.value, shape[a]) ?? [0, shape[a]]).join(':');
        changed({ region: ranges.join(',') });
      } });
      fields.push(el('label', {}, `Axis ${a} (of ${grouped(shape[a])}) `, input));
    });
    shape.forEach((n, a) => {
      if (region.axes.includes(a)) return;
      const input = el('input', { type: 'number', min: '0', max: n - 1, value: region.index[a], onchange: () => {
        const index = [...region.index];
        index[a] = input.value;
        changed({ index: index.join(','), region: region.text });
      } });
      fields.push(el('label', {}, `Axis ${a} at `, input, ` of ${grouped(n)}`));
    });
    return el('div', { class: 'bar' }, ...fields);
  }
}

// numbersOf is all values of a table's one column, in the order of the axes.
function numbersOf(table) {
  const parts = table.getChildAt(0).data.map(floor);
  const out = new Float64Array(parts.reduce((n, d) => n + d.length, 0));
  let at = 0;
  for (const data of parts) for (let i = 0; i < data.length; i++) out[at++] = numberOf(data, i);
  return out;
}
