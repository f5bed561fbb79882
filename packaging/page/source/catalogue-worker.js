// Reads the listing, line by line as files are read by the server, and answers which lines of the tree there are.

import { parseExact } from './exact.js';
import { Nodes, most } from './nodes.js';

const nodes = new Nodes();

onmessage = ({ data }) => {
  if (data.list) return list(data.list);
  if (data.toggle) nodes.toggle(data.toggle, data.open);
  if (data.query != null) nodes.search(data.query);
  const at = data.reveal ? nodes.reveal(data.reveal.file, data.reveal.dataset) : undefined;
  if (data.from != null) postMessage({ from: data.from, version: data.version, lines: nodes.slice(data.from, data.to), count: nodes.all().length });
  else postMessage({ count: nodes.all().length, at });
};

async function list({ headers }) {
  try {
    const answer = await fetch('../v1/list?attributes=false', { headers, cache: 'no-store' });
    if (!answer.ok) {
      postMessage({ refused: answer.status, error: (await answer.json()).error });
      return;
    }
    await lines(answer.body, (line) => nodes.add(parseExact(line)));
    postMessage({ count: nodes.all().length, done: true, files: nodes.files.length, nodes: nodes.count, full: nodes.count >= most });
  } catch (e) {
    postMessage({ error: { message: `the list of files broke off: ${e.message}` }, count: nodes.all().length, files: nodes.files.length });
  }
}

// lines calls add with each element of the list, which are a line each, until it wants no more.
async function lines(body, add) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [], told = 0;
  const one = (line) => {
    const text = line.replace(/^\[/, '').replace(/[,\]]\s*$/, '');
    return text.trim() === '' || add(text);
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const pieces = value.split('\n');
    for (const piece of pieces.slice(0, -1)) {
      parts.push(piece);
      const line = parts.join('');
      parts = [];
      if (!one(line)) return reader.cancel();
    }
    parts.push(pieces.at(-1));
    if (nodes.files.length > told && performance.now() - (lines.at ?? 0) > 200) {
      lines.at = performance.now();
      told = nodes.files.length;
      postMessage({ count: nodes.all().length, files: told });
    }
  }
  one(parts.join(''));
}
