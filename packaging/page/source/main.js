// Starts the page: its catalogue at the left, and at the right the view that the address says.

import { askJSON } from './ask.js';
import { Catalogue } from './catalogue.js';
import { Changes } from './changes.js';
import { DatasetView } from './dataset.js';
import { byId, el, plain } from './dom.js';
import { viewOf } from './link.js';
import { startLogin } from './login.js';
import { startTheme } from './theme.js';

const page = { locations: [], site: new URL('.', document.baseURI).href, changed, came, watch: (members, state) => changes.watch(members, state) };
const changes = new Changes(changed);
let shown = null;
setTimeout(came, 3000); // which is said to be slow then, but the files are there

startTheme();
startLogin();
startMenu();
const catalogue = new Catalogue(async (_, sent) => {
  await askJSON('v1/about'); // which asks for a token, if the one that was sent is still the one there is
  return true;
});
addEventListener('hashchange', show);
show();

// came is called when what was looked at is there: all else may be asked for now.
function came() {
  if (came.once) return;
  came.once = true;
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => { // when it was drawn
    catalogue.start();
    introduce();
  })));
}

async function introduce() {
  try {
    const [{ locations }, { server }] = await Promise.all([askJSON('page/server.json'), askJSON('v1/about')]);
    page.locations = locations.map(reachable);
    byId('version').textContent = plain(server);
  } catch (e) {
    byId('found').textContent = plain(e.message);
  }
  shown?.code.draw(); // which says where the server is
}

// reachable puts this server's name where a location says all addresses.
function reachable(location) {
  return location.replace(/:\/\/(\[::\]|0\.0\.0\.0):/, `://${document.location.hostname}:`);
}

function show() {
  const view = viewOf(location.hash);
  shown?.close();
  shown = null;
  changes.watch({}, null);
  byId('notice').replaceChildren();
  document.title = view.file ? `${plain(view.dataset ?? '')} ${plain(view.file)} – mtflight` : 'mtflight';
  catalogue.reveal(view);
  if (!view.file) return came();
  shown = new DatasetView(view, page);
  byId('view').replaceChildren(shown.element);
  if (matchMedia('(max-width: 700px)').matches) menu(false);
}

function changed() {
  byId('notice').replaceChildren(el('p', {}, 'The file has changed since this view was opened. '),
    el('button', { type: 'button', onclick: () => dispatchEvent(new HashChangeEvent('hashchange')) }, 'Reload'));
}

function menu(open) {
  document.body.classList.toggle('closed', !open);
  byId('menu').setAttribute('aria-expanded', String(open));
}

function startMenu() {
  byId('menu').addEventListener('click', () => menu(document.body.classList.contains('closed')));
}
