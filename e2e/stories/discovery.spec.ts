// What waits for a chip is found by its EID (SGP.22 §3.6): no code, no default server.
import { HTTP_ERROR, type Person, expect, test as base } from './laboratory';
import { Smds } from './smds';

const ROOT = 'smds.example.com';
const OTHER = 'smds2.example.com';

const test = base.extend<{ smds: Smds }>({
  smds: async ({ page }, use) => {
    const smds = await Smds.at(page, ROOT, OTHER);
    await use(smds);
    await smds.stop();
  },
});

/** Names the server that is asked; back at the eSIMs afterwards. */
async function ask(person: Person, smds: string) {
  const { page, phone } = person;
  await phone.app('Settings');
  await page.getByLabel('Another discovery server (SM-DS)').fill(smds);
  await page.locator('section.settings').getByRole('button', { name: 'Save' }).click();
  await phone.app('eSIM');
}

const look = (person: Person) => person.page.getByRole('button', { name: 'Look for waiting eSIMs' });
const waiting = (person: Person) => person.page.getByRole('list', { name: 'Profiles that wait' }).getByRole('listitem');

test('what an SM-DS has for the chip is found, installed, and waits no more', async ({ person, operator, smds }) => {
  const { phone, trace } = person;
  await person.open();
  // The laboratory's chip knows no SM-DS: how to name one is told.
  await expect(look(person)).toBeDisabled();
  await expect(phone.screen).toContainText('This chip has no discovery server set; the phone’s settings can name one.');
  const eid = await person.eid();
  await ask(person, ROOT);
  await expect(phone.screen).toContainText(`Asks ${ROOT} what is announced for this chip’s EID.`);

  await look(person).click();
  await expect(phone.notice).toContainText('Nothing waits for this chip.');
  await phone.idle();

  const [one, two, foreign] = [await operator.order('One'), await operator.order('Two'), await operator.order('Foreign')];
  await smds.register(ROOT, eid, one);
  await smds.register(ROOT, eid, two);
  await smds.register(ROOT, '8'.repeat(32), foreign);
  await look(person).click();
  await expect(waiting(person)).toHaveCount(2);
  await phone.idle();
  await person.inOrder('what waits');
  await waiting(person).nth(1).getByRole('button').click();
  await expect(phone.dialog).toContainText('Two');
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
  await phone.idle();
  // One of the two is here now; that the other waits is still known.
  await expect(waiting(person)).toHaveCount(1);
  await expect(phone.profiles).toHaveCount(2);
  await expect.poll(async () => (await operator.detail(two.iccid)).state).toBe('Installed');
  expect((await operator.detail(one.iccid)).state).toBe('Released');

  // A person who says no has it wait on.
  await waiting(person).getByRole('button').click();
  await phone.dialog.getByRole('button', { name: 'Not now' }).click();
  await phone.idle();
  await expect(waiting(person)).toHaveCount(1);

  // Each look was two calls, of ES11, to the SM-DS and nobody else.
  const round = ['initiateAuthentication', 'authenticateClient'].map((name) => `${ROOT} ${name}`);
  expect(smds.calls).toEqual([...round, ...round]);
  await trace.go();
  for (const name of ['ES11.InitiateAuthentication', 'ES11.AuthenticateClient']) {
    await trace.page.getByRole('searchbox').fill(name);
    await expect(trace.message(name)).toHaveCount(2);
  }
  const told = await trace.read('ES11.AuthenticateClient');
  await expect(told).toContainText('eventEntries');
});

test('an event leads to another SM-DS, which has none, one or several', async ({ person, operator, smds }) => {
  const { phone } = person;
  await person.open();
  const eid = await person.eid();
  await ask(person, ROOT);
  const [one, two, beside] = [await operator.order('One'), await operator.order('Two'), await operator.order('Beside')];

  // That it had something is no longer so when it is asked.
  await smds.register(ROOT, eid, one, OTHER);
  await look(person).click();
  await expect(waiting(person)).toContainText(OTHER);
  await phone.idle();
  await waiting(person).getByRole('button').click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.showCodes();
  await expect(phone.notice).toContainText('8.9.5');
  await phone.idle();

  // One: that is downloaded at once.
  await smds.register(OTHER, eid, one);
  await smds.register(ROOT, eid, beside);
  await look(person).click();
  await expect(waiting(person)).toHaveCount(2);
  await phone.idle();
  await waiting(person).filter({ hasText: OTHER }).getByRole('button').click();
  await expect(phone.dialog).toContainText('One');
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
  await phone.idle();
  await expect(waiting(person)).toHaveCount(1);
  await expect(waiting(person)).not.toContainText(OTHER);
  await expect.poll(async () => (await operator.detail(one.iccid)).state).toBe('Installed');

  // Asked itself, the other one tells of what the operator has not taken back yet, and of a second.
  await smds.register(OTHER, eid, two);
  await ask(person, OTHER);
  await look(person).click();
  await expect(waiting(person)).toHaveCount(2);
});

test('an SM-DS that does not answer, or is none, is told, and nothing is lost', async ({ person, smds, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const { phone } = person;
  await person.open();
  // The gateway knows no way to this one.
  await ask(person, 'nobody.example.com');
  await look(person).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.showCodes();
  await phone.idle();
  // An SM-DP+ is no SM-DS: there is no ES11 there.
  await ask(person, 'smdp.example');
  await look(person).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.idle();
  // This one falls silent after its first answer.
  await ask(person, ROOT);
  await page.route(/authenticateClient$/, (route) => route.abort(), { times: 1 });
  await look(person).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.idle();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(phone.notice).toContainText('Nothing waits for this chip.');
  expect(smds.calls.filter((call) => call.endsWith('authenticateClient'))).toHaveLength(1);
  await expect(phone.profiles).toHaveCount(1);
});
