// Draws the page in Chromium: docs/screens/page-*.png. `make screens` runs it; needs what `make test-page` needs.

import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { browse, linkTo, look, serve, settled, testdata } from '../../testdata/page/browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const pictures = [
  { name: 'page-table', view: { file: 'tables.h5', dataset: '/events', where: '(energy > 20) & (name == \'mu\')', sort: 'energy', down: '1' }, wait: ['.said', /of 5,000 rows/], statistics: true, options: { viewport: { width: 1100, height: 1250 } } },
  { name: 'page-array', view: { file: 'climate.nc', dataset: '/t2m', index: '3' }, wait: ['.said', /axis 1/] },
  { name: 'page-dark', view: { file: 'tables.h5', dataset: '/events' }, wait: ['.said', /5,000 rows/], options: { colorScheme: 'dark', viewport: { width: 400, height: 640 } } },
];

const server = await serve(testdata);
try {
  for (const { name, view, wait, statistics, options } of pictures) {
    const { browser, context } = await browse({ viewport: { width: 1100, height: 820 }, ...options });
    const page = await look(context, linkTo(server.site, view));
    await settled(page, ...wait);
    if (!options) await settled(page, '#found', 'objects');
    if (statistics) await open(page);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(here, `${name}.png`) });
    await browser.close();
  }
} finally {
  server.stop();
}

// open shows the statistics of a column.
async function open(page) {
  await page.locator('[data-row="3"]:not(.waiting) [data-column="2"]').click();
  await page.getByText('Statistics of energy').click();
  await settled(page, '.statistics', 'an estimate');
}
