// What the bench breaks: each ready fault, with the words and the code that it leads to and the try after
// it; faults of one's own; the card, its power and its memory; messages that are edited on their way.
import { HTTP_ERROR, type Operator, type Person, expect, test } from './laboratory';

// What the bench breaks, the browser may see too.
test.beforeEach(({ watch }) => watch.excuse(HTTP_ERROR));

/** A ready fault, and what comes of it. */
interface Fault {
  /** In what it strikes. */
  in: 'download' | 'install' | 'switch' | 'attach';
  /** What the phone then says; nothing where it goes well all the same. */
  says?: RegExp;
  /** The code behind it: of the notice, or of the message where the phone has no notice. */
  code: RegExp;
  /** What is done before, with the fault armed already. */
  first?: (person: Person, code: string) => Promise<void>;
  /** The try after it, without the fault; else the same once more. */
  then?: (person: Person, order: { code: string; name: string }, operator: Operator) => Promise<void>;
}

/** Looks at an offer, and puts it off. */
async function lookAt({ phone }: Person, code: string): Promise<void> {
  await phone.enter(code);
  await phone.dialog.getByRole('button', { name: 'Not now' }).click();
  await expect(phone.notice).toContainText('stopped');
  await phone.idle();
}

/** Attaches with what is on. */
async function attach({ page, phone, network, bench }: Person): Promise<void> {
  await network.go();
  await page.getByRole('button', { name: 'Attach again' }).click();
  await phone.idle();
  await bench.go();
}

/** What is interrupted goes on: the person may be asked again. */
async function goesOn({ phone }: Person, name: string): Promise<void> {
  await expect(phone.install.or(phone.switchOf(name)).first()).toBeVisible();
  if (await phone.install.isVisible()) await phone.install.click();
  await expect(phone.switchOf(name)).toBeVisible();
  await phone.settled();
}

