// The catalogue as a list of lines: files, and what is in them. No element of a page is made here: it runs in a worker, so that files of
// hundreds of thousands of objects stop nothing.

import { grouped } from './grouped.js';

export const most = 600_000; // nodes that are kept; a search by the server finds the others

export class Nodes {
  constructor() {
    this.files = []; // {name, error, roots: [node]}
    this.count = 0;
    this.open = new Set(); // keys of nodes whose children are seen
    this.query = '';
    this.lines = null;
  }

  // add takes one answer of the action list. It says whether there is room for more.
  add(listed) {
    const file = { kind: 'file', name: listed.file, file: listed.file, path: '', error: listed.error, children: [] };
    if (!listed.error) fill(file, listed);
    this.count += 1 + (file.size ?? 0);
    this.files.push(file);
    this.lines = null;
    return this.count < most;
  }

  toggle(key, open) {
    if (open) this.open.add(key);
    else this.open.delete(key);
    this.lines = null;
  }

  // reveal opens all above a dataset.
  reveal(file, path) {
    const at = this.files.find((f) => f.file === file);
    if (!at) return -1;
    this.open.add(keyOf(at));
    for (let i = path.indexOf('/', 1); i > 0; i = path.indexOf('/', i + 1)) this.open.add(`${file}\u0000${path.slice(0, i)}`);
    this.lines = null;
    return this.all().findIndex((l) => l.node.file === file && l.node.path === path);
  }

  search(query) {
    this.query = query.trim().toLowerCase();
    this.lines = null;
  }

  all() {
    return (this.lines ??= this.query ? this.matches() : this.visible());
  }

  visible() {
    const lines = [];
    const walk = (nodes, level) => {
      for (let i = 0; i < nodes.length; i++) {
        const node = nodes[i], open = node.children?.length > 0 && this.open.has(keyOf(node));
        lines.push({ node, level, place: i + 1, of: nodes.length, open });
        if (open) walk(node.children, level + 1);
      }
    };
    walk(this.files, 1);
    return lines;
  }

  // matches are files and nodes whose names have all words of the query; of 10,000 at most.
  matches() {
    const words = this.query.split(/\s+/), found = [];
    const walk = (node) => {
      const text = `${node.file}${node.path}`.toLowerCase();
      if (found.length < 10_000 && words.every((w) => text.includes(w))) found.push(node);
      for (const child of node.children ?? []) walk(child);
    };
    this.files.forEach(walk);
    return found.map((node, i) => ({ node, level: 1, place: i + 1, of: found.length, open: false, flat: true }));
  }

  slice(from, to) {
    const all = this.all();
    return all.slice(from, to).map(({ node, level, place, of, open, flat }) => ({
      key: keyOf(node), file: node.file, path: node.path, kind: node.kind, level, place, of, open: open && !flat,
      branch: !flat && node.children?.length > 0, name: flat ? `${node.file}${node.path}` : node.name, note: noteOf(node),
    }));
  }
}

const keyOf = (node) => `${node.file}\u0000${node.path}`;

function fill(file, { groups, datasets, links }) {
  const at = new Map([['/', file]]);
  const put = (path, kind, more) => {
    const cut = path.lastIndexOf('/');
    const node = { kind, name: path.slice(cut + 1), file: file.file, path, ...more };
    const parent = at.get(path.slice(0, cut) || '/') ?? file;
    (parent.children ??= []).push(node);
    return node;
  };
  for (const g of groups) {
    if (g.path === '/') continue;
    at.set(g.path, put(g.path, g.named_type ? 'type' : g.frame ? 'frame' : 'group', { frame: g.frame, error: g.error }));
  }
  for (const d of datasets) put(d.path, d.kind, { shape: d.shape, error: d.reason });
  for (const l of links) put(l.path, 'link', { target: `${l.file ?? ''}${l.target ?? ''}` });
  file.size = groups.length + datasets.length + links.length;
  for (const node of [file, ...at.values()]) node.children?.sort(byName);
}

// byName has numbers in names in their order, as run2 before run10.
const order = new Intl.Collator('en', { numeric: true });
const byName = (a, b) => order.compare(a.name, b.name);

function noteOf(node) {
  if (node.error) return 'cannot be read';
  if (node.kind === 'file') return node.size > 1 ? `${grouped(node.size - 1)}` : '';
  if (node.target) return `→ ${node.target}`;
  if (node.frame) return node.frame;
  return node.shape ? (node.shape.length ? node.shape.map((n) => grouped(n)).join(' × ') : 'scalar') : '';
}
