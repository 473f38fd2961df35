// The bench: scenarios, faults, messages held and edited, commands by hand, the session as a file.
import { HTTP_ERROR, Person, Watch, expect, test } from './laboratory';

// What the bench breaks, the browser may see too.
test.beforeEach(({ watch }) => watch.excuse(HTTP_ERROR));

test('every scenario comes out as predicted', async ({ person, page }) => {
  test.setTimeout(300_000);
  await person.open('#bench');
  const ids = await page.locator('[data-scenario]').evaluateAll((buttons) => buttons.map((one) => (one as HTMLElement).dataset.scenario!));
  expect(ids.length).toBeGreaterThanOrEqual(10);
  for (const id of ids) {
    await test.step(id, async () => {
      await person.bench.run(id);
      await expect.soft(person.bench.verdict.locator('.said'), id).not.toHaveClass(/wrong/);
      await expect.soft(person.bench.section.locator('.steps-of [data-state="bad"]'), id).toHaveCount(0);
    });
  }
  await person.inOrder('the bench after a scenario');
});

test('a link shows a scenario', async ({ person, page }) => {
  await person.open('#bench?scenario=lost-package');
  await expect(page.locator('[data-scenario="lost-package"]')).toHaveAttribute('aria-pressed', 'true');
});

test('a fault strikes, is counted and told of in the messages, and is taken away', async ({ person, operator, page }) => {
  const { phone, bench, trace } = person;
  const order = await operator.order('Struck');
  await person.open('#bench');
  const part = await bench.part('faults');
  await part.getByText('A fault of your own').click();
  await part.getByLabel('Function').fill('ES9+.InitiateAuthentication');
  await part.getByLabel('Way').selectOption('answer');
  await part.getByLabel('What is done').selectOption('drop');
  await part.getByRole('button', { name: 'Arm this fault' }).click();
  await expect(bench.armed).toHaveCount(1);
  await phone.enter(order.code);
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await expect(bench.armed).toContainText('met 1, struck 1');
  await expect(bench.armed.getByTestId('observed')).not.toBeEmpty();
  await person.inOrder('the bench with a fault');
  await trace.go();
  await page.getByRole('checkbox', { name: 'Errors only' }).check();
  await expect(trace.message('ES9+.InitiateAuthentication')).toContainText('bench');
  await bench.go();
  await bench.part('faults');
  await page.getByRole('button', { name: 'Take all faults away' }).click();
  await expect(bench.armed).toHaveCount(0);
  await phone.fetch(order.code);
});

test('a message is held, read, edited and sent on; and one is dropped', async ({ person, operator, page }) => {
  const { phone, bench } = person;
  const order = await operator.order('Held');
  await person.open('#bench');
  await bench.hold('ES9+.AuthenticateClient', 'answer');
  await person.phone.enter(order.code);
  await expect(bench.held).toContainText('ES9+.AuthenticateClient');
  await person.view('chip');
  await expect(page.getByTestId('held-banner')).toContainText('waits until you let it go on');
  await person.view('bench');
  await bench.part('hold');
  await person.inOrder('a message is held');
  // The server's answer becomes a refusal.
  await bench.held.getByRole('textbox').fill(JSON.stringify({
    header: { functionExecutionStatus: { status: 'Failed', statusCodeData: { subjectCode: '8.2.6', reasonCode: '3.8', message: 'edited' } } },
  }));
  await bench.held.getByRole('button', { name: 'Send edited' }).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await expect(phone.notice).toContainText('activation code');
  await phone.idle();

  await phone.enter(order.code);
  await bench.held.getByRole('button', { name: 'Drop', exact: true }).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.idle();

  await phone.enter(order.code);
  await bench.held.getByRole('button', { name: 'Send as it is' }).click();
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
});

test('commands are sent by hand and their answers explained', async ({ person, page }) => {
  const { bench } = person;
  await person.open('#bench');
  const part = await bench.part('apdu');
  await bench.send('00 A4 00 04 02 3F 00', '00A4 0004 02 6F07');
  await expect(bench.answers.filter({ hasText: '3F 00' }).first()).toContainText(/90 00|61/);
  await part.getByText('Build a command from its fields').click();
  await part.getByLabel('CLA').fill('00');
  await part.getByLabel('INS').fill('B0');
  await part.getByTestId('apdu-lines').fill('');
  await part.getByRole('button', { name: 'Add to the commands' }).click();
  await expect(part.getByTestId('apdu-lines')).toHaveValue(/^00 B0 00 04/);
  await part.getByTestId('apdu-lines').fill('00 A4 0');
  await part.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(part.getByRole('alert')).toBeVisible();
  await person.inOrder('commands by hand');
  await person.trace.go();
  await expect(person.trace.messages.last()).toBeVisible();
});

