// An operator's day at the console: subscribers come in, orders go out, one is taken back.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Console, type Subscriber } from './console';
import { Person, expect, luhn, published, test } from './laboratory';

// What is refused on purpose.
test.beforeEach(({ watch }) => watch.excuse(/status of 40[13]/));

function subscribers(number: number): Subscriber[] {
  const first = Number(Date.now().toString().slice(-8)) * 10;
  return Array.from({ length: number }, (_, index) => {
    const digits = String(first + index).padStart(10, '0');
    const key = () => randomBytes(16).toString('hex');
    return { iccid: luhn(`89000004${digits}`), imsi: `00101${digits}`, k: key(), opc: key() };
  });
}

const csv = (rows: Subscriber[]) =>
  ['iccid,imsi,k,opc,spn,class,apns,defaultApn,voice,sms,data', ...rows.map(({ iccid, imsi, k, opc }) =>
    `${iccid},${imsi},${k},${opc},Console Mobile,operational,internet,internet,true,true,true`)].join('\n');

test('nobody gets in without the operator’s token', async ({ page }) => {
  const console = new Console(page);
  await page.goto('/operator/console/');
  await expect(console.token).toBeVisible();
  await console.inOrder();
  await console.enter('not-the-token');
  await expect(page.getByRole('alert')).toContainText('does not take you for the operator');
  await expect(page.getByRole('navigation', { name: 'Views' })).toHaveCount(0);
  await console.enter(process.env.OPERATOR_TOKEN!);
  await expect(console.heading).toHaveText('Orders');
  // Kept in memory only, unless it was asked for.
  await page.reload();
  await page.getByLabel('Keep it in this tab until I close it').check();
  await console.enter(process.env.OPERATOR_TOKEN!);
  await expect(console.heading).toHaveText('Orders');
  await page.reload();
  await expect(console.heading).toHaveText('Orders');
  await console.button('Sign out').click();
  await page.reload();
  await expect(console.token).toBeVisible();
  // A token that stops working in the middle leads back to the question.
  await console.enter(process.env.OPERATOR_TOKEN!);
  await page.route('**/operator/events*', (route) => route.fulfill({ status: 403, body: '{}' }));
  await console.go('Log');
  await expect(page.getByRole('alert')).toContainText('does not take you for the operator');
});

test('a console that is switched off says what is needed', async ({ page }) => {
  const console = new Console(page);
  await page.route('**/operator/health', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), operator: false } });
  });
  await page.goto('/operator/console/');
  await expect(page.getByRole('main')).toContainText('OPERATOR_TOKEN');
  await expect(console.token).toHaveCount(0);
  await console.inOrder();
});

