// The chips behind the page: two of them, their memory, their power, and the page without a network.
import type { Page } from '@playwright/test';
import { HTTP_ERROR, expect, test } from './laboratory';

/** A way to a chip's worker of this test's own, beside the page's. */
async function chip(page: Page, name: string, factory: string): Promise<void> {
  await page.evaluate(async ([name, factory]) => {
    const worker = new Worker(`${document.body.dataset.chip}?name=${name}&factory=${factory}`, { type: 'module' });
    const own: any = { worker, traces: [], states: [], next: 1, waiting: new Map() };
    (window as any)[`chip_${name}`] = own;
    await new Promise<void>((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        if (data.trace !== undefined) own.traces.push(data.trace);
        if (data.state !== undefined) {
          own.states.push(data.state);
          if (data.state === 'durable') resolve();
          if (data.state === 'broken') reject(new Error(data.because));
        }
        own.waiting.get(data.id)?.(data);
      };
    });
  }, [name, factory]);
}

/** Asks it something; `hex:` texts go as bytes. Its answer in hexadecimal, or `lost: …`. */
async function ask(page: Page, name: string, request: Record<string, unknown>): Promise<string> {
  return page.evaluate(async ([name, request]) => {
    const own = (window as any)[`chip_${name}`];
    const id = own.next++;
    const message: Record<string, unknown> = { id };
    for (const [field, value] of Object.entries(request as object)) {
      const hex = typeof value === 'string' && value.startsWith('hex:') ? value.slice(4) : undefined;
      message[field] = hex === undefined ? value : Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
    }
    const answer: any = await new Promise((resolve) => {
      own.waiting.set(id, resolve);
      own.worker.postMessage(message);
    });
    if (answer.lost !== undefined) return `lost: ${answer.lost}`;
    return Array.from(answer.rsp as Uint8Array, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }, [name, request] as const);
}

const ISD_R = 'a0000005591010ffffffff8900000100';
const apdu = (page: Page, name: string, hex: string) => ask(page, name, { apdu: `hex:${hex}` });

/** Sends ES10 data to the ISD-R on the basic channel; the answer without its status word. */
async function es10(page: Page, name: string, data: string): Promise<string> {
  await apdu(page, name, `00a4040010${ISD_R}`);
  const sent = await apdu(page, name, `80e29100${(data.length / 2).toString(16).padStart(2, '0')}${data}00`);
  const more = /61(..)$/.exec(sent);
  return more ? apdu(page, name, `00c00000${more[1]}`) : sent;
}

const EID = 'bf3e035c015a';

test('the watch’s chip has an EID of its own and is empty', async ({ person, page }) => {
  await person.open();
  await chip(page, 'story', '/lab/watch.json');
  expect(await es10(page, 'story', EID)).toContain('89049032000000000000000000000260');
  // ProfileInfoListOk without a profile.
  expect(await es10(page, 'story', 'bf2d00')).toMatch(/^bf2d02a0009000$/);
});

test('a memory is taken out, put back, and refused when it is none', async ({ person, page }) => {
  await person.open();
  await chip(page, 'story', '/lab/chip.json');
  const iccid = '98000000000000000021';
  const nickname = (name: string) => {
    const hex = Buffer.from(name).toString('hex');
    const fields = `5a0a${iccid}90${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`;
    return `bf29${(fields.length / 2).toString(16).padStart(2, '0')}${fields}`;
  };
  expect(await es10(page, 'story', nickname('first'))).toBe('bf29038001009000');
  const kept = await ask(page, 'story', { snapshot: true });
  expect(kept.length).toBeGreaterThan(2000);
  expect(await es10(page, 'story', nickname('second'))).toBe('bf29038001009000');
  for (const wrong of ['hex:', 'hex:00', `hex:${kept.slice(0, 200)}ff${kept.slice(202)}`]) {
    expect(await ask(page, 'story', { restore: wrong })).toContain('this is no chip’s memory');
    expect(await es10(page, 'story', 'bf2d00')).toContain(Buffer.from('second').toString('hex'));
  }
  expect(await ask(page, 'story', { restore: `hex:${kept}` })).toMatch(/^3b/);
  expect(await es10(page, 'story', 'bf2d00')).toContain(Buffer.from('first').toString('hex'));

  // Power fails in the first write, whole or in its middle: the chip is dead, then as before.
  for (const torn of [false, true]) {
    await ask(page, 'story', { power: 1, torn });
    expect(await es10(page, 'story', nickname('never'))).toContain('lost: ');
    expect(await apdu(page, 'story', `00a4040010${ISD_R}`)).toBe('lost: the chip has no power');
    expect(await ask(page, 'story', { powerUp: true })).toMatch(/^3b/);
    expect(await es10(page, 'story', 'bf2d00')).toContain(Buffer.from('first').toString('hex'));
  }
  // What was taken back does not happen.
  await ask(page, 'story', { power: 1 });
  await ask(page, 'story', { power: 0 });
  expect(await es10(page, 'story', nickname('third'))).toBe('bf29038001009000');

  // Its own words.
  await ask(page, 'story', { trace: true });
  await es10(page, 'story', 'bf3105a0035a0100');
  await expect.poll(() => page.evaluate(() => (window as any).chip_story.traces.length)).toBeGreaterThan(0);

  // Other chips in its place; what is no factory’s changes nothing.
  expect(await ask(page, 'story', { erase: 'hex:7b7d' })).toContain('no chip can be made so');
  expect(await es10(page, 'story', 'bf2d00')).toContain(Buffer.from('third').toString('hex'));
  const empty = await (await page.request.get('/lab/chip.json?as=no-bootstrap')).body();
  expect(await ask(page, 'story', { erase: `hex:${empty.toString('hex')}` })).toMatch(/^3b/);
  expect(await es10(page, 'story', 'bf2d00')).toBe('bf2d02a0009000');
  expect(await ask(page, 'story', { erase: true })).toMatch(/^3b/);
  expect(await es10(page, 'story', 'bf2d00')).toContain(iccid);
});

test('every kind of chip that the laboratory offers can be made', async ({ person, page }) => {
  await person.open();
  await chip(page, 'story', '/lab/watch.json');
  for (const kind of ['usual', 'small-memory', 'other-ci', 'expired', 'no-bootstrap', 'odd-aid']) {
    const document = await (await page.request.get(`/lab/chip.json?as=${kind}`)).body();
    expect(await ask(page, 'story', { erase: `hex:${document.toString('hex')}` }), kind).toMatch(/^3b/);
  }
});

test('a chip whose program stops is powered on again without a reload', async ({ person, operator, page, watch }) => {
  watch.excuse(/a fault in the chip’s program/);
  const order = await operator.order('Survivor');
  await person.open();
  await person.phone.fetch(order.code);
  await page.evaluate(() => { (window as any).sameDocument = true; });
  const [worker] = page.workers();
  await worker.evaluate(() => { setTimeout(() => { throw new Error('a fault in the chip’s program'); }); });
  await expect(page.getByRole('alert')).toContainText('The chip does not answer.');
  await page.getByRole('button', { name: 'Power on again' }).click();
  await person.phone.settled();
  await expect(person.phone.switchOf(order.name)).toBeVisible();
  expect(await page.evaluate(() => (window as any).sameDocument)).toBe(true);
});

test('the console stands in the page, knows the operator, and hands a code to the phone', async ({ person, page }) => {
  await person.open('#operator');
  await person.hideNumbers(false);
  const code = await person.operator.order('Framed');
  expect(code).toMatch(/^LPA:1\$/);
  await person.hideNumbers(true);
  await expect(person.operator.code).not.toHaveText(code);
  const console = page.frameLocator('iframe');
  await console.getByRole('link', { name: 'Orders', exact: true }).click();
  await console.getByLabel('ICCID or matching id').fill(code.split('$')[2]!);
  await console.getByRole('button', { name: 'Filter', exact: true }).click();
  await console.getByRole('link', { name: /Framed/ }).first().click();
  await expect(console.getByTestId('activation-code')).toHaveText(code);
  await console.getByRole('button', { name: 'Use in the phone' }).click();
  await expect(page).toHaveURL(/#phone$/);
  await person.phone.add.click();
  await expect(person.phone.dialog).toContainText('Framed');
  await person.phone.dialog.getByRole('button', { name: 'Not now' }).click();
});

test('the files of the profile that is on are read and explained', async ({ person, operator }) => {
  const { phone, chip } = person;
  const order = await operator.order('Files');
  await person.open('#chip');
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await chip.readFiles();
  await phone.idle();
  await chip.section.getByRole('searchbox').fill('EF.IMSI');
  const imsi = chip.file('EF.IMSI').first();
  await imsi.locator('summary').first().click();
  await expect(imsi).toContainText('TS 31.102');
  await expect(imsi).not.toContainText(order.imsi);
  await person.hideNumbers(false);
  await expect(imsi).toContainText(order.imsi);
  await imsi.locator('summary').first().click();
  await chip.section.getByRole('searchbox').fill('EF.UST');
  await expect(chip.files.locator('details.file')).toHaveCount(1);
  const services = chip.file('EF.UST').first();
  await services.locator('summary').first().click();
  await expect(services).toHaveAttribute('open', '');
  await expect(services.locator('.flag.on').first()).toBeVisible();
  await person.inOrder('the files of a profile');
  // Another profile has other files: these are not shown as its own.
  await phone.switchTo('Setup');
  await expect(chip.files).toHaveCount(0);
});

test('only the console’s frame can hand a code to the phone', async ({ person, page }) => {
  await person.open();
  await page.goto('/#operator');
  await expect(page.locator('iframe')).toBeVisible();
  await page.evaluate(() => window.postMessage({ activationCode: 'LPA:1$evil.example$X' }, '*'));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  await expect(page).toHaveURL(/#operator$/);
});

test('what a browser needs to install the page is there', async ({ page }) => {
  await page.goto('/');
  const link = await page.locator('link[rel="manifest"]').getAttribute('href');
  const answer = await page.request.get(link!);
  expect(answer.headers()['content-type']).toContain('application/manifest+json');
  const manifest = await answer.json();
  expect(manifest.protocol_handlers).toEqual([{ protocol: 'web+lpa', url: '/#phone?code=%s' }]);
  for (const icon of manifest.icons) {
    const file = await page.request.get(icon.src);
    expect(file.headers()['content-type'], icon.src).toBe('image/png');
    const bytes = await file.body();
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(icon.sizes);
  }
});

test.describe('with its service worker', () => {
  test.use({ serviceWorkers: 'allow' });

  test('without a network the page opens, and what needs none works', async ({ person, operator, page, context, watch }) => {
    watch.excuse(HTTP_ERROR);
    const { phone } = person;
    const order = await operator.order('Offline');
    await person.open();
    await person.phone.fetch(order.code);
    await page.evaluate(async () => { await navigator.serviceWorker.ready; });
    await person.reload();
    // The worker from the cache knows which chip it is.
    await chip(page, 'story', '/lab/watch.json');
    expect(await es10(page, 'story', EID)).toContain('89049032000000000000000000000260');
    await context.setOffline(true);
    await person.reload();
    await expect(phone.profiles).toHaveCount(2);
    await phone.switchOf(order.name).click();
    await expect(phone.switchOf(order.name)).toBeChecked();
    await person.reload();
    await expect(phone.switchOf(order.name)).toBeChecked();
    // What the chip has signed waits until there is a network, and then goes out by itself.
    await expect(phone.kept.first()).toContainText('enable');
    await context.setOffline(false);
    await expect(phone.kept).toHaveCount(0);
    await expect.poll(async () => (await operator.detail(order.iccid)).notifications.map(({ event }: any) => event))
      .toEqual(['installed', 'enabled']);
    await expect(phone.operator).toHaveText(order.provider);
  });
});
