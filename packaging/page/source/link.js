// The view that an address's fragment says: #file=..&dataset=..&where=.. A view is a plain object of texts, and of lists of texts.

const known = ['file', 'dataset', 'tab', 'where', 'sort', 'down', 'row', 'region', 'index', 'axes', 'strings'];

export function viewOf(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const view = {};
  for (const name of known) if (given.has(name)) view[name] = given.get(name);
  if (given.has('field')) view.fields = given.getAll('field');
  return view;
}

export function hashOf(view) {
  const out = new URLSearchParams();
  for (const name of known) if (view[name] != null && view[name] !== '') out.set(name, view[name]);
  for (const f of view.fields ?? []) out.append('field', f);
  return `#${out}`;
}

// go shows a view; note keeps where in it one is, without a step in the history.
export function go(view) { location.hash = hashOf(view); }
export function note(view) { history.replaceState(null, '', hashOf(view)); }
