// The tree of files at the left.

import { byId, el, grouped, plain } from './dom.js';
import { go } from './link.js';
import { Scroller } from './scroll.js';
import { token } from './token.js';

const height = 26;

export class Catalogue {
  // refused is called where the server asks for a login; it resolves to whether there is another token.
  constructor(refused) {
    this.refused = refused;
    this.tree = byId('tree');
    this.lines = new Map();
    this.version = 0;
    this.shown = {};
    this.active = 0;
    this.scroller = new Scroller(this.tree, height, 0, (first, count) => this.draw(first, count));
    this.scroller.extent.setAttribute('role', 'none');
    this.scroller.layer.setAttribute('role', 'none');
    this.tree.addEventListener('keydown', (e) => this.key(e));
    this.tree.addEventListener('click', (e) => this.clicked(e));
    byId('search').addEventListener('input', (e) => {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.change({ query: e.target.value }, 0), 120);
    });
    byId('search').addEventListener('keydown', (e) => { if (e.key === 'ArrowDown') this.tree.focus(); });
  }

  // start reads the list, which takes the server some time: what is looked at comes first.
  start() {
    if (this.worker) return;
    this.worker = new Worker('page/catalogue-worker.js');
    this.worker.onmessage = ({ data }) => this.told(data);
    this.list();
    if (this.shown.file) this.reveal({ file: this.shown.file, dataset: this.shown.path });
  }

  list() {
    const mine = token();
    this.sent = mine;
    byId('found').textContent = 'Reading the list of files …';
    this.worker.postMessage({ list: { headers: mine ? { Authorization: `Bearer ${mine}` } : {} } });
  }

  // change asks the worker for another list of lines; those on show stay until they are there.
  change(what, active = this.active) {
    this.active = active;
    this.renew();
    if (active === 0) this.scroller.first = 0;
    this.worker?.postMessage(what);
  }

  // renew forgets lines that may be others now.
  renew() {
    this.version += 1;
    this.lines.clear();
  }

  // reveal opens what a view shows.
  reveal({ file, dataset }) {
    this.shown = { file, path: dataset ?? '' };
    if (file && !byId('search').value) this.change({ reveal: { file, dataset: dataset ?? '' } });
    else this.scroller.redraw();
  }

  async told(m) {
    if (m.refused === 401 && await this.refused(m.error, this.sent)) return this.list();
    if (m.lines && m.version !== this.version) return;
    if (m.lines) {
      m.lines.forEach((line, i) => this.lines.set(m.from + i, line));
      if (m.count === this.scroller.count) return this.scroller.redraw();
    }
    if (m.error) byId('found').textContent = m.error.message;
    else if (m.done) byId('found').textContent = m.full ? `${grouped(m.nodes)} objects are listed, and there are more` : `${grouped(m.files)} files, ${grouped(m.nodes - m.files)} objects`;
    else if (m.files) byId('found').textContent = `Reading: ${grouped(m.files)} files so far …`;
    if (m.count == null) return;
    if (!m.lines) this.renew();
    this.scroller.setCount(m.count);
    if (m.done && this.shown.file) this.reveal({ file: this.shown.file, dataset: this.shown.path });
    if (m.at >= 0) {
      this.active = m.at;
      this.scroller.show(m.at);
    }
    this.active = Math.max(0, Math.min(this.active, m.count - 1));
  }

  draw(first, count) {
    const from = Math.floor(first / 100) * 100;
    for (let at = from; at < first + count; at += 100) {
      if (!this.lines.has(at) && this.asked !== `${this.version} ${at}`) {
        this.asked = `${this.version} ${at}`;
        this.worker?.postMessage({ from: at, to: at + 100, version: this.version });
      }
    }
    const items = [];
    for (let i = first; i < first + count; i++) items.push(this.item(i));
    if (items.every((i) => i == null) && count > 0) return; // until they come
    this.scroller.layer.replaceChildren(...items.filter((i) => i));
    this.tree.setAttribute('aria-activedescendant', `line-${this.active}`);
    if (!document.getElementById(`line-${this.active}`)) this.tree.removeAttribute('aria-activedescendant');
  }

  item(i) {
    const line = this.lines.get(i);
    if (!line) return null;
    const selected = line.file === this.shown.file && line.path === this.shown.path;
    const e = el('div', {
      role: 'treeitem', id: `line-${i}`, class: `line of-${line.kind}${i === this.active ? ' active' : ''}`, 'aria-level': line.level, 'aria-posinset': line.place,
      'aria-setsize': line.of, 'aria-expanded': line.branch ? String(line.open) : null, 'aria-selected': String(selected), 'data-line': i,
    }, el('span', { class: 'twist', 'aria-hidden': 'true' }, line.branch ? (line.open ? '▾' : '▸') : ''),
    el('span', { class: 'label' }, plain(line.name || '(no name)')), el('span', { class: 'note' }, plain(line.note)));
    e.style.top = `${this.scroller.place(i)}px`;
    e.style.paddingLeft = `${line.level * 14 - 8}px`;
    return e;
  }

  clicked(e) {
    const item = e.target.closest('[data-line]');
    if (!item) return;
    this.active = Number(item.dataset.line);
    const line = this.lines.get(this.active);
    if (line.branch && (e.target.closest('.twist') || !this.choose(line))) this.toggle(line, !line.open);
    else if (!line.branch) this.choose(line);
    this.scroller.redraw();
  }

  // choose shows what a line is; false: it is only opened.
  choose(line) {
    if (line.kind === 'file' && line.branch && !line.open) this.toggle(line, true);
    go({ file: line.file, dataset: line.path || null });
    return true;
  }

  toggle(line, open) { this.change({ toggle: line.key, open }); }

  key(e) {
    const line = this.lines.get(this.active), page = Math.floor(this.scroller.fit);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (e.key in moves) this.move(this.active + moves[e.key]);
    else if (e.key === 'ArrowRight' && line?.branch) line.open ? this.move(this.active + 1) : this.toggle(line, true);
    else if (e.key === 'ArrowLeft' && line?.open) this.toggle(line, false);
    else if (e.key === 'ArrowLeft' && line) this.move(this.above(line));
    else if ((e.key === 'Enter' || e.key === ' ') && line) this.choose(line);
    else return;
    e.preventDefault();
  }

  above(line) {
    for (let i = this.active - 1; i >= 0; i--) if ((this.lines.get(i)?.level ?? 0) < line.level) return i;
    return this.active;
  }

  move(to) {
    this.active = Math.max(0, Math.min(to, this.scroller.count - 1));
    this.scroller.show(this.active);
    this.scroller.redraw();
  }
}