test('subscribers become profiles, a code that a phone scans and installs, and the console follows until it is deleted', async ({ browser, page, person }) => {
  // Two pages, and everything there is between an order and its end.
  test.setTimeout(240_000);
  const console = new Console(page);
  const rows = subscribers(3);
  const faulty = { ...rows[2]!, k: 'not-a-key-but-secret' };

  await test.step('a table is looked at before it is sent, and shows no key', async () => {
    await console.open();
    await console.paste(csv([rows[0]!, rows[1]!, faulty]));
    await expect(page.getByRole('region', { name: 'The first rows' })).toContainText(rows[0]!.iccid);
    await expect(page.getByText('Row 3: K must be hexadecimal')).toBeVisible();
    const shown = await page.content();
    for (const { k, opc } of [rows[0]!, rows[1]!, faulty]) for (const key of [k, opc]) expect(shown).not.toContain(key);
    await console.inOrder();
    await page.getByLabel('Profile type').selectOption('operational');
    await expect(console.button('Send 2 subscribers')).toBeDisabled();
    await page.getByLabel('Leave these rows out').check();
    await console.button('Send 2 subscribers').click();
    await expect(page.getByText('Done: 2 created, 0 replaced, 0 failed, 1 left out.')).toBeVisible();
    const saved = page.waitForEvent('download');
    await console.button('Save the result as CSV').click();
    const text = readFileSync(await (await saved).path(), 'utf8');
    expect(text.split('\r\n').slice(0, 3)).toEqual([
      'row,iccid,status,detail', `1,${rows[0]!.iccid},created,`, `2,${rows[1]!.iccid},created,`,
    ]);
  });

  const { iccid } = rows[0]!;
  const code = await test.step('it is ordered, and the picture says what the text says', async () => {
    await console.order([iccid]);
    await console.inOrder();
    await console.look(iccid);
    const code = (await console.code.textContent())!;
    expect(code).toMatch(/^LPA:1\$smdp\.example\$[0-9A-Z-]+$/);
    expect(await console.scan(console.qr)).toBe(code);
    await expect(console.standing).toHaveAttribute('data-state', 'Released');
    await expect(console.standing, 'from now on the network serves the subscriber').toContainText('knows the subscriber');
    await expect(console.happened('ordered')).toContainText('By the operator');
    await expect(console.standing).not.toContainText('check digit');
    await console.inOrder();
    return code;
  });

  await test.step('a phone installs it, and the console sees it without being asked', async () => {
    await person.page.bringToFront();
    const phone = await browser.newContext({ baseURL: new URL(page.url()).origin });
    const other = await phone.newPage();
    const carrier = new Person(other);
    await carrier.open();
    await carrier.phone.fetch(code);
    await expect(console.standing).toHaveAttribute('data-state', 'Installed');
    const notified = page.getByRole('region', { name: 'Notifications received' });
    await expect(notified).toContainText('Installed on the eUICC');
    await carrier.chip.go();
    await carrier.hideNumbers(false);
    const eid = (await carrier.chip.eid.textContent())!.replaceAll(/\s/g, '');
    await expect(notified).toContainText(eid);
    await expect(console.happened('downloaded')).toContainText(`By eUICC ${eid}`);
    await expect(console.code).toHaveCount(0);
    await expect(console.button('Revoke the order')).toHaveCount(0);
    await console.inOrder();

    // What the person does with it comes by notifications; acknowledged ones wait no more.
    await expect(carrier.phone.kept).toHaveCount(0);
    // The table names none: it has that of its type.
    const name = 'operational';
    const steps = [
      ['enabled', 'Installed', () => carrier.phone.switchTo(name)],
      ['disabled', 'Installed', () => carrier.phone.switchTo('Setup')],
      ['deleted', 'Deleted', () => carrier.phone.delete(name)],
    ] as const;
    for (const [event, state, act] of steps) {
      await act();
      await expect(notified.locator('li').first()).toHaveAttribute('data-event', event);
      await expect(console.standing).toHaveAttribute('data-state', state);
      await expect(carrier.phone.kept).toHaveCount(0);
    }
    await console.inOrder();
    await phone.close();
  });
});

test('an order is revoked after saying what is lost, and its code works no more', async ({ page, context }) => {
  const console = new Console(page);
  const [row] = subscribers(1);
  // Its last digit is the check digit: another one looks mistyped, and is not refused.
  row!.iccid = row!.iccid.slice(0, -1) + (Number(row!.iccid.at(-1)) + 1) % 10;
  await console.open();
  await console.paste(csv([row!]));
  await page.getByLabel('Profile type').selectOption('operational');
  await console.button('Send 1 subscriber').click();
  await expect(page.getByText('Done: 1 created')).toBeVisible();
  await console.order([row!.iccid]);
  await console.look(row!.iccid);
  await expect(console.standing).toContainText('The check digit of the ICCID is wrong.');
  const code = (await console.code.textContent())!;

  await console.button('Revoke the order').click();
  await expect(console.dialog).toContainText(code);
  await console.inOrder();
  await page.keyboard.press('Escape');
  await expect(console.dialog).toHaveCount(0);
  await expect(console.button('Revoke the order')).toBeFocused();
  await page.keyboard.press('Enter');
  await console.dialog.getByLabel('Unavailable').check();
  await console.dialog.getByRole('button', { name: 'Revoke it' }).click();
  await expect(console.standing).toHaveAttribute('data-state', 'Unavailable');
  await expect(console.code).toHaveCount(0);

  const person = new Person(await context.newPage());
  await person.open();
  await person.phone.enter(code);
  await expect(person.phone.notice).toHaveAttribute('role', 'alert');

  await page.bringToFront();
  await console.go('Log');
  const cancelled = page.locator('tr[data-event=orderCancelled]').filter({ hasText: row!.iccid.slice(-6) });
  await expect(cancelled).toContainText('By the operator');
  await console.look(row!.iccid);
  await console.button('Delete the profile').click();
  await console.dialog.getByRole('button', { name: 'Delete it' }).click();
  await expect(console.heading).toHaveText('Orders');
});

