// What is looked at beside the phone, each as everybody meets it: accessible, as wide as the screen, and saying
// what it is about.
import { X509Certificate } from 'node:crypto';
import { HTTP_ERROR, expect, test } from './laboratory';

test('the chip’s certificates and the rules of its profiles', async ({ person, operator, page, request }) => {
  const { phone, chip } = person;
  const order = await operator.order('Ruled', { rules: ['ppr1', 'ppr2'] });
  await person.open('#chip');
  const certificates = chip.section.getByTestId('certificates');
  await certificates.locator('summary').click();
  await expect(certificates).toContainText('begin to add an eSIM');
  await phone.enter(order.code);
  await phone.dialog.getByRole('checkbox', { name: 'I agree to these rules.' }).check();
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
  await phone.settled();

  // What the laboratory has made the chip with, read by another program.
  const made = await (await request.get('/lab/chip.json')).json();
  for (const [testid, member] of [['euicc-certificate', 'euiccCertificate'], ['eum-certificate', 'eumCertificate']] as const) {
    const shown = certificates.getByTestId(testid);
    const published = new X509Certificate(Buffer.from(made[member], 'base64'));
    await expect(shown).toContainText(new RegExp(published.serialNumber, 'i'));
    const common = /CN=(.*)/.exec(published.subject)![1]!;
    await expect(shown).toContainText(common);
    await expect(shown).toContainText(/CN=(.*)/.exec(published.issuer)![1]!);
    for (const day of [published.validFrom, published.validTo]) {
      await expect(shown).toContainText(new Date(day).toISOString().slice(0, 10));
    }
    await expect(shown).toContainText(published.publicKey.asymmetricKeyDetails!.namedCurve === 'prime256v1' ? 'P-256' : 'brainpool');
    await expect(shown).toContainText(member === 'euiccCertificate' ? 'euicc' : 'eum');
  }
  await expect(certificates).not.toContainText(made.eid);
  await person.hideNumbers(false);
  await expect(certificates.getByTestId('euicc-certificate')).toContainText(made.eid.replaceAll(/(.{4})(?=.)/g, '$1 '));
  await person.hideNumbers(true);

  const listed = chip.section.getByTestId('chip-profiles').locator('.on-chip > li');
  await expect(listed).toHaveCount(2);
  await expect(listed.filter({ hasText: order.name })).toContainText('It cannot be switched off');
  await expect(listed.filter({ hasText: order.name })).toContainText('It cannot be deleted.');
  await expect(listed.filter({ hasText: 'Setup' })).toContainText(/Policy rules\s*none/);
  await person.inOrder('certificates and rules');

  // Kept with the chip, and gone with it.
  await person.reload();
  await certificates.locator('summary').click();
  await expect(certificates.getByTestId('eum-certificate')).toBeVisible();
  await chip.replace();
  await phone.settled();
  await expect(certificates).toContainText('begin to add an eSIM');
});

test('the network’s own log tells what its gateway let through', async ({ person, operator, page }) => {
  const { phone, network } = person;
  const order = await operator.order('Logged');
  await person.open('#network');
  await phone.fetch(order.code);
  await phone.app('Web');
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await expect(page.getByTestId('refused-page')).toBeVisible();
  const log = network.section.getByRole('region', { name: 'The network’s own log' });
  await expect(log.getByRole('row').filter({ hasText: 'example.com' }).first()).toContainText('refused');
  await expect(log.getByRole('row').filter({ hasText: 'smdp.example' }).first()).toContainText('permitted');
  await expect(log.getByRole('columnheader')).toHaveText(['Time', 'Asked', 'Verdict', 'Because']);
  await log.scrollIntoViewIfNeeded();
  await person.inOrder('the network’s own log');
});

test('a short message is refused before there is a contract, and goes out after', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Short');
  await person.open();
  const send = async () => {
    await phone.app('SMS');
    await page.getByLabel('To', { exact: true }).fill('+15550101');
    await page.getByLabel('Message', { exact: true }).fill('Hello');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
  };
  await phone.app('SMS');
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeDisabled();
  await send();
  await expect(phone.notice).toContainText('not yet under contract');
  await person.inOrder('a message that is refused');
  await phone.app('eSIM');
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await send();
  await expect(phone.notice).toHaveAttribute('role', 'status');
});

test('every app of the phone is in order', async ({ person }) => {
  test.setTimeout(180_000);
  await person.open();
  for (const app of ['Calls', 'SMS', 'Web', 'Settings', 'eSIM'] as const) {
    await person.phone.app(app);
    await person.inOrder(`the app ${app}`);
  }
});

test('the diagram of an install is in order, and so is the dialog that saves', async ({ person, operator, page }) => {
  const { phone, trace } = person;
  const order = await operator.order('Drawn');
  await person.open('#trace');
  await phone.fetch(order.code);
  await trace.as('Diagram');
  await expect(trace.messages.first()).toBeVisible();
  await person.inOrder('the diagram');
  await trace.as('List');
  await page.getByRole('button', { name: 'Save…' }).click();
  await expect(page.getByRole('dialog')).toContainText('keys and PINs are masked');
  await person.inOrder('the dialog that saves');
  await page.getByRole('checkbox', { name: 'With real numbers' }).check();
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Keys and PINs stay masked.');
  await person.inOrder('the dialog that saves, with real numbers');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
});

