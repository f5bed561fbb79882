// The box that asks for a token when the server refuses.

import { onRefused } from './ask.js';
import { byId } from './dom.js';
import { keepToken, token } from './token.js';

let open = null; // what all wait for that were refused meanwhile

export function startLogin() {
  onRefused((problem, sent) => {
    if (token() !== sent) return Promise.resolve(true); // which another one was told meanwhile
    open ??= askFor(problem).finally(() => { open = null; });
    return open;
  });
}

function askFor(problem) {
  const box = byId('login');
  byId('login-why').textContent = problem.message;
  byId('token').value = '';
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener('close', () => {
      const typed = byId('token').value.trim();
      byId('token').value = '';
      keepToken(typed);
      resolve(typed !== '');
    }, { once: true });
  });
}
