// A frame without an origin has no storage, and says so by an error. h5web keeps its settings there: they last as long as the frame.

class Storage {
  kept = new Map();
  get length() { return this.kept.size; }
  key(i) { return [...this.kept.keys()][i] ?? null; }
  getItem(name) { return this.kept.get(String(name)) ?? null; }
  setItem(name, value) { this.kept.set(String(name), String(value)); }
  removeItem(name) { this.kept.delete(String(name)); }
  clear() { this.kept.clear(); }
}

for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { value: new Storage() });