test('the second tab tells in order where the chip is', async ({ person, page, context }) => {
  await person.open();
  const second = await context.newPage();
  await second.goto('/');
  await expect(second.getByRole('alert')).toContainText('The chip is in use in another tab.');
  const there = new (person.constructor as typeof import('./person').Person)(second);
  await there.inOrder('the banner of the second tab');
  await there.speak('ja');
  await expect(second.getByRole('alert')).toContainText('チップは別のタブで使われています。');
});

test('a text file of messages is opened, and compared with what happens now', async ({ person, operator, page }) => {
  const { phone, trace } = person;
  const [one, two] = [await operator.order('Before'), await operator.order('After')];
  await person.open('#trace');
  await phone.fetch(one.code);
  const text = await trace.save('Text');
  const json = await trace.save('JSON');
  await trace.openFile({ name: 'trace.txt', mimeType: 'text/plain', buffer: text.bytes });
  await expect(trace.saved).toContainText('trace.txt');
  await expect(await trace.find('ES10b.LoadBoundProfilePackage')).toBeVisible();
  const detail = await trace.read('ES10b.GetEUICCChallenge');
  await expect(detail.getByRole('treeitem').filter({ hasText: /^euiccChallenge/ })).toBeVisible();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'Back to the live messages' }).click();

  // Afterwards the live messages are those of the file and more.
  await phone.fetch(two.code);
  await phone.enter(two.code);
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.idle();
  await trace.openFile({ name: 'trace.json', mimeType: 'application/json', buffer: json.bytes });
  const compare = page.getByRole('button', { name: 'Compare with the live messages' });
  await compare.click();
  const comparison = page.getByTestId('comparison');
  await expect(comparison.locator('caption')).toContainText(/\d+ functions, [1-9]\d* of them/);
  await expect(comparison.locator('tr[data-change="added"]').first()).toContainText('only live');
  await expect(comparison.locator('tr[data-change="same"], tr[data-change="bytes"]').first()).toBeVisible();
  await expect(comparison.locator('tr[data-change="removed"]')).toHaveCount(0);
  await person.inOrder('a comparison');
  await compare.click();
  await expect(comparison).toHaveCount(0);
});

test('all notifications go out at once when the server is there again', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const { phone } = person;
  const order = await operator.order('Sent');
  await person.open();
  await phone.fetch(order.code);
  await page.route('**/handleNotification', (route) => route.fulfill({ status: 503, body: '' }));
  await phone.switchTo(order.name);
  await phone.switchTo('Setup');
  await expect(phone.kept).toHaveCount(2);
  const all = phone.notifications.getByRole('button', { name: 'Send all' });
  // In vain first: they stay.
  await all.click();
  await phone.idle();
  await expect(phone.kept).toHaveCount(2);
  await page.unroute('**/handleNotification');
  await all.click();
  await expect(phone.kept).toHaveCount(0);
  await expect(all).toHaveCount(0);
  const events = async () => (await operator.detail(order.iccid)).notifications.map(({ event }: { event: string }) => event);
  await expect.poll(events).toEqual(['installed', 'enabled', 'disabled']);
});

test('the APN and whether the LPA proves who it is are kept @core', async ({ person, page }) => {
  const { phone, network } = person;
  await person.open('#network');
  await network.attachWith('kept.example');
  await expect(network.apnAsked).toHaveText('kept.example');
  await phone.idle();
  await phone.app('Settings');
  await page.getByRole('checkbox', { name: 'Prove who the LPA is where a server asks for it' }).uncheck();
  await person.reload();
  await expect(network.apnAsked).toHaveText('kept.example');
  await phone.app('Settings');
  await expect(page.getByRole('checkbox', { name: 'Prove who the LPA is where a server asks for it' })).not.toBeChecked();
  await expect(page.locator('input[name="settings-apn"]')).toHaveValue('kept.example');
  await page.locator('input[name="settings-apn"]').fill('');
  await person.reload();
  await expect(network.apnAsked).not.toHaveText('kept.example');
});

test('status words and codes are said in Japanese', async ({ person, page }) => {
  const { bench, trace } = person;
  await person.open('#bench');
  await bench.send('00 A4 00 04 02 12 34');
  await person.phone.enter('LPA:1$smdp.example$NOBODY-HAS-THIS');
  await expect(person.phone.notice).toHaveAttribute('role', 'alert');
  await person.phone.idle();
  await person.speak('ja');
  await expect(bench.answers.last()).toContainText('ファイルまたはアプリケーションがない');
  await trace.go();
  await page.getByRole('searchbox').fill('ES9+.AuthenticateClient');
  await trace.message('ES9+.AuthenticateClient').last().getByRole('link').click();
  const answer = trace.detail.locator('.side[data-side="Response"]');
  await expect(answer.getByRole('treeitem').filter({ hasText: 'Matching ID が不明、または使用済み' })).toBeVisible();
});
