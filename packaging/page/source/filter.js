// The box of a condition: names of columns and functions complete as they are typed, and an error points at its place.

import { quoted } from './columns.js';
import { el, plain } from './dom.js';

const functions = ['where', 'sqrt', 'exp', 'log', 'log10', 'sin', 'cos', 'tan', 'arctan2', 'abs', 'floor', 'ceil', 'contains', 'is_null', 'isnan', 'isfinite'];

export class Filter {
  // asked is called with the condition that is to hold.
  constructor(columns, text, asked) {
    this.names = [...columns.map((c) => ({ text: quoted(c.name), about: c.type })), ...functions.map((f) => ({ text: `${f}(`, about: 'function' }))];
    this.input = el('input', { id: 'where', type: 'text', role: 'combobox', autocomplete: 'off', spellcheck: 'false', 'aria-autocomplete': 'list', 'aria-expanded': 'false',
      'aria-controls': 'where-names', 'aria-describedby': 'where-error', placeholder: '(energy > 5) & (name == \'mu\')', value: text,
      oninput: () => this.complete(), onkeydown: (e) => this.key(e), onblur: () => this.close(), onfocus: () => this.complete() });
    this.list = el('div', { id: 'where-names', role: 'listbox', 'aria-label': 'Columns and functions', hidden: true, onmousedown: (e) => this.clicked(e) });
    this.error = el('pre', { id: 'where-error', class: 'error', hidden: true, role: 'alert' });
    this.element = el('form', { class: 'filter', onsubmit: (e) => {
      e.preventDefault();
      this.close();
      asked(this.input.value.trim());
    } }, el('label', { for: 'where' }, 'Rows where'), el('div', { class: 'where' }, this.input, this.list), el('button', { type: 'submit' }, 'Filter'),
    el('button', { type: 'button', onclick: () => { this.input.value = ''; asked(''); } }, 'All rows'));
    this.offered = [];
  }

  // fail shows what is wrong with the condition, and puts the cursor there.
  fail(message) {
    this.error.textContent = plain(message.replace(/ \(request [^)]*\)$/, '').replace(/\n/g, '\u0085')).replaceAll('\\u0085', '\n');
    this.error.hidden = false;
    this.input.setAttribute('aria-invalid', 'true');
    const at = /line (\d+), column (\d+)/.exec(message);
    if (!at) return;
    this.input.focus();
    this.close();
    this.input.setSelectionRange(Number(at[2]) - 1, Number(at[2]) - 1);
  }

  // word is the part of a name before the cursor, and where it begins. Within a text in quotes there is none.
  word() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    if ((before.match(/'/g)?.length ?? 0) % 2 || (before.match(/"/g)?.length ?? 0) % 2) return null;
    const [text] = /(`[^`]*|[A-Za-z_][\w/.]*)?$/.exec(before);
    return text ? { text, at: before.length - text.length } : null;
  }

  complete() {
    const word = this.word(), start = word?.text.replace('`', '').toLowerCase();
    const fits = (n, how) => n.text.replace('`', '').toLowerCase()[how](start) && n.text !== word.text;
    this.offered = word ? [...this.names.filter((n) => fits(n, 'startsWith')), ...this.names.filter((n) => !fits(n, 'startsWith') && fits(n, 'includes'))].slice(0, 12) : [];
    this.at = -1;
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.offered.map((n, i) => el('div', { role: 'option', id: `where-name-${i}`, 'aria-selected': String(i === this.at), 'data-at': i },
      el('span', { class: 'label' }, plain(n.text)), el('span', { class: 'note' }, n.about))));
    this.list.hidden = !this.offered.length;
    this.input.setAttribute('aria-expanded', String(!this.list.hidden));
    if (this.at >= 0) this.input.setAttribute('aria-activedescendant', `where-name-${this.at}`);
    else this.input.removeAttribute('aria-activedescendant');
  }

  close() {
    this.offered = [];
    this.at = -1;
    this.draw();
  }

  clicked(e) {
    e.preventDefault();
    const option = e.target.closest('[data-at]');
    if (option) this.take(Number(option.dataset.at));
  }

  key(e) {
    if (!this.offered.length) return;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      const n = this.offered.length;
      this.at = e.key === 'ArrowDown' ? (this.at + 1) % n : (Math.max(this.at, 0) + n - 1) % n;
      this.draw();
    } else if (e.key === 'Tab' && !e.shiftKey) this.take(Math.max(this.at, 0));
    else if (e.key === 'Enter' && this.at >= 0) this.take(this.at);
    else if (e.key === 'Escape') this.close();
    else return;
    e.preventDefault();
  }

  take(i) {
    const { text, at } = this.word(), end = at + text.length;
    this.input.setRangeText(this.offered[i].text, at, end, 'end');
    this.close();
    this.input.focus();
  }
}
