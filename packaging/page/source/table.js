// The view of a table: its condition, columns, order, rows and statistics.

import { isFound, rowsOf, bounds } from './ahead.js';
import { columnsOf, countOf } from './columns.js';
import { counted } from './count.js';
import { el, grouped, plain } from './dom.js';
import { Filter } from './filter.js';
import { Grid } from './grid.js';
import { go, note } from './link.js';
import { Rows } from './rows.js';
import { Statistics } from './statistics.js';

const first = 40; // columns that are shown unasked

export class Table {
  // where: {view, described, request(changed), changed()}: changed is called where the file is not what it was, request with what is shown.
  constructor(view, described, on) {
    Object.assign(this, { view, described, on });
    this.columns = columnsOf(described);
    this.element = el('section', { class: 'table', 'aria-label': 'Rows' });
    const named = new Set(view.fields ?? this.columns.slice(0, first).map((c) => c.name));
    this.shown = this.columns.filter((c) => named.has(c.name));
    this.said = el('p', { class: 'said', role: 'status' });
    this.filter = new Filter(this.columns.filter((c) => c.flat), view.where ?? '', (where) => this.change({ where, row: null }));
    this.statistics = new Statistics(described, on);
    this.start();
    const flat = this.columns.length > 1 || this.columns[0]?.flat;
    this.element.append(...[flat ? this.filter.element : null, this.filter.error, this.bar(), this.grid.box, this.statistics.element].filter((e) => e));
    this.grid.fill();
    if (view.row) this.grid.scroller.first = Number(view.row) || 0;
    this.rows.want(this.grid.scroller.first, this.grid.scroller.first + 1); // before the first frame, which takes longer than they do
  }

  close() {
    this.counting?.abort();
    this.grid.close();
  }

  // request is what is shown, as the server is asked.
  request(strings = this.view.strings) {
    const some = this.shown.length !== this.columns.length || this.view.fields;
    return rowsOf({ ...this.view, strings }, some ? this.shown.map((c) => c.name) : null);
  }

  start() {
    const found = isFound(this.view);
    const row = Math.max(1, this.shown.reduce((n, c) => n + c.bytes, 0)), size = Math.max(1, Math.min(found ? bounds.found : bounds.rows, Math.floor((8 << 20) / row)));
    const { rows, beyond } = countOf(this.described);
    this.beyond = beyond;
    this.rows = new Rows(this.request(), { size, total: this.view.where ? null : rows, found }, () => this.came());
    this.grid = new Grid(this.shown, this.rows, {
      sort: (name) => this.sort(name),
      chosen: (selected, column) => this.chosen(selected, column),
      moved: (row) => this.moved(row),
    }, this.view.sort ? { name: this.view.sort, down: this.view.down } : null);
    this.say(found ? 'Looking for the rows …' : '');
    this.on.request(this.request(), null);
  }

  came() {
    const { problem } = this.rows;
    if (problem?.code === 'FailedPrecondition' && /UTF-8/.test(problem.message) && !this.view.strings) {
      this.change({ strings: 'binary' }, true);
      return;
    }
    if (problem?.status === 409) this.on.changed();
    else if (problem && this.view.where && /^condition/.test(problem.message)) this.filter.fail(problem.message);
    else if (problem) this.on.problem(problem);
    if (this.rows.state) this.on.state(this.rows.state);
    this.grid.fill();
    this.count();
    this.tell();
  }

  // count finds how many rows there are of a condition, of which the first are there already.
  async count() {
    if (!this.view.where || this.counting || this.rows.problem || this.rows.total != null) return;
    this.counting = new AbortController();
    try {
      const n = await counted(this.request(), this.columns, (so_far) => { this.rows.atLeast = Math.max(this.rows.atLeast, so_far); this.grid.fill(); this.tell(); }, this.counting.signal);
      if (n != null) this.rows.total = n;
      this.grid.fill();
      this.tell();
    } catch { /* the rows are there nevertheless */ }
  }

