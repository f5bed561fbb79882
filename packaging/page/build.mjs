// Builds the page of its modules (source) and of others' packages, and writes which those are and under which licences: `make page`. With
// --check nothing is written: what is committed is compared with what is built.
//
// A browser asks for the markup, which has style and early.js in it, and for page.js: each request more is seen by who waits for the first rows.

import { build } from 'esbuild';
import { existsSync, readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const files = join(here, '../../flight/internal/page/files');
const check = process.argv.includes('--check');

const common = { absWorkingDir: here, bundle: true, minify: true, write: false, metafile: true, legalComments: 'none', target: 'es2022', charset: 'utf8', logLevel: 'warning' };
const source = (name, more) => ({ entryPoints: [join('source', name)], format: 'iife', outfile: join(files, name), ...more });
const bundles = [
  source('early.js', { within: 'index.html' }),
  source('style.css', { within: 'index.html' }),
  source('main.js', { outfile: join(files, 'page.js') }),
  source('catalogue-worker.js'),
  { entryPoints: ['h5web.jsx'], format: 'iife', jsx: 'automatic', define: { 'process.env.NODE_ENV': '"production"' }, outfile: join(files, 'h5web/h5web.js'),
    loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.svg': 'dataurl', '.png': 'dataurl' } },
];

const stale = [], licences = {}, within = {};
for (const { within: markup, ...bundle } of bundles) {
  const built = await build({ ...common, ...bundle });
  for (const { path, text, contents } of built.outputFiles) {
    if (markup) within[basename(path)] = text.trim();
    else put(path, contents);
  }
  for (const input of Object.keys(built.metafile.inputs)) note(input);
}
put(join(files, 'index.html'), markup(readFileSync(join(here, 'source/index.html'), 'utf8')));
put(join(files, 'icon.svg'), readFileSync(join(here, 'source/icon.svg')));
put(join(here, 'licenses.json'), `${JSON.stringify(Object.fromEntries(Object.entries(licences).sort()), null, 1)}\n`);
if (stale.length) {
  console.error(`page: not what is built of packaging/page: ${stale.join(', ')}: run make page`);
  process.exit(1);
}

// markup has what is built in the place of its names.
function markup(html) {
  return html.replace('<script src="early.js"></script>', () => `<script>${within['early.js']}</script>`)
    .replace('<link rel="stylesheet" href="style.css">', () => `<style>${within['style.css']}</style>`);
}

function put(path, contents) {
  const body = Buffer.from(contents);
  if (check && !(existsSync(path) && readFileSync(path).equals(body))) stale.push(path);
  if (check) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, body);
}

// note adds the licences of the package that a module is of.
function note(input) {
  const found = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
  if (!found) return;
  const folder = join(here, found[0]), { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json')));
  const texts = readdirSync(folder).filter((f) => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(f)).sort().map((f) => readFileSync(join(folder, f), 'utf8').replaceAll('\r\n', '\n').trim());
  licences[`${name} ${version} (npm)`] ??= texts.length ? texts : [`${license}, as its package.json says.`];
}
