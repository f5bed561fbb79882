// Charts on a canvas: lines, bands, bars, and pictures. Their colours are the page's.

import { el } from './dom.js';
import { dark } from './theme.js';

const left = 64, bottom = 36, top = 10, right = 12;

export class Chart {
  constructor(title, xName, yName, height = 220) {
    Object.assign(this, { xName, yName });
    this.canvas = el('canvas', { role: 'img', 'aria-label': title });
    this.canvas.style.height = `${height}px`;
    this.element = el('figure', {}, this.canvas, el('figcaption', {}, title));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    document.addEventListener('theme', () => this.canvas.isConnected && this.draw());
  }

  band(parts) { this.set(parts, (p) => [p.low, p.high], (c, at) => parts.forEach((p) => {
    const [x, y] = at(p.x, p.high), [end, low] = at(p.end, p.low);
    c.fillRect(x, y, Math.max(end - x, 1), Math.max(low - y, 1));
  })); }

  bars(parts) { this.set(parts, (p) => [0, p.high], (c, at) => parts.forEach((p) => {
    const [x, y] = at(p.x, p.high), [end, zero] = at(p.end, 0);
    c.fillRect(x, y, Math.max(end - x - 1, 1), zero - y);
  })); }

  // line draws values at from, from + step ..; where there are more than pixels, all of a pixel's between its least and greatest.
  line(values, from, step) {
    let low = Infinity, high = -Infinity;
    for (const v of values) if (Number.isFinite(v)) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
    this.set([{ x: from, end: from + Math.max(values.length - 1, 1) * step, low, high }], (p) => [p.low, p.high], (c, at) => {
      c.beginPath();
      let pen = false;
      for (const [i, v] of thinned(values, this.canvas.clientWidth)) {
        if (!Number.isFinite(v)) pen = false;
        else {
          c[pen ? 'lineTo' : 'moveTo'](...at(from + i * step, v));
          if (!pen) c.fillRect(at(from + i * step, v)[0] - 1, at(from + i * step, v)[1] - 1, 2, 2);
          pen = true;
        }
      }
      c.stroke();
    });
  }

  set(parts, bounds, paint) {
    const ys = parts.flatMap(bounds).filter(Number.isFinite);
    let low = ys.reduce((a, b) => Math.min(a, b), Infinity), high = ys.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!(low <= high)) [low, high] = [0, 1];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    this.x = [parts[0]?.x ?? 0, parts.at(-1)?.end ?? 1];
    this.y = [low, high];
    this.paint = paint;
    this.draw();
  }

  draw() {
    const { canvas } = this, ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (!w || !this.paint) return;
    Object.assign(canvas, { width: w * ratio, height: h * ratio });
    const c = canvas.getContext('2d');
    c.scale(ratio, ratio);
    const [x0, x1] = this.x, [y0, y1] = this.y;
    const at = (x, y) => [left + ((x - x0) / (x1 - x0 || 1)) * (w - left - right), h - bottom - ((y - y0) / (y1 - y0)) * (h - top - bottom)];
    this.axes(c, at, w, h);
    c.fillStyle = c.strokeStyle = dark() ? '#7db7ff' : '#1d4e89';
    this.paint(c, at);
  }

  axes(c, at, w, h) {
    c.fillStyle = c.strokeStyle = dark() ? '#c8cdd3' : '#45505c';
    c.font = '12px system-ui, sans-serif';
    c.textAlign = 'right';
    c.textBaseline = 'middle';
    for (const y of ticks(...this.y, 4)) c.fillText(label(y), left - 6, at(0, y)[1]);
    c.textAlign = 'center';
    for (const x of ticks(...this.x, Math.max(2, Math.floor(w / 160)))) c.fillText(label(x), at(x, 0)[0], h - bottom + 12);
    c.fillText(this.xName, (w + left) / 2, h - 8);
    c.globalAlpha = 0.5;
    c.strokeRect(left, top, w - left - right, h - top - bottom);
    c.globalAlpha = 1;
  }
}

// thinned gives [place, value]: of many, the least and the greatest of each pixel.
function* thinned(values, pixels) {
  const many = Math.ceil(values.length / (pixels * 2));
  if (many < 2) {
    for (let i = 0; i < values.length; i++) yield [i, values[i]];
    return;
  }
  for (let i = 0; i < values.length; i += many) {
    let low = i, high = i;
    for (let k = i; k < Math.min(i + many, values.length); k++) {
      if (!(values[low] <= values[k])) low = k;
      if (!(values[high] >= values[k])) high = k;
    }
    yield [Math.min(low, high), values[Math.min(low, high)]];
    yield [Math.max(low, high), values[Math.max(low, high)]];
  }
}

export function ticks(low, high, many) {
  const raw = (high - low) / many, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const out = [];
  if (step > 0 && Number.isFinite(step)) for (let t = Math.ceil(low / step) * step; t <= high && out.length < 50; t += step) out.push(Math.abs(t) < step / 1e6 ? 0 : t);
  return out;
}

export const label = (v) => (v !== 0 && (Math.abs(v) >= 1e6 || Math.abs(v) < 1e-3) ? v.toExponential(2).replace(/\.?0+e/, 'e') : String(Number(v.toPrecision(6))));