  tell() {
    if (this.rows.problem) return this.say('');
    const { rows } = countOf(this.described), n = this.rows.total;
    const parts = [];
    if (this.view.where) parts.push(n == null ? `at least ${grouped(this.rows.atLeast)} of ${grouped(rows)} rows` : `${grouped(n)} of ${grouped(rows)} rows`);
    else parts.push(`${grouped(rows)} rows`);
    if (this.beyond) parts.push('and more: rows beyond are asked for by a program');
    if (this.shown.length < this.columns.length) parts.push(`${this.shown.length} of ${grouped(this.columns.length)} columns`);
    if (this.view.sort) parts.push(`in the order of ${plain(this.view.sort)}${this.view.down ? ', descending' : ''}`);
    if (this.view.strings) parts.push('texts as bytes: not all are UTF-8');
    this.say(parts.join(' · '));
  }

  say(text) { this.said.textContent = text; }

  // change shows another view of the table.
  change(what, quiet) {
    const view = { ...this.view, ...what };
    if (!quiet) return go(view);
    note(view);
    dispatchEvent(new HashChangeEvent('hashchange'));
  }

  sort(name) {
    const column = this.columns.find((c) => c.name === name);
    if (!column.flat) return this.say('rows are sorted by columns of one value each');
    const { sort, down } = this.view;
    this.change(sort !== name ? { sort: name, down: null, row: null } : down ? { sort: null, down: null, row: null } : { down: '1', row: null });
  }

  chosen(selected, column) {
    this.on.request(this.request(), selected && { ...selected, found: this.rows.found });
    this.tell();
    if (selected) this.say(`${this.said.textContent} · ${grouped(selected.to - selected.from + 1)} selected`);
    this.statistics.show(column);
  }

  // moved keeps in the address where one is, not more often than a browser lets it.
  moved(row) {
    clearTimeout(this.noting);
    this.noting = setTimeout(() => {
      if (!this.rows.closed && row !== Number(this.view.row ?? 0)) note(Object.assign(this.view, { row: row || null }));
    }, 400);
  }

  bar() {
    const search = el('input', { type: 'search', 'aria-label': 'Search columns', placeholder: 'Search columns', oninput: () => fill() });
    const list = el('div', { class: 'choice' });
    const named = new Set(this.shown.map((c) => c.name));
    const fill = () => list.replaceChildren(...this.columns.filter((c) => c.name.toLowerCase().includes(search.value.toLowerCase())).slice(0, 300).map((c) => {
      const box = el('input', { type: 'checkbox', onchange: () => (box.checked ? named.add(c.name) : named.delete(c.name)) });
      box.checked = named.has(c.name);
      return el('label', {}, box, plain(c.name), el('span', { class: 'note' }, c.type));
    }));
    const apply = el('button', { type: 'button', onclick: () => {
      const fields = this.columns.map((c) => c.name).filter((n) => named.has(n)).slice(0, 500);
      this.change({ fields: fields.length && fields.length < this.columns.length ? fields : null });
    } }, 'Show these');
    const columns = el('details', { class: 'columns', ontoggle: fill }, el('summary', {}, `Columns (${this.shown.length} of ${grouped(this.columns.length)})`), search, list,
      el('div', { class: 'buttons' }, apply, el('button', { type: 'button', onclick: () => { named.clear(); fill(); } }, 'None'),
        el('button', { type: 'button', onclick: () => { this.columns.forEach((c) => named.add(c.name)); fill(); } }, 'All')));
    const to = el('input', { type: 'text', inputmode: 'numeric', size: '10', 'aria-label': 'Go to row', placeholder: 'Go to row', onchange: () => {
      const row = Number(to.value.replace(/[ ,_]/g, ''));
      if (Number.isSafeInteger(row)) {
        this.grid.scroller.to(row < 0 ? this.grid.scroller.count + row : row);
        this.grid.active.row = Math.round(this.grid.scroller.first);
      }
    } });
    return el('div', { class: 'bar' }, columns, to, this.said);
  }
}
