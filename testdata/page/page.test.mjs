// The page's catalogue, tables, arrays and attributes, as somebody uses them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { browse, clone, drawn, linkTo, look, made, patience, serve, settled, testdata } from './browser.mjs';

let files, real, browser, context;
before(async () => {
  [files, real] = [await serve(made), await serve(testdata)];
  ({ browser, context } = await browse());
});
after(async () => {
  await browser?.close();
  files?.stop();
  real?.stop();
});

const events = { file: 'events.h5', dataset: '/events' };
const open = (server, view) => look(context, view ? linkTo(server.site, view) : server.site);

// column gives the texts of a column's cells that are seen, once all are drawn, which is some time after what is said of them.
async function column(page, k) {
  await drawn(page);
  return page.locator(`.grid .line [data-column="${k}"]`).allTextContents();
}

// becomes waits until what is drawn some time after a text is as it should be; the test's limit ends it.
async function becomes(what, wanted) {
  for (let now = await what(); now !== wanted; now = await what()) {
    await new Promise((later) => setTimeout(later, 50));
  }
}

async function calm(page) {
  assert.deepEqual(page.wrong, []);
  await page.close();
}

test('a file is opened by the tree, a dataset by a search', { timeout: 4 * patience }, async () => {
  const page = await open(real);
  await settled(page, '#found', 'files');
  await page.getByRole('treeitem', { name: 'tables.h5' }).locator('.twist').click();
  await page.getByRole('treeitem', { name: 'deep' }).locator('.twist').click();
  await page.getByRole('treeitem', { name: 'er', exact: true }).waitFor();
  await page.fill('#search', 'climate t2m');
  await page.getByRole('treeitem', { name: 'climate.nc/t2m' }).click();
  await settled(page, 'h1', '/t2m');
  assert.match(page.url(), /dataset=%2Ft2m/);
  await calm(page);
});

