// What files and strangers may not do to the page: run scripts, or be shown as something else; and who may look.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browse, clone, linkTo, look, made, patience, serve, settled } from './browser.mjs';

let folder, browser, context;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'page-'));
  ({ browser, context } = await browse());
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const evil = '<img src=x onerror=evil()>';

test('names that are HTML, or no UTF-8, are shown as they are', { timeout: 4 * patience }, async () => {
  const server = await serve(made);
  try {
    const page = await look(context, linkTo(server.site, { file: `${evil}.h5`, dataset: `/${evil}` }));
    await settled(page, 'h1', evil);
    await page.locator('[data-row="0"]:not(.waiting)').waitFor();
    assert.equal(await page.locator('[data-row="0"] [data-column="1"]').textContent(), evil);
    await page.locator('[data-row="0"] [data-column="0"]').click();
    await page.getByText(`Statistics of ${evil}`).click();
    await page.getByRole('tab', { name: 'Attributes' }).click();
    await settled(page, 'td', evil);
    await page.goto(linkTo(server.site, { file: `${evil}.h5`, dataset: '/caf\\xe9' }));
    await settled(page, 'h1', '/caf\\xe9');
    await page.getByRole('treeitem', { name: 'turned\\u202etxt' }).waitFor();
    await page.goto(linkTo(server.site, { file: evil, dataset: evil, where: evil, fields: evil, tab: evil, index: evil, region: evil }));
    await settled(page, 'h1', evil);
    assert.equal(await page.locator('main img, nav img').count(), 0);
    assert.deepEqual(page.wrong, []);
    await page.close();
  } finally {
    server.stop();
  }
});

test('no script but the page\'s own runs', { timeout: 2 * patience }, async () => {
  const server = await serve(made);
  try {
    const page = await look(context, server.site);
    const ran = await page.evaluate(() => {
      const s = document.createElement('script');
      s.textContent = 'window.ran = true';
      document.body.append(s);
      return window.ran === true;
    });
    assert.equal(ran, false);
    await page.close();
  } finally {
    server.stop();
  }
});

test('a server with logins asks for a token, and keeps it for this tab', { timeout: 4 * patience }, async () => {
  const tokens = join(folder, 'tokens');
  const secret = execFileSync(join(clone, 'bin/mtflight'), ['token', 'new', '--auth-tokens', tokens, 'ada'], { encoding: 'utf8' }).trim();
  const server = await serve('--auth-tokens', tokens, made);
  try {
    const page = await look(context, linkTo(server.site, { file: 'events.h5', dataset: '/events' }));
    await page.fill('#token', 'wrong');
    await page.keyboard.press('Enter');
    await settled(page, '#login-why', /./);
    await page.locator('dialog[open] #token').waitFor();
    await page.fill('#token', secret);
    await page.keyboard.press('Enter');
    await page.locator('[data-row="0"]:not(.waiting)').waitFor();
    await settled(page, '#found', 'objects');
    assert.equal(await page.evaluate(() => document.cookie + localStorage.length), '0');
    await page.reload();
    await page.locator('[data-row="0"]:not(.waiting)').waitFor();
    const other = await look(context, server.site);
    await other.locator('dialog[open] #token').waitFor();
    await other.close();
    await page.close();
  } finally {
    server.stop();
  }
});

test('a file that changes is told, and never mixed', { timeout: 4 * patience }, async () => {
  cpSync(join(made, 'events.h5'), join(folder, 'events.h5'));
  const server = await serve(folder);
  try {
    const page = await look(context, linkTo(server.site, { file: 'events.h5', dataset: '/events' }));
    await page.locator('[data-row="0"]:not(.waiting)').waitFor();
    execFileSync(join(clone, '.venv/bin/python'), ['-c', 'import h5py, sys; f = h5py.File(sys.argv[1], "a"); r = f["events"][:]; r["id"] += 1000000; f["events"][:] = r; f.close()', join(folder, 'events.h5')]);
    await page.focus('.grid');
    await page.keyboard.press('Control+End');
    await settled(page, '#notice', 'has changed');
    await page.getByRole('button', { name: 'Reload' }).click();
    const first = page.locator('[data-row="0"]:not(.waiting) [data-column="0"]', { hasText: /^1000000$/ });
    const until = Date.now() + patience;
    while (!await first.count() && Date.now() < until) { // the new view is where the old one was, which may be the end
      await page.focus('.grid');
      await page.keyboard.press('Control+Home');
      await page.waitForTimeout(200);
    }
    assert.equal(await first.count(), 1);
    await page.close();
  } finally {
    server.stop();
  }
});
