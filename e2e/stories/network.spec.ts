// The network as the phone and its operator see it: the bearer, its limits, its refusals, its policy.
import type { APIRequestContext } from '@playwright/test';
import { HTTP_ERROR, expect, test } from './laboratory';

const ES9 = 'smdp.example/gsma/rsp2/es9plus/';

test('what the LPA sends goes through the bearer, and the network keeps count of it', async ({ person, operator }) => {
  const order = await operator.order('Bearer');
  const { phone, network } = person;
  await person.open();
  await phone.fetch(order.code);
  await network.go();
  await expect(network.section.getByTestId('qos')).toContainText('QCI 9');
  await expect(network.section).toContainText('policy version');
  await expect(network.usage).toContainText('of 16.8 MB');
  await expect(network.usage.getByTestId('usage-bytes')).toContainText('kB');
  for (const call of ['initiateAuthentication', 'authenticateClient', 'getBoundProfilePackage']) {
    const row = network.log.getByRole('row', { name: `POST ${ES9}${call}` });
    await expect(row).toContainText('permitted');
    await expect(row).toContainText('sm-access');
    await expect(network.audit.getByRole('row', { name: `POST ${ES9}${call}` }).first()).toContainText('sm-access');
  }
  await expect(network.rules).toContainText('emergency calls are never refused');
});

test('each refusal is told in the policy’s own words, with what to do', async ({ person, watch }) => {
  watch.excuse(HTTP_ERROR);
  const { phone, network } = person;
  await person.open('#network');
  for (const [asked, shown] of [['wrong.example', 'wrong.example'], ['', 'none']]) {
    await network.attachWith(asked);
    await expect(network.apnAsked).toHaveText(shown);
    await expect(network.apnGiven).toHaveText('sm.provisioning');
    await phone.settled();
  }
  await expect(await network.resolve('smdp.example')).toContainText('NOERROR');
  await expect(await network.resolve('news.example')).toContainText('REFUSED');
  await expect(await network.resolve('news.example')).toContainText('not yet under contract');
  await expect(await network.resolve('smdp.example', 'ANY')).toContainText('a question for everything');
  for (const kind of ['voice', 'sms', 'data'] as const) {
    await person.view('phone');
    await phone.service(kind).getByRole('button').click();
    await expect(phone.notice).toContainText('not yet under contract');
    await phone.settled();
  }
  // A server of somebody else.
  await phone.enter('LPA:1$rsp.somebody.example$CODE');
  await expect(phone.notice).toContainText('The network does not let this through');
  await expect(phone.notice).toContainText('put the server on the list of its gateway');
  await network.go();
  await expect(network.log.getByRole('row', { name: 'rsp.somebody.example' })).toContainText('not yet under contract');
});

test('who switches is detached before the new profile is read', async ({ person, operator, request }) => {
  const order = await operator.order('Goodbye');
  const { phone, network, page } = person;
  const sessions: string[] = [];
  page.on('response', async (response) => {
    if (!/\/network\/attach\/[^/]+\/response$/.test(response.url()) || !response.ok()) return;
    const { sessionId } = await response.json();
    if (sessionId) sessions.push(sessionId);
  });
  await person.open();
  await phone.fetch(order.code);
  await expect.poll(() => sessions.length).toBe(1);
  await phone.switchTo(order.name);
  await expect(phone.service('voice')).toContainText('works');
  await expect.poll(() => sessions.length).toBe(2);

  const [provisioning, operational] = sessions;
  const gone = await request.get(`/network/sessions/${provisioning}`);
  expect(gone.status()).toBe(410);
  expect((await gone.json()).because).toContain('the terminal detached');
  expect((await request.get(`/network/sessions/${operational}`)).status()).toBe(200);
  await network.go();
  await expect(network.decisions).toContainText('the session is over');

  // And so is who switches the phone off.
  await page.getByRole('switch', { name: 'Power of the phone' }).click();
  await expect.poll(async () => (await request.get(`/network/sessions/${operational}`)).status()).toBe(410);
});

