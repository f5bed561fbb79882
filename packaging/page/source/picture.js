// Two axes as a picture with a scale of colours; the value below the pointer is told.

import { label } from './chart.js';
import { el } from './dom.js';

// Colours from viridis, which is told apart by who sees no red or green, and in grey.
const stops = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37]];

export class Picture {
  // values: those of region's two axes, row by row.
  constructor(values, region, name) {
    Object.assign(this, { values, region, size: region.size });
    [this.low, this.high] = boundsOf(values);
    const [rows, columns] = this.size;
    this.canvas = el('canvas', { role: 'img', width: columns, height: rows, 'aria-label': `${name}, ${rows} rows of ${columns}, from ${label(this.low)} to ${label(this.high)}`,
      onpointermove: (e) => this.point(e), onpointerleave: () => { this.told.textContent = '\u00a0'; } });
    this.told = el('p', { class: 'told' }, '\u00a0');
    this.element = el('figure', { class: 'picture' }, this.canvas, this.told, this.scale(), el('figcaption', {}, `${name}: axis ${region.axes[0]} downwards, axis ${region.axes[1]} to the right`));
    this.draw();
  }

  draw() {
    const [rows, columns] = this.size, c = this.canvas.getContext('2d'), image = c.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer), by = 255 / (this.high - this.low || 1), table = colours();
    for (let i = 0; i < pixels.length; i++) {
      const v = this.values[i];
      pixels[i] = v === v ? table[Math.max(0, Math.min(255, ((v - this.low) * by) | 0))] : 0;
    }
    c.putImageData(image, 0, 0);
  }

  point(e) {
    const [rows, columns] = this.size, box = this.canvas.getBoundingClientRect();
    const r = Math.floor(((e.clientY - box.top) / box.height) * rows), k = Math.floor(((e.clientX - box.left) / box.width) * columns);
    if (r < 0 || k < 0 || r >= rows || k >= columns) return;
    const place = [r, k].map((n, i) => this.region.ranges[i][0] + n * this.region.steps[i]);
    this.told.textContent = `[${place.join(', ')}]: ${this.values[r * columns + k]}`;
  }

  scale() {
    const bar = el('canvas', { width: 256, height: 1, 'aria-hidden': 'true' }), c = bar.getContext('2d'), image = c.createImageData(256, 1);
    new Uint32Array(image.data.buffer).set(colours());
    c.putImageData(image, 0, 0);
    return el('div', { class: 'scale' }, el('span', {}, label(this.low)), bar, el('span', {}, label(this.high)));
  }
}

function boundsOf(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) {
    if (v < low && v > -Infinity) low = v;
    if (v > high && v < Infinity) high = v;
  }
  return low <= high ? [low, high] : [0, 1];
}

function colours() {
  const out = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2), part = at - k;
    const [r, g, b] = stops[k].map((v, n) => Math.round(v + (stops[k + 1][n] - v) * part));
    out[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return out;
}
