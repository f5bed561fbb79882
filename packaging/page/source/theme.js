// Dark and light: what the system has, until the button says otherwise.

import { byId } from './dom.js';

const key = 'mtflight-theme';

export const dark = () => document.documentElement.dataset.theme === 'dark';

export function startTheme() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const is = localStorage.getItem(key) ?? (system.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = is;
    byId('theme').textContent = is === 'dark' ? 'Light' : 'Dark';
    document.dispatchEvent(new Event('theme'));
  };
  system.addEventListener('change', apply);
  byId('theme').addEventListener('click', () => {
    localStorage.setItem(key, dark() ? 'light' : 'dark');
    apply();
  });
  apply();
}
