// h5web, in a frame of no origin: it needs a policy under which scripts make scripts, so it gets neither the token nor a connection. It asks
// here, and gets answers about the one file that is shown.

import { askBytes } from './ask.js';
import { el } from './dom.js';
import { dark } from './theme.js';

const paths = ['v1/list', 'v1/data', 'v1/attributes'];
const most = 160 << 20;

export class Explorer {
  constructor({ file, dataset }) {
    this.file = file;
    this.frame = el('iframe', { class: 'explorer', sandbox: 'allow-scripts', src: 'page/h5web/index.html', title: 'h5web', onload: () => this.start(dataset || '/') });
    this.element = el('section', { class: 'explore', 'aria-label': 'h5web' }, this.frame);
    this.running = new Map();
  }

  close() {
    this.port?.close();
    for (const stop of this.running.values()) stop.abort();
  }

  start(path) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data }) => this.asked(data);
    this.frame.contentWindow.postMessage({ file: this.file, path, dark: dark(), wide: innerWidth > 900 }, '*', [port2]);
  }

  async asked({ id, path, members, stop }) {
    if (stop) return this.running.get(id)?.abort();
    const ended = new AbortController();
    this.running.set(id, ended);
    try {
      if (!paths.includes(path)) throw new Error('that is not for h5web to ask');
      const { body } = await askBytes(path, { ...members, file: this.file, max_bytes: path === 'v1/data' ? most : null }, most, ended.signal);
      this.port.postMessage({ id, body: body.buffer }, [body.buffer]);
    } catch (e) {
      this.port.postMessage({ id, error: String(e.message) });
    } finally {
      this.running.delete(id);
    }
  }
}