test('many are ordered at once and printed, and only the codes are on paper', async ({ page }) => {
  const console = new Console(page);
  const rows = subscribers(4);
  await console.open();
  await console.paste(csv(rows));
  await page.getByLabel('Profile type').selectOption('operational');
  await console.button('Send 4 subscribers').click();
  await expect(page.getByText('Done: 4 created')).toBeVisible();
  await console.order(rows.slice(0, 3).map(({ iccid }) => iccid));
  await expect(page.getByText('Made: 3 orders.')).toBeVisible();
  await page.getByLabel(/Print .* ICCID/).nth(1).uncheck();
  await expect(console.button('Print 2 codes')).toBeEnabled();
  await console.inOrder();

  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ media: 'print' });
  await expect(page.locator('.label:visible')).toHaveCount(2);
  await expect(page.getByRole('button')).toHaveCount(0);
  const labels = await page.locator('.label:visible').all();
  for (const label of labels) {
    const text = await label.locator('.codetext').textContent();
    expect(await console.scan(label.getByRole('img'))).toBe(text);
  }
  await page.emulateMedia({ media: null });

  // The same codes, found by a filter.
  await console.go('QR sheet');
  await page.getByLabel('ICCID or matching id').fill(rows[0]!.iccid);
  await page.getByRole('search').getByRole('button', { name: 'Filter' }).click();
  await expect(console.button('Print 1 code')).toBeEnabled();
  await console.inOrder();
  // What was ordered already is refused in words, and the codes stand beside them.
  await console.order([rows[0]!.iccid]);
  await expect(page.getByRole('table')).toContainText('has an order already');
  await expect(page.getByRole('table')).toContainText(/subject 8\.2\.1 \/ reason 3\.3/);
});

test('a published package becomes a profile type, and profiles are made of it', async ({ page }) => {
  const file = 'ts48-v7/TS48v7_eSIM_GTP_SAIP2.3_NoBERTLV.der';
  const bytes = published(file);
  test.skip(!bytes, `${file} is not present`);
  const console = new Console(page);
  const name = `Story type ${Date.now()} <b>&/`;
  const choose = (name: string, buffer: Buffer) =>
    page.getByLabel('Unprotected profile package (DER)').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  await console.open();
  await console.go('Profile types');
  await page.getByRole('link', { name: 'New profile type' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  // Of class test it could not take the subscribers' keys.
  await page.getByLabel('Class').selectOption('operational');
  await page.getByLabel('Operator', { exact: true }).fill('GSMA TS.48');
  await page.getByLabel('Profile name').fill('Generic Test Profile');
  await choose('profile.txt', Buffer.from('-----BEGIN'));
  await expect(page.getByText('This is a text: choose the package in DER')).toBeVisible();
  await choose('profile.der', bytes!);
  await expect(page.getByText('Read: profile.der')).toBeVisible();
  await page.getByText('What device and eUICC must have').click();
  await page.getByLabel('Type allocation codes').fill('35290611, 86');
  await page.getByLabel('E-UTRAN', { exact: true }).fill('9');
  await console.inOrder();
  await console.button('Upload').click();

  await expect(console.heading).toHaveText(`Profile type ${name}`);
  const facts = page.getByRole('main');
  for (const words of ['uploaded', 'Keys and algorithm', '35290611, 86', 'E-UTRAN from release 9']) await expect(facts).toContainText(words);
  await console.inOrder();

  const [row] = subscribers(1);
  // The package is one of the test algorithm: K is all it takes.
  await console.paste(csv([row!]).replace('opc,spn', 'opc,msisdn').replace('Console Mobile', ''));
  await page.getByLabel('Profile type').selectOption(name);
  await console.button('Send 1 subscriber').click();
  await expect(page.getByText('Done: 1 created')).toBeVisible();
  await page.getByRole('link', { name: 'Order some' }).click();
  await expect(page.getByLabel('Profile type')).toHaveValue(name);
  await console.button('Order').click();
  await expect(page.getByText('Made: 1 order.')).toBeVisible();

  await page.evaluate((to) => { location.hash = to; }, `#/types/${encodeURIComponent(name)}`);
  await console.button('Delete the type').click();
  await expect(console.dialog).toContainText(name);
  await console.dialog.getByRole('button', { name: 'Delete it' }).click();
  await expect(console.heading).toHaveText('Profile types');
  await expect(page.getByRole('link', { name })).toHaveCount(0);
});

test('every other view is in order', async ({ page }) => {
  const console = new Console(page);
  await console.open();
  await console.inOrder();
  for (const name of ['Log', 'Profile types', 'Health', 'New order', 'Batch']) {
    await console.go(name);
    await expect(console.heading).toBeFocused();
    await expect(page.getByText('Loading …')).toHaveCount(0);
    await console.inOrder();
  }
  for (const hash of ['#/log/notifications', '#/log/outbox', '#/types/operational', '#/new-type', '#/nowhere']) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await expect(page.getByText('Loading …')).toHaveCount(0);
    await console.inOrder();
  }
});