test('the tree goes by keys', { timeout: 4 * patience }, async () => {
  const page = await open(real);
  await settled(page, '#found', 'files');
  await page.getByRole('treeitem', { name: 'arrays.h5' }).waitFor();
  await page.focus('#tree');
  await page.keyboard.press('ArrowRight');
  await page.getByRole('treeitem', { name: 'cube' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await settled(page, 'h1', '/cube');
  await calm(page);
});

test('rows that are seen are fetched once', { timeout: 4 * patience }, async () => {
  const page = await context.newPage(), asked = [];
  page.on('request', (r) => { if (r.url().includes('/v1/data')) asked.push(new URL(r.url()).searchParams.get('start')); });
  await page.goto(linkTo(files.site, events));
  await drawn(page);
  await page.locator('.grid').focus();
  await page.keyboard.press('Control+End');
  await page.locator('.grid [data-row="299999"] [data-column="0"]').waitFor();
  await drawn(page);
  assert.deepEqual(asked, [...new Set(asked)]);
  await page.close();
});

test('a table is filtered, sorted and counted', { timeout: 6 * patience }, async () => {
  const page = await open(files, events);
  await settled(page, '.said', '300,000 rows');
  assert.equal((await column(page, 0))[1], '1');
  await page.fill('#where', '(energy > 2999) & (name == \'mu\')');
  await page.keyboard.press('Enter');
  await settled(page, '.said', /^\d+ of 300,000 rows/);
  const energies = (await column(page, 1)).map(Number);
  assert.ok(energies.length > 3 && energies.every((e) => e > 2999) && (await column(page, 3)).every((n) => n === 'mu'));
  await page.getByRole('columnheader', { name: /^energy/ }).click();
  await settled(page, '.said', 'in the order of energy');
  assert.deepEqual((await column(page, 1)).map(Number), (await column(page, 1)).map(Number).toSorted((a, b) => a - b));
  await page.getByRole('columnheader', { name: /^energy/ }).click();
  await settled(page, '.said', 'descending');
  assert.deepEqual((await column(page, 1)).map(Number), (await column(page, 1)).map(Number).toSorted((a, b) => b - a));
  const link = page.url();
  const again = await look(context, link);
  await settled(again, '.said', /of 300,000 rows.*descending/);
  assert.deepEqual(await column(again, 0), await column(page, 0));
  await page.goBack();
  await settled(page, '.said', /in the order of energy$/);
  await calm(again);
  await calm(page);
});

test('the end of a table is a key away, and a row is gone to', { timeout: 4 * patience }, async () => {
  const page = await open(files, events);
  await settled(page, '.said', '300,000 rows');
  await page.focus('.grid');
  await page.keyboard.press('Control+End');
  await page.locator('[data-row="299999"]:not(.waiting)').waitFor();
  assert.equal((await column(page, 0)).at(-1), '299999');
  await page.getByLabel('Go to row').fill('123456');
  await page.keyboard.press('Enter');
  await page.locator('[data-row="123456"]:not(.waiting)').waitFor();
  assert.equal(await page.locator('[data-row="123456"] [data-column="0"]').textContent(), '123456');
  await page.evaluate(() => { const g = document.querySelector('.grid'); g.scrollTop = g.scrollHeight / 2; });
  await page.locator('[data-row="150000"]:not(.waiting)').waitFor();
  await page.waitForURL(/row=1\d{5}/);
  await calm(page);
});

test('names complete, and a mistake is pointed at', { timeout: 4 * patience }, async () => {
  const page = await open(files, events);
  await settled(page, '.said', '300,000 rows');
  await page.click('#where');
  await page.keyboard.type('ener');
  await page.getByRole('option', { name: 'energy' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type(' > 1 & chanel');
  assert.equal(await page.inputValue('#where'), 'energy > 1 & chanel');
  await page.fill('#where', '(energy > 1) & (chanel == 2)');
  await page.keyboard.press('Enter');
  await settled(page, '#where-error', /near: channel[\s\S]*\^~~~/);
  assert.equal(await page.evaluate(() => document.getElementById('where').selectionStart), 16);
  assert.equal(await page.getAttribute('#where', 'aria-invalid'), 'true');
  await page.fill('#where', 'energy > 2999.9');
  await page.keyboard.press('Enter');
  await settled(page, '.said', /^\d+ of 300,000 rows/);
  await calm(page);
});

test('columns are chosen, rows selected, and a column has statistics', { timeout: 4 * patience }, async () => {
  const page = await open(files, { ...events, field: 'energy' });
  await settled(page, '.said', '1 of 5 columns');
  await page.locator('[data-row="3"]:not(.waiting) [data-column="0"]').click();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await settled(page, '.said', '3 selected');
  await page.getByText('The same by a program').click();
  await settled(page, 'code', /"fields": \["energy"\], "start": 3, "stop": 6/);
  await page.getByText('Statistics of energy').click();
  await settled(page, '.statistics', 'an estimate from the bounds of');
  await settled(page, '.statistics dl', '2999.99');
  await page.getByText('Columns (1 of 5)').click();
  await page.getByRole('checkbox', { name: /^id/ }).check();
  await page.getByRole('button', { name: 'Show these' }).click();
  await settled(page, '.said', '2 of 5 columns');
  assert.match(page.url(), /field=id&field=energy/);
  await calm(page);
});

test('the lines of programs fetch what is shown', { timeout: 4 * patience }, async () => {
  const page = await open(files, { ...events, where: 'channel < 3', sort: 'energy', down: '1', field: 'id' });
  await settled(page, '.said', /of 300,000 rows/);
  await page.locator('[data-row="0"]:not(.waiting)').waitFor();
  const shown = (await column(page, 0)).slice(0, 5);
  await page.locator('[data-row="0"] [data-column="0"]').click();
  for (let i = 0; i < 4; i++) await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('The same by a program').click();
  const lines = {};
  for (const name of await page.locator('#language option').allTextContents()) {
    await page.selectOption('#language', name);
    lines[name] = await page.locator('code').textContent();
  }
  const python = (text, say) => execFileSync(join(clone, '.venv/bin/python'), ['-c', `${text}\n${say}`], { encoding: 'utf8' }).trim();
  assert.equal(python(lines.Python, 'print(*rows["id"].to_pylist())'), shown.join(' '));
  assert.equal(python(lines.Polars, 'print(*frame["id"].to_list())'), shown.join(' '));
  assert.equal(python(lines.DuckDB, 'print(*answer.fetchall()[0])'), '5');
  assert.equal(python(lines.pandas, 'print(*frame["id"])'), shown.join(' '));
  const csv = execFileSync('sh', ['-c', lines.curl.replace(/ -o \S+$/, '')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  assert.deepEqual(csv.trim().split('\n').slice(1), shown);
  assert.match(lines.Go, /ParseTicket\(\[\]byte\("\{\\"file\\":\\"events.h5\\"/);
  await calm(page);
});

test('an array is a picture and a line, at any place of other axes', { timeout: 4 * patience }, async () => {
  const page = await open(files, { file: 'arrays.h5', dataset: '/image' });
  await settled(page, '.said', 'axis 0: 0 to 60 · axis 1: 0 to 80');
  const canvas = page.locator('.picture canvas').first();
  await becomes(() => canvas.evaluate((c) => [c.width, c.height, ...c.getContext('2d').getImageData(0, 0, 1, 1).data].join()), '80,60,68,1,84,255');
  await canvas.hover({ position: { x: 5, y: 5 } });
  await settled(page, '.told', /^\[\d+, \d+\]: /);
  await page.goto(linkTo(files.site, { file: 'arrays.h5', dataset: '/line' }));
  await settled(page, '.said', 'axis 0: 0 to 5,000');
  await becomes(() => page.locator('figure canvas').evaluate((c) => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size > 3), true);
  await page.goto(linkTo(files.site, { file: 'arrays.h5', dataset: '/stack', index: '2' }));
  await settled(page, '.said', 'axis 1: 0 to 30');
  await page.getByText('The same by a program').click();
  await settled(page, 'code', '"select": "2, 0:30, 0:20"');
  await page.getByLabel('Draw').selectOption('axis 2 as a line');
  await settled(page, '.said', /^axis 2: 0 to 20/);
  await calm(page);
});

test('attributes and wide integers are exact', { timeout: 4 * patience }, async () => {
  const page = await open(files, { ...events, tab: 'attributes' });
  await settled(page, 'td', '1152921504606846977');
  await settled(page, 'td', 'barrel');
  await page.goto(linkTo(files.site, { file: 'arrays.h5', dataset: '/exact', tab: 'rows' }));
  await page.locator('[data-row="2"]:not(.waiting)').waitFor();
  assert.deepEqual(await column(page, 0), ['1152921504606846977', '-9223372036854775808', '9007199254740993']);
  await page.goto(linkTo(files.site, { file: 'arrays.h5', dataset: '/bytes', tab: 'rows' }));
  await settled(page, '.said', 'texts as bytes');
  await page.locator('[data-row="0"]:not(.waiting)').waitFor();
  assert.deepEqual(await column(page, 0), ['caf\\xe9', 'plain']);
  await calm(page);
});

test('a dataset of 2^60 rows, and one of 300 columns', { timeout: 4 * patience }, async () => {
  const page = await open(files, { file: 'arrays.h5', dataset: '/endless', tab: 'rows' });
  await settled(page, '.facts', '1,152,921,504,606,846,976');
  await page.locator('[data-row="0"]:not(.waiting)').waitFor();
  await page.focus('.grid');
  await page.keyboard.press('Control+End');
  await page.locator('[data-row="9007199254740990"]:not(.waiting)').waitFor();
  await page.goto(linkTo(files.site, { file: 'arrays.h5', dataset: '/wide' }));
  await settled(page, '.said', '40 of 300 columns');
  await calm(page);
});

test('a file of 100,000 objects is opened', { timeout: 6 * patience }, async () => {
  const page = await open(files);
  await settled(page, '#found', 'objects');
  await page.getByRole('treeitem', { name: 'nodes.h5' }).locator('.twist').click();
  await page.getByRole('treeitem', { name: 'group00' }).locator('.twist').click();
  await page.getByRole('treeitem', { name: 'link0001' }).waitFor();
  await page.focus('#tree');
  await page.keyboard.press('End');
  await page.getByRole('treeitem', { name: 'group99' }).waitFor();
  assert.ok(await page.getByRole('treeitem').count() < 100);
  await page.fill('#search', 'group99/last');
  await page.getByRole('treeitem', { name: 'nodes.h5/group99/last' }).click();
  await settled(page, 'h1', '/group99/last');
  await calm(page);
});

test('h5web shows arrays in a frame without an origin', { timeout: 6 * patience }, async () => {
  const page = await open(files, { file: 'arrays.h5', dataset: '/stack', tab: 'explorer' });
  const frame = page.frameLocator('iframe');
  await frame.locator('canvas').first().waitFor();
  await frame.getByText('Matrix', { exact: true }).click();
  await frame.getByText('21', { exact: true }).first().waitFor();
  assert.equal(await frame.locator('body').evaluate(() => origin), 'null');
  const refused = await frame.locator('body').evaluate(() => fetch('/v1/list').then(() => 'answered', (e) => e.name));
  assert.equal(refused, 'TypeError');
  await page.close();
});

test('dark, small, and by axe\'s rules', { timeout: 8 * patience }, async () => {
  const axe = readFileSync(join(clone, 'testdata/page/node_modules/axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark']) {
    const { browser: own, context: narrow } = await browse({ colorScheme, viewport: { width: 400, height: 700 } });
    try {
      for (const view of [{ ...events, where: 'energy > 5' }, { file: 'arrays.h5', dataset: '/stack' }, { ...events, tab: 'attributes' }]) {
        const page = await look(narrow, linkTo(files.site, view));
        await settled(page, view.tab ? 'td' : '.said', view.tab ? 'barrel' : /rows|axis/);
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 400);
        await check(page, axe);
        await page.click('#menu');
        await page.locator('[role=treeitem]').first().waitFor();
        await check(page, axe);
        await calm(page);
      }
    } finally {
      await own.close();
    }
  }
});

async function check(page, axe) {
  await page.evaluate(axe); // scripts of others are kept out by the page's policy
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((v) => [v.id, v.nodes.map((n) => n.html)]), []);
}