test('a subscriber that attaches elsewhere takes its session along, and the phone says so', async ({ person, operator, request, watch }) => {
  watch.excuse(HTTP_ERROR);
  // A test profile: its key is everybody's (3GPP TS 34.108).
  const order = await operator.order('Twice', { profileClass: 'test' });
  const { phone, network } = person;
  await person.open();
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await expect(phone.service('voice')).toContainText('works');
  await network.go();

  const elsewhere = await attachElsewhere(request, order.imsi);

  await expect(phone.operator).toContainText('no service');
  await expect(person.page.getByTestId('status')).toContainText('the subscriber attached again');
  await network.press('Attach again');
  await expect(phone.operator).toHaveText(order.provider);
  // Now it is the other one's that is over.
  const { sessionId } = await elsewhere.json();
  expect((await request.get(`/network/sessions/${sessionId}`)).status()).toBe(410);
});

test('the operator changes the policy during a session, tries it before, and takes it back', async ({ person, watch }) => {
  const { phone, network } = person;
  watch.excuse(HTTP_ERROR);
  await person.open('#network');
  await expect(network.apnGiven).toHaveText('sm.provisioning');
  await network.section.getByText('Edit the policy').click();
  const editor = network.section.getByLabel('Document (JSON)');
  await expect(editor).toHaveValue(/net-policy/);
  const document = JSON.parse(await editor.inputValue());

  await editor.fill('{');
  await network.press('Dry run');
  await expect(network.said).toContainText('This is no JSON');
  await editor.fill(JSON.stringify({ ...document, more: 1 }));
  await network.press('Check');
  await expect(network.said).toContainText('It can’t become the policy.');

  const rule = { name: 'messages-for-all', words: 'messages are free today', when: { question: ['sms'] }, then: { permit: {} } };
  await editor.fill(JSON.stringify({ ...document, author: 'story', note: 'free messages', rules: [rule, ...document.rules] }, null, 2));
  await network.press('Check');
  await expect(network.said).toContainText('It can become the policy.');
  await network.press('Dry run');
  // With a contract a message is permitted anyhow, but by another rule.
  await expect(network.said).toContainText('2 of 16 decisions differ.');
  await network.press('Apply');
  await expect(network.said).toContainText('decides from now on');
  await expect(network.rules).toContainText('messages are free today');
  await person.view('phone');
  await phone.service('sms').getByRole('button').click();
  await expect(phone.notice).toContainText('The network lets it through.');

  await network.go();
  await network.section.getByText('Versions', { exact: true }).click();
  await expect(network.section.getByRole('row', { name: 'free messages' }).first()).toContainText('story');
  await network.press('Back to version 0');
  await expect(network.rules).not.toContainText('messages are free today');
  await person.view('phone');
  await phone.service('sms').getByRole('button').click();
  await expect(phone.notice).toContainText('not yet under contract');
});

