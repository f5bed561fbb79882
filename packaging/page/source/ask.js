// What is asked of the server, with the token of this tab.

import { address } from './address.js';
import { take } from './ahead.js';
import { parseExact } from './exact.js';
import { token } from './token.js';

// Problem is an error in the server's words.
export class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let refused = async () => false;

// onRefused is told of answers 401. What it resolves to says whether there is another token to try.
export function onRefused(f) { refused = f; }

export async function ask(path, members = {}, options = {}) {
  for (;;) {
    const mine = token();
    const headers = mine ? { Authorization: `Bearer ${mine}` } : {}, at = address(path, members);
    const sooner = options.method ? null : take(at, mine);
    options.signal?.addEventListener('abort', () => sooner?.stop.abort());
    let answer;
    try {
      answer = await (sooner?.answer ?? fetch(at, { ...options, headers, credentials: 'same-origin', cache: 'no-store' }));
    } catch (e) {
      if (e.name === 'AbortError') throw e;
      throw new Problem(0, 'Unavailable', 'the server cannot be reached: is it still running?');
    }
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (answer.status !== 401 || !(await refused(problem, mine))) throw problem;
  }
}

async function problemOf(answer) {
  try {
    const { error } = await answer.json();
    return new Problem(answer.status, error.code, error.message);
  } catch {
    return new Problem(answer.status, `${answer.status}`, answer.status === 409 ? 'the file is not what it was' : answer.statusText);
  }
}

export const askJSON = async (path, members, options) => parseExact(await (await ask(path, members, options)).text());

// askBytes gives a body of at most so many bytes; more is a Problem, and the server stops.
export async function askBytes(path, members, most, signal) {
  const stop = new AbortController();
  signal?.addEventListener('abort', () => stop.abort());
  const answer = await ask(path, members, { signal: stop.signal });
  const parts = [];
  let size = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    if (size > most) {
      stop.abort();
      throw new Problem(413, 'TooLarge', `these rows are more than the ${most >> 20} MiB that the page shows at once`);
    }
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return { body: all, headers: answer.headers };
}
