// Lines of programs that fetch exactly what is shown.

import { address } from './address.js';
import { copying, el } from './dom.js';

export class Code {
  // where: {locations, site}: at which the server is asked by Flight, and by HTTP.
  constructor(where) {
    this.where = where;
    this.text = el('code');
    this.choice = el('select', { id: 'language', onchange: () => this.draw() }, ...Object.keys(languages).map((name) => el('option', {}, name)));
    this.element = el('details', { class: 'code' }, el('summary', {}, 'The same by a program'),
      el('div', { class: 'bar' }, el('label', { for: 'language' }, 'Language'), this.choice, copying('Copy', () => this.text.textContent)),
      el('pre', { tabindex: '0', 'aria-label': 'Lines of a program' }, this.text));
  }

  // show is told what is shown, as parameters, and which rows are chosen.
  show(members, selected) {
    this.request = requestOf(members, selected);
    this.draw();
  }

  draw() {
    if (!this.request) return;
    const location = this.where.locations[0] ?? 'grpc://HOST:PORT', site = this.where.site;
    this.text.textContent = languages[this.choice.value](this.request, location, (format) => address(`${site}v1/data`, { ...parametersOf(this.request), format }));
  }
}

// requestOf is a request of the protocol, of the parameters of an address and the rows chosen.
export function requestOf(members, selected) {
  const request = {};
  for (const [name, value] of Object.entries(members)) {
    if (value == null || value === '') continue;
    const [outer, inner] = name.split('.');
    if (inner) request[outer] = { ...request[outer], [inner]: value };
    else request[outer] = value;
  }
  const { from, to, found } = selected ?? {};
  if (selected && found) Object.assign(request, { offset: from, limit: to - from + 1 });
  else if (selected) Object.assign(request, { start: from, stop: to + 1 });
  return request;
}

function parametersOf(request) {
  const out = {};
  for (const [name, value] of Object.entries(request)) {
    if (typeof value === 'object' && !Array.isArray(value)) for (const [inner, v] of Object.entries(value)) out[`${name}.${inner}`] = v;
    else out[name] = value;
  }
  return out;
}

const json = (v) => JSON.stringify(v).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const python = (v) => (typeof v === 'boolean' ? (v ? 'True' : 'False') : Array.isArray(v) ? `[${v.map(python).join(', ')}]`
  : typeof v === 'object' ? `{${Object.entries(v).map(([name, x]) => `${pythonText(name)}: ${python(x)}`).join(', ')}}` : typeof v === 'string' ? pythonText(v) : String(v));
// pythonText keeps letters of every language; pairs of surrogates are one character of Python's.
const pythonText = (s) => JSON.stringify(s).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const flight = (request, location) => `import json
import pyarrow.flight as fl

client = fl.connect(${pythonText(location)})
request = ${python(request)}
rows = client.do_get(fl.Ticket(json.dumps(request))).read_all()`;

const name = (request, ending) => `${(request.dataset.split('/').pop() || 'rows').replace(/[^\w.-]/g, '_')}${ending}`;

export const languages = {
  'Python': flight,
  'Polars': (request, location) => `${flight(request, location)}

import polars as pl

frame = pl.from_arrow(rows)`,
  'DuckDB': (request, location) => `${flight(request, location)}

import duckdb

answer = duckdb.sql("select count(*) from rows")`,
  'pandas': (request, location) => `${flight(request, location)}
frame = rows.to_pandas()`,
  'Go': (request, location) => `c, err := client.Open(ctx, ${json(location)}) // github.com/mtflight/mtflight/flight/client
if err != nil {
	return err
}
request, err := protocol.ParseTicket([]byte(${json(JSON.stringify(request))}))
if err != nil {
	return err
}
rows, err := c.Scan(ctx, request)
if err != nil {
	return err
}
defer rows.Release()
for rows.Next() {
	fmt.Println(rows.Record())
}
return rows.Err()`,
  'curl': (request, _, url) => `curl -f ${shell(url('csv'))} -o ${name(request, '.csv')}`,
  'curl, Parquet': (request, _, url) => `curl -f ${shell(url('parquet'))} -o ${name(request, '.parquet')}`,
};

const shell = (text) => `'${text.replaceAll('\'', '\'\\\'\'')}'`;
