// What is shown of a dataset, a group or a file: what it is, and tabs of its rows, its picture and its attributes.

import { giveUp, start } from './ahead.js';
import { askJSON } from './ask.js';
import { ArrayView, drawable } from './array.js';
import { Attributes } from './attributes.js';
import { Code } from './code.js';
import { bytes, el, grouped, plain } from './dom.js';
import { Explorer } from './explorer.js';
import { go } from './link.js';
import { Table } from './table.js';
import { token } from './token.js';

export class DatasetView {
  // page: {locations, site, changed(), came(), watch(members, state)}; came is called when there is something to be seen.
  constructor(view, page) {
    Object.assign(this, { view, page });
    this.problems = el('p', { class: 'error', role: 'alert', hidden: true });
    this.element = el('article', {}, el('h1', {}, title(view)), el('p', { class: 'facts' }, 'Reading …'), this.problems);
    this.code = new Code(page);
    this.open();
  }

  close() {
    this.closed = true;
    this.body?.close();
  }

  async open() {
    const { file, dataset } = this.view;
    let described = null;
    start(this.view, token());
    try {
      if (dataset) described = await askJSON('v1/describe', { file, dataset });
    } catch (e) {
      if (e.code !== 'NotFound' && e.code !== 'InvalidArgument') this.problem(e);
    }
    if (this.closed) return;
    this.draw(described?.schema && described.kind !== 'unsupported' ? described : null, described);
  }

  draw(described, facts) {
    this.element.children[1].textContent = facts ? factsOf(facts) : this.view.dataset ? '' : 'file';
    if (facts?.reason) this.problem({ message: facts.reason });
    const tabs = {};
    if (described) {
      if (drawable(described)) tabs.picture = ['Picture', () => new ArrayView(this.view, described, this.on())];
      tabs.rows = ['Rows', () => new Table(this.view, described, this.on())];
    }
    if (facts ? described : true) tabs.explorer = ['h5web', () => new Explorer(this.view)];
    tabs.attributes = ['Attributes', () => new Attributes(this.view)];
    const many = described?.shape?.length > 1 || Number(described?.rows) > 1;
    const chosen = tabs[this.view.tab] ? this.view.tab : tabs.picture && many ? 'picture' : ['rows', 'attributes'].find((t) => tabs[t]);
    this.element.append(this.tabs(tabs, chosen), this.panel(tabs, chosen));
    if (described) this.element.append(this.code.element);
    giveUp(); // what is not asked for now was guessed wrong
    if (chosen !== 'rows' && chosen !== 'picture') this.page.came();
  }

  panel(tabs, chosen) {
    this.body = tabs[chosen][1]();
    return el('div', { role: 'tabpanel', id: 'panel', 'aria-labelledby': `tab-${chosen}` }, this.body.element);
  }

  tabs(tabs, chosen) {
    const names = Object.keys(tabs);
    const list = el('div', { role: 'tablist', 'aria-label': 'Views', onkeydown: (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (step) go({ ...this.view, tab: names[(names.indexOf(chosen) + step + names.length) % names.length] });
    } }, ...names.map((name) => el('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-selected': String(name === chosen), 'aria-controls': 'panel',
      tabindex: name === chosen ? '0' : '-1', onclick: () => go({ ...this.view, tab: name }) }, tabs[name][0])));
    return list;
  }

  on() {
    return {
      file: this.view.file,
      request: (members, selected) => { this.members = members; this.code.show(members, selected); },
      state: (state) => { this.page.watch(this.members, state); this.page.came(); },
      changed: () => this.page.changed(),
      problem: (e) => (e.status === 409 ? this.page.changed() : this.problem(e)),
    };
  }

  problem(e) {
    this.problems.textContent = plain(e.message);
    this.problems.hidden = false;
    this.page.came();
  }
}

const title = ({ file, dataset }) => plain(dataset ? dataset : file);

function factsOf(d) {
  const shape = d.shape?.length ? d.shape.map(grouped).join(' × ') : d.shape ? 'scalar' : '';
  const type = d.type.length > 60 ? `${d.type.slice(0, 60)}…` : d.type;
  const size = d.bytes == null ? '' : `${bytes(d.bytes)}${d.stored != null && d.stored !== d.bytes ? `, ${bytes(d.stored)} in the file` : ''}`;
  const chunks = d.chunks ? `chunks of ${d.chunks.map(grouped).join(' × ')}` : d.layout;
  return [plain(d.file), d.kind, shape, plain(type), size, chunks, d.filters?.join(' + '), d.comment && plain(d.comment)].filter(Boolean).join(' · ');
}
