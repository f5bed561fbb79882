// A server of a folder, and Chromium that looks at its page.

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const clone = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const made = join(clone, '.make/page');
export const testdata = join(clone, 'testdata');

// waits are generous: machines that run tests are slow and busy.
export const patience = 90_000;

export async function serve(...args) {
  const secure = args.some((a) => a.startsWith('--auth'));
  const process = spawn(join(clone, 'bin/mtflight'), ['serve', '--listen', 'grpc://127.0.0.1:0', '--http', '127.0.0.1:0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let banner = '', log = '';
  process.stderr.on('data', (d) => { log += d; });
  const site = await new Promise((resolve, reject) => {
    process.on('exit', () => reject(new Error(`the server does not start: ${log}`)));
    process.stdout.on('data', (d) => {
      banner += d;
      const found = /by HTTP on (\S+)/.exec(banner);
      if (found && (secure || banner.includes('do_get'))) resolve(found[1]);
    });
  });
  return { site, banner, log: () => log, stop: () => process.kill() };
}

export async function browse(options = {}) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', timeout: patience,
    args: ['--no-sandbox', '--disable-gpu-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  context.setDefaultTimeout(patience);
  return { browser, context };
}

// look opens a page, whose errors end the test that calls calm.
export async function look(context, url) {
  const page = await context.newPage();
  page.wrong = [];
  page.on('pageerror', (e) => page.wrong.push(e.message));
  page.on('console', (m) => { if (m.type() === 'error' && !/status of 4\d\d/.test(m.text())) page.wrong.push(m.text()); });
  page.on('dialog', (d) => { page.wrong.push(`dialog: ${d.message()}`); d.dismiss(); });
  await page.goto(url);
  return page;
}

export const linkTo = (site, view) => `${site}/#${new URLSearchParams(view)}`;

// settled waits until a text is somewhere in an element.
export async function settled(page, selector, text) {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

// drawn waits until all rows of a grid that are seen are there.
export const drawn = (page) => page.locator('.grid[aria-busy="false"]').waitFor();
