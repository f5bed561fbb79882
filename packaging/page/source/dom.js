// Elements, made without any text being read as markup: what files call themselves is shown as it is.

// el makes an element. Attributes that are functions are listeners (onclick); true is an empty attribute, false and null none.
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, '');
    else if (value !== false && value != null) e.setAttribute(name, value);
  }
  e.append(...children.filter((c) => c != null));
  return e;
}

export const byId = (id) => document.getElementById(id);

// plain shows characters that cannot be seen, and none that turn the direction of what follows.
export function plain(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export { grouped } from './grouped.js';

export function bytes(n) {
  if (n == null) return '';
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let v = Number(n), u = 0;
  for (; v >= 1000 && u < units.length - 1; u++) v /= 1000;
  return `${u ? v.toPrecision(3) : v} ${units[u]}`;
}

// copying is a button that puts a text into the clipboard.
export function copying(label, text) {
  const b = el('button', { type: 'button', onclick: async () => {
    try {
      await navigator.clipboard.writeText(text());
      b.textContent = 'Copied';
    } catch {
      b.textContent = 'Select it and copy';
    }
    setTimeout(() => { b.textContent = label; }, 2000);
  } }, label);
  return b;
}
