// h5web in a frame that has no origin and no network: whatever it shows it is given by the page, over a port.

import './storage.js'; // first
import '@h5web/app/styles.css';
import './h5web.css';

import { App, DataProvider, enableBigIntSerialization } from '@h5web/app';
import { createRoot } from 'react-dom/client';

import { Provider } from './provider.js';

enableBigIntSerialization();
addEventListener('message', ({ data, ports, source }) => {
  if (source !== parent || !ports[0]) return;
  const asked = new Map();
  const port = ports[0];
  let last = 0;
  port.onmessage = ({ data: { id, body, error } }) => {
    const { resolve, reject } = asked.get(id);
    asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(new Uint8Array(body));
  };
  const ask = (path, members, signal) => new Promise((resolve, reject) => {
    const id = last++;
    asked.set(id, { resolve, reject });
    signal?.addEventListener('abort', () => port.postMessage({ id, stop: true }));
    port.postMessage({ id, path, members });
  });
  createRoot(document.getElementById('root')).render(
    <DataProvider api={new Provider(data.file, ask)}><App initialPath={data.path} sidebarOpen={data.wide} disableDarkMode={!data.dark} /></DataProvider>,
  );
}, { once: true });
