// The grid of a table's rows: a head of columns, and rows that are fetched as they are looked at.

import { el, grouped, plain } from './dom.js';
import { Scroller } from './scroll.js';

const height = 26, head = 44, gutter = 96;

export class Grid {
  // on: {sort(name), chosen(from, to, column), moved(row)}
  constructor(columns, rows, on, sorted) {
    Object.assign(this, { columns, rows, on, sorted, active: { row: 0, column: 0 }, selected: null });
    this.widths = columns.map((c) => widthOf(c));
    this.box = el('div', { class: 'grid', role: 'grid', tabindex: '0', 'aria-label': 'Rows', 'aria-colcount': columns.length + 1, 'aria-multiselectable': 'true',
      onkeydown: (e) => this.key(e), onclick: (e) => this.clicked(e) });
    this.scroller = new Scroller(this.box, height, head, (first, count) => this.draw(first, count));
    this.scroller.extent.setAttribute('role', 'none');
    this.scroller.layer.setAttribute('role', 'rowgroup');
    this.header = this.makeHeader();
    this.width = gutter + this.widths.reduce((a, b) => a + b, 0);
  }

  close() {
    this.scroller.close();
    this.rows.close();
  }

  // fill is called whenever rows have come; the grid is busy until all that are seen are drawn.
  fill() {
    this.box.setAttribute('aria-busy', 'true');
    const count = this.rows.total ?? this.rows.atLeast + (this.rows.problem ? 0 : this.rows.size);
    this.box.setAttribute('aria-rowcount', this.rows.total == null ? -1 : count + 1);
    if (count !== this.scroller.count) this.scroller.setCount(count, this.width);
    else this.scroller.redraw();
  }

  makeHeader() {
    const row = el('div', { role: 'row', class: 'head', 'aria-rowindex': 1 }, el('div', { role: 'columnheader', class: 'cell number' }, 'row'));
    row.firstChild.style.width = `${gutter}px`;
    this.columns.forEach((c, i) => {
      const direction = this.sorted?.name === c.name ? (this.sorted.down ? 'descending' : 'ascending') : 'none';
      const arrow = { descending: ' ▼', ascending: ' ▲', none: '' }[direction];
      const cell = el('div', { role: 'columnheader', class: 'cell', 'aria-colindex': i + 2, 'aria-sort': direction, 'data-column': i, title: `${plain(c.name)}: ${c.type}` },
        el('span', { class: 'label' }, plain(c.name) + arrow), el('span', { class: 'note' }, c.type));
      cell.style.width = `${this.widths[i]}px`;
      row.append(cell);
    });
    return row;
  }

  draw(first, count) {
    this.rows.want(first, first + count);
    const lines = [this.header];
    for (let i = first; i < first + count; i++) lines.push(this.line(i));
    this.scroller.layer.replaceChildren(...lines);
    this.box.setAttribute('aria-busy', String(!this.rows.problem && lines.some((line) => line.classList.contains('waiting'))));
    this.box.setAttribute('aria-activedescendant', `cell-${this.active.row}-${this.active.column}`);
    if (!document.getElementById(`cell-${this.active.row}-${this.active.column}`)) this.box.removeAttribute('aria-activedescendant');
    this.on.moved(first);
  }

  line(i) {
    const row = this.rows.row(i);
    const has = this.selected && i >= this.selected.from && i <= this.selected.to;
    const line = el('div', { role: 'row', class: `line${has ? ' selected' : ''}${row ? '' : ' waiting'}`, 'aria-rowindex': i + 2, 'aria-selected': String(Boolean(has)), 'data-row': i });
    line.style.top = `${this.scroller.place(i)}px`;
    line.append(cellOf(grouped(i), 'rowheader', gutter, 'number'));
    this.columns.forEach((c, k) => {
      const text = row ? this.rows.cell(row, k) : '';
      const cell = cellOf(text === null ? 'null' : plain(text), 'gridcell', this.widths[k], `${c.numeric ? 'right' : ''}${text === null ? ' null' : ''}`);
      cell.id = `cell-${i}-${k}`;
      cell.dataset.column = k;
      if (i === this.active.row && k === this.active.column) cell.classList.add('active');
      line.append(cell);
    });
    return line;
  }

  clicked(e) {
    const column = e.target.closest('[data-column]'), row = e.target.closest('[data-row]');
    if (column && !row) return this.on.sort(this.columns[Number(column.dataset.column)].name);
    if (!row) return;
    this.active = { row: Number(row.dataset.row), column: Number(column?.dataset.column ?? this.active.column) };
    this.select(e.shiftKey);
  }

  // select chooses the active row; extended, all from the row that was chosen first.
  select(extended) {
    const anchor = extended && this.selected ? this.selected.anchor : this.active.row;
    this.selected = { anchor, from: Math.min(anchor, this.active.row), to: Math.max(anchor, this.active.row) };
    this.on.chosen(this.selected, this.columns[this.active.column]);
    this.scroller.redraw();
  }

  key(e) {
    const page = Math.max(1, Math.floor(this.scroller.fit) - 1), all = e.ctrlKey || e.metaKey;
    const rows = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const columns = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    if (e.key in rows) this.move(rows[e.key], 0, e.shiftKey);
    else if (all && e.key === 'Home') this.move(-Infinity, 0, e.shiftKey);
    else if (all && e.key === 'End') this.move(Infinity, 0, e.shiftKey);
    else if (e.key in columns) this.move(0, columns[e.key], false);
    else if (e.key === ' ') this.select(e.shiftKey);
    else if (e.key === 'Enter') this.on.sort(this.columns[this.active.column].name);
    else if (e.key === 'Escape') {
      this.selected = null;
      this.on.chosen(null, this.columns[this.active.column]);
      this.scroller.redraw();
    } else return;
    e.preventDefault();
  }

  move(rows, columns, extended) {
    this.active.row = bounded(this.active.row + rows, this.scroller.count);
    this.active.column = bounded(this.active.column + columns, this.columns.length);
    if (extended) this.select(true);
    this.scroller.show(this.active.row);
    const left = this.widths.slice(0, this.active.column).reduce((a, b) => a + b, 0);
    if (left < this.box.scrollLeft) this.box.scrollLeft = left;
    if (left + this.widths[this.active.column] + gutter > this.box.scrollLeft + this.box.clientWidth) this.box.scrollLeft = left + this.widths[this.active.column] + gutter - this.box.clientWidth;
    this.scroller.redraw();
  }
}

const bounded = (n, count) => Math.max(0, Math.min(n, count - 1));

function cellOf(text, role, width, style) {
  const e = el('div', { role, class: `cell ${style}`, title: text.length > 12 ? text : null }, text);
  e.style.width = `${width}px`;
  return e;
}

function widthOf({ name, type, numeric }) {
  const value = type === 'float64' ? 180 : numeric ? 120 : /^(bool|dictionary)/.test(type) ? 100 : /^timestamp/.test(type) ? 210 : 180;
  return Math.min(320, Math.max(value, name.length * 8 + 30));
}
