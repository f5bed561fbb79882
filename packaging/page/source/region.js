// Which part of an array is drawn: two axes (one of a line), a range of each, one place of the others; and how many elements are left out
// so that it is not more than a picture holds.

const most = { cells: 1 << 20, touched: 64 << 20 };

export class Region {
  // view has axes ("0,1"), index ("3,,") and region ("0:100,50:80") as texts of a link.
  constructor(shape, view, itemBytes) {
    this.shape = shape.map(Number);
    this.axes = axesOf(view.axes, this.shape);
    const index = (view.index ?? '').split(',');
    this.index = this.shape.map((n, i) => Math.max(0, Math.min(Math.trunc(Number(index[i])) || 0, n - 1)));
    const asked = (view.region ?? '').split(',');
    this.ranges = this.axes.map((axis, k) => rangeOf(asked[k], this.shape[axis]) ?? this.whole(axis, itemBytes));
    this.steps = this.fitting();
  }

  // whole is all of an axis, where reading it is not too much.
  whole(axis, itemBytes) {
    const n = this.shape[axis], all = this.axes.reduce((p, a) => p * this.shape[a], itemBytes);
    if (all <= most.touched) return [0, n];
    return [0, Math.min(n, Math.max(1, Math.floor((most.touched / itemBytes) ** (1 / this.axes.length))))];
  }

  fitting() {
    const size = this.ranges.map(([a, b]) => b - a), side = this.axes.length === 1 ? most.cells : Math.sqrt(most.cells);
    return size.map((n) => Math.max(1, Math.ceil(n / side)));
  }

  // select is the NumPy index that the server is asked by.
  get select() {
    return this.shape.map((_, i) => {
      const k = this.axes.indexOf(i);
      return k < 0 ? this.index[i] : `${this.ranges[k][0]}:${this.ranges[k][1]}${this.steps[k] > 1 ? `:${this.steps[k]}` : ''}`;
    }).join(', ');
  }

  get size() { return this.ranges.map(([a, b], k) => Math.ceil((b - a) / this.steps[k])); }
  get text() { return this.ranges.map((r) => r.join(':')).join(','); }
}

function axesOf(text, shape) {
  const given = (text ?? '').split(',').filter((t) => t !== '').map(Number);
  const right = given.length > 0 && given.length <= 2 && new Set(given).size === given.length && given.every((a) => a in shape);
  if (right) return given.toSorted((a, b) => a - b);
  return shape.length === 1 ? [0] : [shape.length - 2, shape.length - 1];
}

// rangeOf reads "10:200"; null where it is none.
export function rangeOf(text, n) {
  const m = /^\s*(\d*)\s*:\s*(\d*)\s*$/.exec(text ?? '');
  if (!m) return null;
  const from = Math.min(Number(m[1] || 0), n), to = Math.min(m[2] === '' ? n : Number(m[2]), n);
  return from < to ? [from, to] : null;
}