const FAULTS: Record<string, Fault> = {
  'lost-request': { in: 'download', says: /SM-DP\+ .*(not|lost)|reach/, code: /dropped the request of ES9\+\.InitiateAuthentication/ },
  'server-signature': { in: 'download', says: /The server's signature is wrong\./, code: /AuthenticateErrorCode\(2, INVALID_SIGNATURE\)/ },
  'server-certificate': { in: 'download', says: /The server's certificate is (wrong|not valid)|certificate/, code: /AuthenticateErrorCode\(1, INVALID_CERTIFICATE\)/ },
  'replayed-challenge': { in: 'download', first: lookAt, says: /answered to another question than the chip's/, code: /AuthenticateErrorCode\(6, EUICC_CHALLENGE_MISMATCH\)/ },
  // The corrupted byte is in the last certificate of the answer, the manufacturer's.
  'chip-signature': { in: 'download', says: /chip|eUICC/, code: /8\.1\.2 \/ reason 6\.1/ },
  'expired-certificate': { in: 'download', says: /The chip's certificate has expired\./, code: /8\.1\.3 \/ reason 6\.3/ },
  'server-error': { in: 'download', says: /server/, code: /503/ },
  'lost-package': {
    in: 'install', says: /answer|reach|lost/, code: /dropped the answer of ES9\+\.GetBoundProfilePackage/,
    then: async (person, { name }) => {
      await person.phone.notice.getByRole('button', { name: 'Try again' }).click();
      await goesOn(person, name);
    },
  },
  'corrupt-segment': {
    in: 'install', says: /The profile was damaged on its way; the chip is as it was before\./, code: /ErrorReason\(8, SCP03T_SECURITY_ERROR\)/,
    // The order is used up, as was said.
    then: async ({ phone }, { code }, operator) => {
      await phone.enter(code);
      await expect(phone.notice).toHaveAttribute('role', 'alert');
      await phone.idle();
      await phone.fetch((await operator.order('Ordered again')).code);
    },
  },
  'pull-in-install': {
    in: 'install', says: /chip|card/, code: /the card is pulled/,
    then: async (person, { name }) => {
      await person.bench.reset();
      await goesOn(person, name);
    },
  },
  'lost-switch': {
    in: 'switch', says: /chip|card/, code: /dropped the answer of ES10c\.EnableProfile/,
    // The chip has switched: the phone has asked it, and has attached with it.
    then: async ({ phone }, { name }) => {
      await expect(phone.switchOf(name)).toBeChecked();
      await expect(phone.operator).toHaveText('Story Mobile');
      await phone.switchTo('Setup');
    },
  },
  'refused-switch': {
    in: 'switch', says: /chip|card/, code: /69 ?85/,
    then: async ({ phone }, { name }) => {
      await expect(phone.switchOf(name)).toBeChecked();
      await expect(phone.operator).toHaveText('Story Mobile');
      await phone.switchTo('Setup');
    },
  },
  'no-notifications': {
    in: 'install', code: /dropped the request of ES9\+\.HandleNotification/,
    then: async ({ page, phone }) => {
      await expect(phone.kept).toHaveCount(1);
      await phone.notifications.getByRole('button', { name: 'Send all' }).click();
      await expect(phone.kept).toHaveCount(0);
      await expect(page.getByRole('button', { name: 'Send all' })).toHaveCount(0);
    },
  },
  'aka-mac': { in: 'attach', says: /does not know|authenticate|network/, code: /98 ?62/ },
  'aka-sqn': { in: 'attach', code: /gave it to the card twice/ },
  'aka-res': { in: 'attach', first: attach, says: /answer is wrong/, code: /answer of the call before/ },
  'no-network': { in: 'attach', says: /dropped the answer/, code: /dropped the answer of Network\.Attach/ },
  'slow-server': { in: 'install', code: /held it for 2000 ms/, then: async () => {} },
};

test('every ready fault has a story here', async ({ person }) => {
  await person.open('#bench');
  expect((await person.bench.ready()).sort()).toEqual(Object.keys(FAULTS).sort());
});

for (const [id, fault] of Object.entries(FAULTS)) {
  test(`${id}: what comes of it, and the try after it`, async ({ person, operator, page }) => {
    const { phone, bench, trace } = person;
    const order = await operator.order('Broken');
    await person.open('#bench');
    if (fault.in === 'switch') await phone.fetch(order.code);
    await bench.arm(id);
    await fault.first?.(person, order.code);

    const attempt = async () => {
      if (fault.in === 'attach') return attach(person);
      if (fault.in === 'switch') return phone.switchOf(order.name).click();
      await phone.enter(order.code);
      if (fault.in === 'install') await phone.install.click();
    };
    await attempt();
    if (fault.says && fault.in === 'attach') {
      await expect(phone.operator).toContainText('no service');
      await expect(page.getByTestId('status')).toContainText(fault.says);
    } else if (fault.says) {
      await expect(phone.notice).toHaveAttribute('role', 'alert');
      await expect(phone.notice).toContainText(fault.says);
      await phone.idle();
      await phone.showCodes();
      await expect(phone.notice).toContainText(fault.code);
    } else if (fault.in === 'install') {
      await expect(phone.notice).toContainText('is installed');
    }
    await phone.idle();
    await bench.part('faults');
    await expect(bench.armed).toContainText(/struck [1-9]/);
    if (fault.in === 'attach' || !fault.says) {
      // The phone shows no code of these: the message does.
      await trace.go();
      const noted = trace.messages.filter({ hasText: fault.code });
      await expect(noted.first()).toBeVisible();
      await bench.go();
    }
    if (!fault.says) await expect(phone.operator).toHaveText('Bootstrap');

    if (id !== 'lost-package') await bench.clear();
    if (fault.then) await fault.then(person, order, operator);
    else if (fault.in === 'attach') {
      await attach(person);
      await expect(phone.operator).toHaveText('Bootstrap');
    } else await phone.fetch(order.code);
  });
}

test('an old challenge makes the network take the card’s number over', async ({ person, page }) => {
  const { phone, bench, trace, network } = person;
  await person.open('#bench');
  await bench.arm('aka-sqn');
  await network.go();
  await page.getByRole('button', { name: 'Attach again' }).click();
  await phone.idle();
  await expect(phone.operator).toHaveText('Bootstrap');
  await trace.go();
  // 3GPP TS 31.102 §7.1.2: DC and AUTS; then a second challenge, which is answered with DB.
  const challenges = (await trace.find('AUTHENTICATE')) && trace.message('AUTHENTICATE');
  await expect(challenges).toHaveCount(3);
  await challenges.nth(1).getByRole('link').click();
  await expect(trace.side('Response')).toContainText(/AUTS/);
  await challenges.nth(2).getByRole('link').click();
  await expect(trace.side('Response')).not.toContainText(/AUTS/);
});

test('a fault of one’s own strikes the segment that was named, or the message', async ({ person, operator }) => {
  const { phone, bench } = person;
  const order = await operator.order('Segment');
  await person.open('#bench');
  const part = await bench.part('faults');
  await part.getByText('A fault of your own').click();
  await part.getByLabel('Function').fill('ES10b.LoadBoundProfilePackage');
  await part.getByLabel('Way').selectOption('request');
  await part.getByLabel('From message number').fill('nine');
  await part.getByLabel('What is done').selectOption('corrupt');
  await part.getByRole('button', { name: 'Arm this fault' }).click();
  await expect(part.getByRole('alert')).toContainText('A number is missing or too large.');
  await part.getByLabel('From message number').fill('9');
  await part.getByLabel('Count segments of a package, not commands').check();
  await part.getByRole('button', { name: 'Arm this fault' }).click();
  await expect(part.getByRole('alert')).toHaveCount(0);
  await expect(bench.armed).toContainText('segment 9');
  await phone.enter(order.code);
  await phone.install.click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await expect(bench.armed).toContainText('met 9, struck 1');
  await expect(phone.profiles).toHaveCount(1);
  await phone.idle();
  await bench.clear();

  // The second message only: the first goes well.
  const next = await operator.order('Second');
  await part.getByLabel('Function').fill('ES9+.AuthenticateClient');
  await part.getByLabel('Way').selectOption('answer');
  await part.getByLabel('From message number').fill('2');
  await part.getByLabel('What is done').selectOption('http');
  await part.getByLabel('HTTP status, e.g. 503').fill('500');
  await part.getByLabel('Count segments of a package, not commands').uncheck();
  await part.getByRole('button', { name: 'Arm this fault' }).click();
  await lookAt(person, next.code);
  await expect(bench.armed).toContainText('met 1, struck 0');
  await phone.enter(next.code);
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await expect(bench.armed).toContainText('met 2, struck 1');
  await phone.idle();
  await phone.fetch(next.code);
  await expect(bench.armed).toContainText('met 3, struck 1');
});

test('the card is pulled and put back, and its memory is kept and put back', async ({ person, operator }) => {
  const { phone, bench } = person;
  const order = await operator.order('Carded');
  await person.open('#bench');
  await bench.part('faults');
  const { card } = bench;
  const back = card.getByRole('button', { name: 'Put the kept memory back' });
  await expect(back).toBeDisabled();
  await card.getByRole('button', { name: 'Keep its memory' }).click();
  await expect(card.getByRole('status')).toContainText('The chip’s memory is kept:');
  await phone.fetch(order.code);
  await back.click();
  await expect(phone.profiles).toHaveCount(1);
  await phone.settled();

  await card.getByRole('button', { name: 'Pull the card' }).click();
  await phone.switchOf('Setup').click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.showCodes();
  await expect(phone.notice).toContainText('the card is pulled');
  await phone.idle();
  await person.inOrder('the card is pulled');
  await card.getByRole('button', { name: 'Put the card back' }).click();
  await expect(card.getByRole('button', { name: 'Pull the card' })).toBeVisible();
  await bench.reset();
  await phone.settled();
  await expect(phone.operator).toHaveText('Bootstrap');
  await phone.switchOff('Setup');
});

test('a card that is gone when the person refuses signs it when it is back', async ({ person, operator }) => {
  const { phone, bench } = person;
  const order = await operator.order('Unsigned');
  await person.open('#bench');
  await bench.part('faults');
  const pull = bench.card.getByRole('button', { name: 'Pull the card' });
  await phone.enter(order.code);
  await expect(phone.dialog).toContainText(order.name);
  // The dialog stands before the bench, but nobody asks the dialog before pulling a card.
  await pull.evaluate((button: HTMLElement) => button.click());
  await phone.dialog.getByRole('button', { name: 'Refuse for good' }).click();
  await expect(phone.notice).toContainText('the chip was gone before it could sign it');
  await phone.idle();
  await expect(phone.untold).toHaveCount(1);
  expect((await operator.detail(order.iccid)).state).toBe('Released');

  await bench.card.getByRole('button', { name: 'Put the card back' }).click();
  await bench.reset();
  await expect(phone.untold).toHaveCount(0);
  await expect.poll(async () => (await operator.detail(order.iccid)).state).toBe('Error');
  await phone.settled();
  await expect(phone.profiles).toHaveCount(1);
});

test('power fails at a write, whole or in its middle, and the chip is as before', async ({ person }) => {
  const { phone, bench } = person;
  await person.open('#bench');
  await bench.part('faults');
  const { card } = bench;
  const at = async (write: string, torn: boolean) => {
    await card.getByLabel('Power fails at write number').fill(write);
    await card.getByLabel('Half of it is written').setChecked(torn);
    await card.getByRole('button', { name: 'Set', exact: true }).click();
  };
  await at('soon', false);
  await expect(card.getByRole('status')).toContainText('A number from 0 to 100000 is needed.');
  for (const torn of [false, true]) {
    await at('1', torn);
    await expect(card.getByRole('status')).toContainText('Power will fail at write 1 from now.');
    await person.page.getByRole('button', { name: 'Rename Setup' }).click();
    await phone.dialog.getByLabel('Name').fill('Never');
    await phone.dialog.getByRole('button', { name: 'Rename' }).click();
    await expect(phone.notice).toHaveAttribute('role', 'alert');
    await phone.idle();
    await bench.reset();
    await phone.settled();
    await expect(phone.switchOf('Setup')).toBeChecked();
    await expect(phone.operator).toHaveText('Bootstrap');
  }
  await at('1', false);
  await at('0', false);
  await expect(card.getByRole('status')).toContainText('Power lasts.');
  await phone.rename('Setup', 'Written');
});

test('another kind of chip is put in, and the one before comes back', async ({ person, operator }) => {
  const { phone, bench } = person;
  const order = await operator.order('Kinds');
  await person.open('#bench');
  await phone.fetch(order.code);
  const refused = async (kind: string, code: RegExp) => {
    await bench.putIn(kind);
    await expect(phone.profiles).toHaveCount(1);
    await phone.settled();
    const { code: fresh } = await operator.order('For another kind');
    await phone.enter(fresh);
    await expect(phone.notice).toHaveAttribute('role', 'alert');
    await phone.idle();
    await phone.showCodes();
    await expect(phone.notice).toContainText(code);
  };
  await refused('Expired certificate', /8\.1\.3 \/ reason 6\.3/);
  // What was kept when it went is the chip before.
  await bench.card.getByRole('button', { name: 'Put the kept memory back' }).click();
  await expect(phone.switchOf(order.name)).toBeVisible();
  await phone.settled();
  await refused('Certified by another issuer', /8\.8\.2 \/ reason 3\.1|8\.11\.1|8\.8\.4/);
  await bench.putIn('Without a bootstrap profile');
  await expect(phone.profiles).toHaveCount(0);
  await expect(phone.operator).toContainText('No profile');
  await phone.idle();
  await bench.putIn('As usual');
  await phone.settled();
  await expect(phone.operator).toHaveText('Bootstrap');
});

test('a command and a request are edited before they go on, and the trace tells of it', async ({ person, operator, page }) => {
  const { phone, bench, trace } = person;
  const order = await operator.order('Edited');
  await person.open('#bench');

  await test.step('a command to the chip', async () => {
    await bench.hold('ES10b.GetEUICCChallenge', 'request');
    await phone.enter(order.code);
    await expect(bench.held).toContainText('ES10b.GetEUICCChallenge');
    await expect(bench.held).toContainText('GetEuiccChallengeRequest');
    const field = bench.held.getByRole('textbox', { name: 'The message in hexadecimal' });
    const command = await field.inputValue();
    expect(command).toMatch(/BF 2E 00/);
    await field.fill('81 E2 9');
    await bench.held.getByRole('button', { name: 'Send edited' }).click();
    await expect(bench.held.getByRole('alert')).toBeVisible();
    // Another view, and back: what was written is still there.
    await person.view('chip');
    await person.view('bench');
    await bench.part('hold');
    await expect(field).toHaveValue('81 E2 9');
    // No such function.
    await field.fill(command.replace('BF 2E', 'BF 7A'));
    await person.inOrder('a command is held');
    await bench.held.getByRole('button', { name: 'Send edited' }).click();
    await expect(phone.notice).toHaveAttribute('role', 'alert');
    await phone.idle();
    await phone.showCodes();
    await expect(phone.notice).toContainText(/SW 6[A-F0-9] ?[A-F0-9]{2}/);
    await page.locator('.stops').getByRole('button', { name: 'Remove' }).click();
  });

  await test.step('a request to the server', async () => {
    await bench.hold('ES9+.AuthenticateClient', 'request');
    await phone.enter(order.code);
    const field = bench.held.getByRole('textbox', { name: 'The message’s body' });
    const body = JSON.parse(await field.inputValue());
    expect(body.transactionId).toMatch(/^[0-9A-F]+$/i);
    await field.fill(JSON.stringify({ ...body, transactionId: '00112233445566778899AABBCCDDEEFF' }));
    await bench.held.getByRole('button', { name: 'Send edited' }).click();
    await expect(phone.notice).toHaveAttribute('role', 'alert');
    await phone.idle();
    await phone.showCodes();
    await expect(phone.notice).toContainText('subject 8.10.1 / reason 3.9');
    await page.locator('.stops').getByRole('button', { name: 'Remove' }).click();
    await expect(page.locator('.stops li')).toHaveCount(0);
  });

  await trace.go();
  await page.getByRole('checkbox', { name: 'Errors only' }).check();
  await expect(trace.message('ES9+.AuthenticateClient').first()).toContainText('edited by hand');
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(trace.messages.filter({ hasText: 'edited by hand' }).first()).toBeVisible();
  await phone.fetch(order.code);
});
