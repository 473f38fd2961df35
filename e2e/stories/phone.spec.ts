// What else a person does, and what goes wrong.
import type { BrowserContext, Page } from '@playwright/test';
import { HTTP_ERROR, Person, expect, published, test } from './laboratory';

test('a malformed code is told at once, and nothing is sent', async ({ person, page }) => {
  const { phone } = person;
  await person.open();
  const calls: string[] = [];
  page.on('request', (request) => calls.push(request.url()));
  for (const [code, told] of [
    ['', /activation code/],
    ['hello', /not an activation code/],
    ['LPA:1$not_a_host!$X', /server/],
    ['LPA:1$smdp.example$a_b', /letters, digits/],
    ['LPA:1$smdp.example$A$1.2.x', /identifier/],
  ] as const) {
    await phone.enter(code);
    await expect(phone.codeHelp).toHaveClass(/wrong/);
    await expect(phone.codeHelp, code).toContainText(told);
    await expect(phone.code).toHaveAttribute('aria-invalid', 'true');
  }
  expect(calls).toEqual([]);
});

test('a code that the server does not know is refused in words with the codes beside', async ({ person }) => {
  await person.open();
  await person.phone.enter('LPA:1$smdp.example$NOBODY-HAS-THIS');
  await expect(person.phone.notice).toContainText('does not know this activation code');
  await expect(person.phone.notice).toContainText('ask the operator for a new one');
  await person.phone.notice.getByText('Codes').click();
  await expect(person.phone.notice).toContainText('subject 8.2.6 / reason 3.8');
  await expect(person.step(3)).toContainText('failed');
  await expect(person.phone.profiles).toHaveCount(1);
});

test('a code works once', async ({ person, operator }) => {
  const order = await operator.order('Once');
  await person.open();
  await person.phone.fetch(order.code);
  await person.phone.enter(order.code);
  await expect(person.phone.notice).toHaveAttribute('role', 'alert');
  await expect(person.phone.notice).toContainText('used up');
  await expect(person.phone.profiles).toHaveCount(2);
});

test('the provisioning profile may not call, and the reason is told', async ({ person, page }) => {
  await person.open();
  await person.phone.service('voice').getByRole('button').click();
  await expect(person.phone.notice).toContainText('not yet under contract');
  await person.network.go();
  await expect(person.network.decisions).toContainText('voice to +15550100');
  await expect(person.network.decisions).toContainText('EMM cause 18');
});

test('whatever APN the phone asks for, the provisioning profile gets the one for the SM', async ({ person }) => {
  await person.open('#network');
  await person.network.attachWith('wrong.example');
  await expect(person.network.apnAsked).toHaveText('wrong.example');
  await expect(person.network.apnGiven).toHaveText('sm.provisioning');
});

test('without the network the phone has no service and the page still works', async ({ person, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  await page.route('**/network/**', (route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({ type: 'about:blank', status: 503, detail: 'The network service did not answer within 30 s.' }),
    }));
  await person.open();
  await expect(person.phone.operator).toContainText('no service');
  await expect(page.getByTestId('status')).toContainText('did not answer');
  await person.phone.switchOf('Setup').click();
  await expect(person.phone.switchOf('Setup')).not.toBeChecked();
  await expect(person.phone.operator).toHaveText('No profile is on');
  await person.phone.settled();

  await page.unroute('**/network/**');
  await person.phone.switchTo('Setup');
  await expect(person.phone.operator).toHaveText('Bootstrap');
});

test('a chip is in one tab at a time, and goes to the next when that one closes @core', async ({ person, page, context }) => {
  await person.open();
  const second = await context.newPage();
  await second.goto('/');
  await expect(second.getByRole('alert')).toContainText('The chip is in use in another tab.');
  await page.close();
  await expect(second.getByRole('alert')).toHaveCount(0);
  await expect(second.getByTestId('operator')).toHaveText('Bootstrap');
});

/** What a worker runs first in a browser that keeps no files, or no databases. */
const LACKS = {
  files: "Object.defineProperty(navigator, 'storage', { value: { getDirectory: async () => { throw new Error('no files'); } } });",
  databases: "Object.defineProperty(globalThis, 'indexedDB', { value: undefined });",
};

/** Gives the chips' workers such a browser: those of a page, or of all its tabs. */
async function lacking(page: Page | BrowserContext, ...what: (keyof typeof LACKS)[]): Promise<void> {
  await page.route('**/worker.js', async (route) => {
    const response = await route.fetch();
    // A module's imports come before all else in it: the worker itself comes after.
    const lacks = what.map((name) => LACKS[name]).join('\n');
    await route.fulfill({ response, body: `${lacks}\nawait import('./worker.js?as-it-is');` });
  });
}