test('a phone notices by itself that its session has ended elsewhere, whatever is shown', async ({ person, operator, request, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Noticed', { profileClass: 'test' });
  const { phone, trace } = person;
  await person.open();
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await person.view('trace');
  const before = await trace.shown();
  await attachElsewhere(request, order.imsi);
  await expect(phone.operator).toContainText('no service');
  await expect(person.page.getByTestId('status')).toContainText('the subscriber attached again');
  // It was the page that asked: no message passed between the parties.
  expect(await trace.shown()).toBe(before);
  // To use the network is to want it back.
  await phone.fetch((await operator.order('Wanted')).code);
  await expect(phone.operator).toHaveText(order.provider);
});

test('nobody asks for a session that nobody sees, or that can’t be reached', async ({ person, operator, page, request, context, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Unseen', { profileClass: 'test' });
  const { phone } = person;
  await page.addInitScript(() => {
    Object.defineProperty(document, 'hidden', { get: () => (window as any).unseen === true });
  });
  await person.open();
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  const asked: string[] = [];
  page.on('request', (one) => {
    if (/\/network\/sessions\/[0-9a-f]+$/.test(one.url())) asked.push(one.url());
  });
  // The way there is open: it is asked now and then.
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  const seen = (sees: boolean) => page.evaluate((sees) => {
    (window as any).unseen = !sees;
    document.dispatchEvent(new Event('visibilitychange'));
  }, sees);
  await seen(false);
  await attachElsewhere(request, order.imsi);
  asked.length = 0;
  // Longer than between two looks.
  await page.waitForTimeout(12_000);
  expect(asked).toEqual([]);
  await context.setOffline(true);
  await seen(true);
  await page.waitForTimeout(1_000);
  expect(asked).toEqual([]);
  await expect(phone.operator).toHaveText(order.provider);
  await context.setOffline(false);
  await seen(true);
  await expect(phone.operator).toContainText('no service', { timeout: 3_000 });
});

test('a network that is behind the card takes the card’s number over, and the messages show how', async ({ person, operator, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Behind');
  const { phone, network, trace } = person;
  await person.open();
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await network.go();
  await network.press('Attach again');
  await phone.idle();
  await expect(network.decisions).not.toContainText('AUTS');
  // As if the network were restored from a copy of its first day: it counts from the beginning.
  await operator.subscriber(order.imsi, { ...order.record, sqn: '000000000000' });
  await network.press('Attach again');
  await phone.idle();
  await expect(phone.operator).toHaveText(order.provider);
  await expect(network.decisions).toContainText('the card sends its own (AUTS)');
  await expect(network.log).toContainText('attach');
  await trace.go();
  // The card’s answer, the phone’s to the network, and what the network then has of the card.
  await trace.search.fill('synchronisation failure');
  await expect(trace.messages).toHaveCount(1);
  await expect(trace.messages.first()).toContainText('AUTHENTICATE');
  await trace.messages.first().getByRole('link').click();
  await expect(trace.field('Response', 'AUTS')).toBeVisible();
  await trace.search.fill('"auts"');
  await expect(trace.messages).toHaveCount(1);
  await expect(trace.messages.first()).toContainText('200');
  // From here on they agree.
  await network.go();
  await network.press('Attach again');
  await phone.idle();
  await trace.go();
  await trace.search.fill('synchronisation failure');
  await expect(trace.messages).toHaveCount(1);
});

test('an old copy of a chip attaches: the network is ahead of it, and that is no failure', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Restored');
  const { phone, network, bench, trace } = person;
  await person.open();
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await bench.go();
  const { name, bytes } = await bench.save();
  await network.go();
  for (let times = 0; times < 3; times += 1) {
    await network.press('Attach again');
    await phone.idle();
  }
  await bench.go();
  await bench.part('session');
  await page.getByTestId('session-file').setInputFiles({ name, mimeType: 'application/json', buffer: bytes });
  await expect(phone.notice).toContainText('The session is open.');
  await phone.idle();
  await expect(phone.operator).toHaveText(order.provider);
  await trace.go();
  await trace.search.fill('successful 3G authentication');
  await expect(trace.messages.last()).toContainText('AUTHENTICATE');
  await trace.search.fill('synchronisation failure');
  await expect(trace.messages).toHaveCount(0);
});

test('in 5G the phone comes with its concealed identity, and from then on with the temporary one', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Fifth');
  const { phone, network, trace } = person;
  await person.open('#network');
  await expect(page.getByTestId('access')).toHaveText('4G (EPS)');
  await network.section.getByRole('combobox', { name: 'Access' }).selectOption('5G');
  await network.press('Attach again');
  await phone.idle();
  await expect(phone.operator).toHaveText('Bootstrap');
  await expect(page.getByTestId('access')).toHaveText('5G');
  await expect(network.decisions.getByRole('listitem').first()).toContainText('suci-0-001-01-');
  await network.press('Attach again');
  await phone.idle();
  await expect(network.decisions.getByRole('listitem').first()).toContainText('5G-GUTI');
  await trace.go();
  await trace.search.fill('"suci"');
  await expect(trace.messages).toHaveCount(1);
  await trace.search.fill('"guti":"');
  await expect(trace.messages.first()).toBeVisible();
  await trace.search.fill('"resStar"');
  await expect(trace.messages).toHaveCount(2);
  // Somebody else's subscriber: nobody knows it by the GUTI of the one before.
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await expect(phone.operator).toHaveText(order.provider);
  await trace.search.fill('"suci"');
  await expect(trace.messages).toHaveCount(2);
  await person.view('phone');
  await expect(phone.service('voice')).toContainText('works');
  await network.go();
  await person.inOrderNow('the network, in 5G');
});

test('in 5G a contract’s USIM conceals who it is, and the network knows it all the same', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Concealed', { concealed: true });
  const msin = order.imsi.slice(5);
  const { phone, network, trace } = person;
  /** What goes over the air of an attach, and whom the network then takes it for. */
  const sent: string[] = [];
  const attached: string[] = [];
  page.on('request', (one) => {
    if (one.method() === 'POST' && /\/network\/attach$/.test(one.url())) sent.push(one.postData() ?? '');
  });
  page.on('response', async (one) => {
    if (!/\/network\/attach\/[^/]+\/response$/.test(one.url()) || !one.ok()) return;
    const { imsi } = await one.json();
    if (imsi) attached.push(imsi);
  });
  await person.open('#network');
  await network.section.getByRole('combobox', { name: 'Access' }).selectOption('5G');
  await network.press('Attach again');
  await phone.idle();
  await phone.fetch(order.code);
  sent.length = 0;
  await phone.switchTo(order.name);
  await expect(phone.operator).toHaveText(order.provider);
  await expect(phone.service('voice')).toContainText('works');
  await expect.poll(() => attached.at(-1)).toBe(order.imsi);

  // MCC, MNC and routing indicator are open; under key 1 of profile A there are an ephemeral key of 32 bytes, ten
  // digits in five bytes, and a MAC of eight (TS 33.501 Annex C.3).
  const bodies = sent.map((body) => JSON.parse(body));
  const sucis = bodies.map(({ suci }) => suci).filter((suci) => suci !== undefined);
  expect(sucis).toHaveLength(1);
  expect(sucis[0]).toMatch(/^suci-0-001-01-0-1-1-[0-9a-f]{90}$/);
  for (const body of sent) {
    expect(body).not.toContain(order.imsi);
    expect(body).not.toContain(msin);
  }
  await network.go();
  await expect(page.getByTestId('access')).toHaveText('5G');
  const first = network.decisions.getByRole('listitem').first();
  await expect(first).toContainText('suci-0-001-01-0-1-1-');
  await expect(first).not.toContainText(msin);
  await expect(network.log).toContainText('attach');
  // It was the USIM that concealed it (TS 31.102 §7.5).
  await trace.go();
  await trace.search.fill('GET IDENTITY');
  await expect(trace.messages).toHaveCount(1);
  await expect(trace.messages.first()).toContainText('9000');
});

/** As somebody who has the same test card attaches: its key is everybody's (3GPP TS 34.108). */
async function attachElsewhere(request: APIRequestContext, imsi: string) {
  const { attachId, rand } = await (await request.post('/network/attach', { data: { imsi } })).json();
  const k = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const res = Buffer.from(Buffer.from(rand, 'hex').map((byte, at) => byte ^ k[at]!)).toString('hex');
  const elsewhere = await request.post(`/network/attach/${attachId}/response`, { data: { res } });
  expect(elsewhere.ok()).toBeTruthy();
  return elsewhere;
}
