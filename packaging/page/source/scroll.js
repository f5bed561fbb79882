// Scrolling over any number of lines, of which only those that are seen are there. Browsers have no element higher than some 17 or 33
// million pixels: beyond that the bar is a scale, and wheel and keys go by lines.

const highest = 12e6;

export class Scroller {
  // box scrolls; draw(first, count) puts lines into layer, each at place(i).
  constructor(box, height, head, draw) {
    Object.assign(this, { box, height, head, draw, count: 0, first: 0, width: 0 });
    this.extent = document.createElement('div');
    this.layer = document.createElement('div');
    this.extent.className = 'extent';
    this.layer.className = 'layer';
    this.extent.append(this.layer);
    box.append(this.extent);
    box.addEventListener('scroll', () => this.scrolled(), { passive: true });
    box.addEventListener('wheel', (e) => this.wheeled(e), { passive: false });
    this.seen = new ResizeObserver(() => this.resize());
    this.seen.observe(box);
  }

  close() { this.seen.disconnect(); }

  // lines that fit, and the first one when the last is at the end.
  get fit() { return Math.max(1, (this.box.clientHeight - this.head) / this.height); }
  get last() { return Math.max(0, this.count - Math.floor(this.fit)); }
  get scaled() { return this.count * this.height > highest; }

  setCount(count, width = this.width) {
    Object.assign(this, { count, width });
    this.resize();
  }

  resize() {
    this.extent.style.height = `${Math.min(this.count * this.height, highest) + this.head}px`;
    this.extent.style.width = this.width ? `${this.width}px` : '';
    this.to(this.first);
  }

  // to makes a line the first that is seen.
  to(line) {
    this.first = Math.max(0, Math.min(line, this.last));
    const room = this.extent.offsetHeight - this.box.clientHeight;
    const top = this.scaled ? (this.last ? this.first / this.last : 0) * room : this.first * this.height;
    this.set = Math.round(Math.min(top, Math.max(room, 0)));
    if (Math.abs(this.box.scrollTop - this.set) >= 1) this.box.scrollTop = this.set;
    this.redraw();
  }

  // show scrolls no more than it takes to see a line.
  show(line) {
    const full = Math.max(1, Math.floor(this.fit));
    if (line < this.first) this.to(line);
    else if (line > this.first + full - 1) this.to(line - full + 1);
  }

  scrolled() {
    const top = this.box.scrollTop;
    if (Math.abs(top - this.set) < 2) return;
    this.set = top;
    const room = this.extent.offsetHeight - this.box.clientHeight;
    this.first = Math.min(this.scaled ? (room > 0 ? top / room : 0) * this.last : top / this.height, this.last);
    this.redraw();
  }

  wheeled(e) {
    if (!this.scaled || !e.deltaY || e.ctrlKey || e.shiftKey) return;
    e.preventDefault();
    const line = [this.height, 3, this.fit * 0.9][e.deltaMode];
    this.to(this.first + (e.deltaMode === 0 ? e.deltaY / line : Math.sign(e.deltaY) * line));
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const from = Math.floor(this.first);
      this.draw(from, Math.min(Math.ceil(this.fit) + 1, this.count - from));
    });
  }

  // place is where a line stands in the layer.
  place(line) { return this.head + (line - this.first) * this.height; }
}
