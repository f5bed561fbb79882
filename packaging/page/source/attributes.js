// The attributes of a dataset, a group or a file, whole.

import { askJSON } from './ask.js';
import { el, plain } from './dom.js';

const longest = 4000; // characters of one that are shown

export class Attributes {
  constructor({ file, dataset }) {
    this.element = el('section', { class: 'attributes', 'aria-label': 'Attributes' }, el('p', {}, 'Reading …'));
    this.read(file, dataset || '/');
  }

  close() {}

  async read(file, object) {
    try {
      this.draw(Object.entries(await askJSON('v1/attributes', { file, object })));
    } catch (e) {
      this.element.replaceChildren(el('p', { class: 'error' }, plain(e.message)));
    }
  }

  draw(all) {
    if (!all.length) return this.element.replaceChildren(el('p', {}, 'There are none.'));
    const body = all.slice(0, 2000).map(([name, value]) => el('tr', {}, el('th', { scope: 'row' }, plain(name)), el('td', {}, told(value))));
    this.element.replaceChildren(el('table', {}, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Attribute'), el('th', { scope: 'col' }, 'Value'))), el('tbody', {}, ...body)));
    if (all.length > 2000) this.element.append(el('p', {}, `and ${all.length - 2000} more`));
  }
}

function told(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? { $: String(v) } : v)).replace(/\{"\$":"(-?\d+)"\}/g, '$1');
  return plain(text.length > longest ? `${text.slice(0, longest)}…` : text);
}
