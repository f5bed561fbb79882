// Notices that a file is no longer what it was when the view was opened.

import { ask } from './ask.js';

const every = 15_000;

export class Changes {
  // changed is called once.
  constructor(changed) {
    this.changed = changed;
    this.timer = setInterval(() => this.look(), every);
    addEventListener('focus', () => this.look());
    document.addEventListener('visibilitychange', () => this.look());
  }

  // watch is told what is shown, and of which version of the file.
  watch(members, state) { this.watched = state && { file: members.file, dataset: members.dataset, state }; }

  async look() {
    const { watched } = this;
    if (!watched || document.hidden) return;
    try {
      await ask('v1/data', { ...watched, limit: 0 }, { method: 'HEAD' });
    } catch (e) {
      if (e.status === 409 && this.watched === watched) {
        this.watched = null;
        this.changed();
      }
    }
  }
}