test('where the browser keeps no files, the chip lives in a database', async ({ person, operator, page }) => {
  await lacking(page, 'files');
  const order = await operator.order('Database');
  await person.open();
  await person.chip.go();
  await expect(person.chip.section).toContainText('in a database (IndexedDB), also when the page is closed');
  await person.phone.fetch(order.code);
  await person.phone.switchTo(order.name);
  await person.reload();
  await expect(person.phone.profiles).toHaveCount(2);
  await expect(person.phone.switchOf(order.name)).toBeChecked();
  await person.chip.replace();
  await expect(person.phone.profiles).toHaveCount(1);
});

test('a chip in a database is in one tab at a time too', async ({ person, operator, page, context }) => {
  await lacking(context, 'files');
  const order = await operator.order('One tab');
  await person.open();
  await person.phone.fetch(order.code);
  const second = new Person(await context.newPage());
  await second.page.goto('/');
  await expect(second.page.getByRole('alert')).toContainText('The chip is in use in another tab.');
  // What the first does meanwhile is what the second finds.
  await person.phone.switchTo(order.name);
  await page.close();
  await expect(second.page.getByRole('alert')).toHaveCount(0);
  await second.phone.settled();
  await expect(second.phone.switchOf(order.name)).toBeChecked();
  await second.chip.go();
  await expect(second.chip.section).toContainText('in a database (IndexedDB)');
  await second.phone.switchTo('Setup');
});

test('where it keeps nothing at all, the page says so', async ({ person, page }) => {
  await lacking(page, 'files', 'databases');
  await person.open();
  await expect(page.getByRole('alert')).toContainText('This chip forgets everything when the page is closed.');
  await person.chip.go();
  await expect(person.chip.section).toContainText('Lost when the page is closed.');
});

test('a new chip is as it left the factory', async ({ person, operator, page }) => {
  const order = await operator.order('Gone');
  await person.open();
  await person.phone.fetch(order.code);
  await person.chip.go();
  await person.chip.replace();
  await expect(person.phone.profiles).toHaveCount(1);
  await expect(person.phone.operator).toHaveText('Bootstrap');
});

test('a damaged chip is left alone until the person replaces it', async ({ person, operator, page }) => {
  const order = await operator.order('Damaged');
  await person.open();
  await person.phone.fetch(order.code);
  // Another page of the same site, with the chip's files closed.
  await page.route('**/elsewhere', (route) => route.fulfill({ contentType: 'text/html', body: '<p>Elsewhere</p>' }));
  await page.goto('/elsewhere');
  const damage = () => page.evaluate(async () => {
    const folder = await navigator.storage.getDirectory();
    const lengths = [];
    for (const name of ['euicc-a.nvm', 'euicc-b.nvm']) {
      const handle = await folder.getFileHandle(name);
      const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
      if (bytes.length > 100) {
        bytes[80] ^= 1;
        const out = await handle.createWritable();
        await out.write(bytes);
        await out.close();
      }
      lengths.push(bytes.length);
    }
    return lengths;
  });
  const before = await damage();
  expect(Math.max(...before)).toBeGreaterThan(10_000);
  await page.goto('/');
  await expect(page.getByRole('alert')).toContainText('The chip’s memory can’t be read.');
  await person.chip.go();
  await expect(person.chip.section).toContainText('The memory can’t be read.');
  // The same bit again: the files are as they were.
  await page.goto('/elsewhere');
  expect(await damage()).toEqual(before);
  await page.goto('/');
  await person.phone.settled();
  await expect(person.phone.profiles).toHaveCount(2);
  await page.goto('/elsewhere');
  await damage();
  await page.goto('/#chip');
  await person.chip.replace();
  await expect(person.phone.profiles).toHaveCount(1);
  await expect(person.phone.operator).toHaveText('Bootstrap');
});

test('the GSMA’s generic test profile is installed and switched to', async ({ person, operator, page }) => {
  const file = 'ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der';
  const bytes = published(file);
  test.skip(!bytes, `${file} is not present`);
  const imsi = '001010123456789';
  const iccid = '89000123456789012341';
  test.skip(await operator.knows(iccid), 'this profile was ordered here before: it needs a fresh stack');
  // Its keys, those of the test algorithm of 3GPP TS 34.108, the network gets from the package.
  await operator.upload('Generic Test Profile', 'GSMA TS.48', iccid, bytes!, 'test', {
    class: 'operational',
    contract: { apns: ['*'], defaultApn: 'internet', voice: true, sms: true, data: true },
  });
  const code = await operator.release(iccid);

  await person.open();
  await person.phone.fetch(code);
  await person.phone.switchTo('Generic Test Profile');
  await expect(person.phone.switchOf('Generic Test Profile')).toBeChecked();
  await person.hideNumbers(false);
  await person.network.go();
  await expect(person.network.section).toContainText(imsi);
  await expect(person.phone.service('voice')).toContainText('works');
});