test('the whole session is saved, and goes on in another browser', async ({ person, operator, browser, baseURL, page }) => {
  const [order, wrist] = [await operator.order('Carried'), await operator.order('Worn')];
  await person.open('#network');
  await person.phone.fetch(order.code);
  await person.phone.switchTo(order.name);
  await person.network.attachWith('internet');
  await expect(person.network.apnAsked).toHaveText('internet');
  await person.phone.idle();
  // A watch with a profile of its own, and faults: a ready one and one of one's own.
  await page.getByRole('button', { name: 'Add a watch' }).click();
  await person.phone.idle();
  await person.phone.fetch(wrist.code);
  await person.bench.go();
  await person.bench.arm('server-error');
  const part = await person.bench.part('faults');
  await part.getByText('A fault of your own').click();
  await part.getByLabel('Function').fill('ES10c.');
  await part.getByLabel('From message number').fill('77');
  await part.getByRole('button', { name: 'Arm this fault' }).click();
  await expect(person.bench.armed).toHaveCount(2);
  const { name, bytes } = await person.bench.save();
  expect(name).toMatch(/\.json$/);

  const context = await browser.newContext({ baseURL, acceptDownloads: true });
  try {
    const watch = new Watch(new URL(baseURL!).origin);
    watch.excuse(HTTP_ERROR);
    await watch.listen(context);
    const other = new Person(await context.newPage());
    await other.open('#bench');
    await expect(other.phone.profiles).toHaveCount(1);
    await other.bench.part('session');
    const input = other.page.getByTestId('session-file');
    await input.setInputFiles({ name: 'none.json', mimeType: 'application/json', buffer: Buffer.from('{"format":"other"}') });
    await expect(other.page.getByTestId('session-said')).toContainText('Nothing was changed.');
    await input.setInputFiles({ name, mimeType: 'application/json', buffer: bytes });
    await expect(other.phone.notice).toContainText('The session has a watch, and here is none.');
    await expect(other.phone.profiles).toHaveCount(1);
    await other.page.getByRole('button', { name: 'Add a watch' }).click();
    await other.phone.idle();
    await input.setInputFiles({ name, mimeType: 'application/json', buffer: bytes });
    await expect(other.phone.notice).toContainText('The session is open.');
    await other.phone.idle();
    await other.phone.manage('This phone');
    await expect(other.phone.switchOf(order.name)).toBeChecked();
    await other.phone.settled();
    await expect(other.phone.operator).toHaveText(order.provider);
    await other.phone.manage('The watch');
    await expect(other.phone.switchOf(wrist.name)).toBeVisible();
    await expect(other.phone.profiles).toHaveCount(1);
    await other.phone.manage('This phone');
    await other.network.go();
    await expect(other.network.apnAsked).toHaveText('internet');
    await other.trace.go();
    await expect(await other.trace.find('ES10b.LoadBoundProfilePackage')).toBeVisible();
    // The faults are armed as they were, and strike.
    await other.bench.go();
    await other.bench.part('faults');
    await expect(other.bench.armed).toHaveCount(2);
    await expect(other.bench.armed.filter({ hasText: 'Server answers HTTP 503' })).toHaveCount(1);
    await expect(other.bench.armed.filter({ hasText: 'no. 77' })).toContainText('ES10c');
    await other.phone.enter((await operator.order('Struck there')).code);
    await expect(other.phone.notice).toHaveAttribute('role', 'alert');
    await expect(other.bench.armed.filter({ hasText: 'Server answers HTTP 503' })).toContainText('struck 1');
    await other.phone.idle();
    // It is the chip in this phone now; the own one is kept, and can be put back.
    await other.reload();
    await expect(other.phone.switchOf(order.name)).toBeChecked();
    await other.page.getByRole('button', { name: 'Put my chip back' }).click();
    await expect(other.phone.switchOf(order.name)).toHaveCount(0);
    await other.phone.settled();
    await expect(other.phone.profiles).toHaveCount(1);
    await expect(other.page.getByTestId('own-chip')).toHaveCount(0);
    expect(watch.complaints).toEqual([]);
  } finally {
    await context.close();
  }
});
