// Policy control in its runtime: what a core network (played here: a listener) is told unasked when the
// policy or a subscription is another, by the alarms of the objects.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { laboratory, start, startOutgoing } from './runtime.mjs';

const { OPERATOR_TOKEN: token } = laboratory['net-policy-worker'];
const PCF = 'the core network';
const K = '000102030405060708090a0b0c0d0e0f';

let runtime;
let core;
let stranger;

/** A listener: what has arrived, in order, and how it answers what comes next (204 as a rule). */
async function listen() {
  const seen = [];
  const answers = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body: JSON.parse(Buffer.concat(chunks).toString() || 'null') });
    const [status, more, body] = answers.shift() ?? [204];
    response.writeHead(status, more);
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { seen, answers, server, origin };
}

/** Waits until so much has arrived, and gives it out. */
async function arrived(count, patience = 30_000) {
  const end = Date.now() + patience;
  while (core.seen.length < count) {
    assert.ok(Date.now() < end, `${core.seen.length} of ${count} notices have arrived`);
    await wait(50);
  }
  return core.seen.splice(0);
}

const ask = (method, path, options) => runtime.ask('net-policy-worker', method, path, options);
const contract = (data) => ({ apns: ['internet'], defaultApn: 'internet', voice: true, sms: true, data });

async function provision(imsi, data = true) {
  const body = { k: K, class: 'operational', algorithm: 'xor', contract: contract(data) };
  const { status, body: told } = await ask('PUT', `/network/subscribers/${imsi}`, { token, body });
  assert.ok([200, 201].includes(status), JSON.stringify(told));
}

/** A session's association: its URI as the core knows it. */
async function associate(imsi, notificationUri) {
  const body = {
    supi: `imsi-${imsi}`, pduSessionId: 1, pduSessionType: 'IPV4', dnn: 'internet',
    notificationUri, sliceInfo: { sst: 1 },
  };
  const created = await ask('POST', '/network/npcf-smpolicycontrol/v1/sm-policies', { token: PCF, body });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return created.headers.get('location');
}

/** Makes the first document the next version, with rules before its own. */
let first;
async function decideBy(...rules) {
  first ??= (await ask('GET', '/network/policy', { token })).body.document;
  const body = { ...first, rules: [...rules, ...first.rules] };
  const written = await ask('PUT', '/network/policy', { token, body, headers: { 'if-match': '*' } });
  assert.equal(written.status, 200, JSON.stringify(written.body));
}

const noData = {
  name: 'no-data', words: 'no packets today', when: { question: ['data'], class: 'operational' },
  then: { refuse: { cause: 'ESM 26' } },
};

before(async () => {
  core = await listen();
  stranger = await listen();
  runtime = await start(['net-policy-worker'], {
    'net-policy-worker': { PCF_TOKEN: PCF, CORE_ADDRESSES: core.origin, OUTSIDE_PRIVATE: 'permitted' },
  });
});

after(async () => {
  await runtime?.close();
  core?.server.close();
  stranger?.server.close();
});

test('another policy is told until it is acknowledged, and the end of the subscription', async () => {
  const imsi = '001010000009301';
  await provision(imsi);
  const resource = await associate(imsi, `${core.origin}/notify/1`);
  core.answers.push([503, { 'retry-after': '3' }]);
  await decideBy(noData);
  const [refused] = await arrived(1);
  assert.deepEqual([refused.method, refused.url], ['POST', '/notify/1/update']);
  assert.match(refused.headers['content-type'], /^application\/json/);
  assert.equal(refused.body.resourceUri, resource);
  assert.equal(refused.body.smPolicyDecision.traffContDecs['gate-shut'].flowStatus, 'DISABLED');
  // What waits is in the object's storage, not in its memory.
  await runtime.evict('net-policy-worker', 'SUBSCRIBER');
  const [acknowledged] = await arrived(1);
  assert.deepEqual(acknowledged.body, refused.body);
  await wait(3_000);
  assert.equal(core.seen.length, 0, 'what is acknowledged is not sent again');

  assert.equal((await ask('DELETE', `/network/subscribers/${imsi}`, { token })).status, 204);
  const [end] = await arrived(1);
  assert.equal(end.url, '/notify/1/terminate');
  assert.deepEqual(end.body, { resourceUri: resource, cause: 'UE_SUBSCRIPTION' });
  const remove = () => ask('POST', `${new URL(resource).pathname}/delete`, { token: PCF, body: {} });
  assert.deepEqual([(await remove()).status, (await remove()).status], [204, 404]);
});

test('many subscribers are told, each once, and their roll-back after it', async () => {
  await decideBy();
  const imsis = Array.from({ length: 30 }, (_, at) => `0010100000094${String(at).padStart(2, '0')}`);
  await Promise.all(imsis.map((imsi) => provision(imsi)));
  const paths = imsis.map((imsi) => `/n/${imsi}/update`).sort();
  await Promise.all(imsis.map((imsi) => associate(imsi, `${core.origin}/n/${imsi}`)));
  for (const rules of [[noData], []]) {
    await decideBy(...rules);
    const told = await arrived(imsis.length, 60_000);
    assert.deepEqual(told.map(({ url }) => url).sort(), paths);
    const gate = rules.length ? 'gate-shut' : 'gate-open';
    assert.ok(told.every(({ body }) => body.smPolicyDecision.pccRules['everything-else'].refTcData[0] === gate));
  }
  await wait(2_000);
  assert.equal(core.seen.length, 0);
  await Promise.all(imsis.map((imsi) => ask('DELETE', `/network/subscribers/${imsi}`, { token })));
  assert.ok((await arrived(imsis.length, 60_000)).every(({ url }) => url.endsWith('/terminate')));
});

test('nobody is told anything whose address is not listed', async () => {
  const imsi = '001010000009502';
  await provision(imsi);
  await associate(imsi, `${stranger.origin}/notify`);
  await provision(imsi, false);
  let verdicts = [];
  for (let turn = 0; verdicts.length === 0 && turn < 100; turn += 1) {
    await wait(50);
    const { body } = await ask('GET', `/network/audit?imsi=${imsi}`, { token });
    verdicts = body.verdicts.filter(({ what }) => what === 'policy control: notification');
  }
  assert.equal(verdicts[0]?.verdict, 'refused');
  assert.equal(stranger.seen.length, 0);
});

test('a redirection is followed within the list, and nothing follows one that leads out of it', async () => {
  // A runtime whose requests go out as they are: the harness has them made by Node.js, which follows by itself.
  const outgoing = await startOutgoing('net-policy-worker', {
    PCF_TOKEN: PCF, CORE_ADDRESSES: core.origin, OUTSIDE_PRIVATE: 'permitted',
  });
  const asked = (method, path, { token, body } = {}) => outgoing.ask(path, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });
  const notices = async (imsi) => {
    const { body } = await asked('GET', `/network/audit?imsi=${imsi}`, { token });
    return body.verdicts.filter(({ what }) => what === 'policy control: notification');
  };
  const subscribe = async (imsi, data) => {
    const body = { k: K, class: 'operational', algorithm: 'xor', contract: contract(data) };
    const { status } = await asked('PUT', `/network/subscribers/${imsi}`, { token, body });
    assert.ok([200, 201].includes(status), `${status}`);
  };
  const open = async (imsi) => {
    await subscribe(imsi, true);
    const body = {
      supi: `imsi-${imsi}`, pduSessionId: 1, pduSessionType: 'IPV4', dnn: 'internet',
      notificationUri: `${core.origin}/n/${imsi}`, sliceInfo: { sst: 1 },
    };
    const created = await asked('POST', '/network/npcf-smpolicycontrol/v1/sm-policies', { token: PCF, body });
    assert.equal(created.status, 201, JSON.stringify(created.body));
  };
  try {
    // TS 29.500 §6.10.9: 307 is for this request, 308 for those that follow it as well.
    const [once, forGood] = ['001010000009601', '001010000009602'];
    for (const [imsi, status] of [[once, 307], [forGood, 308]]) {
      await open(imsi);
      core.answers.push([status, { location: `${core.origin}/moved/${imsi}/update` }]);
      await subscribe(imsi, false);
      assert.deepEqual((await arrived(2)).map(({ url }) => url), [`/n/${imsi}/update`, `/moved/${imsi}/update`]);
      await subscribe(imsi, true);
      const [next] = await arrived(1);
      assert.equal(next.url, status === 307 ? `/n/${imsi}/update` : `/moved/${imsi}/update`);
      assert.deepEqual(await notices(imsi), []);
    }

    // Out of it: another port, the name instead of the address, no host at all, another scheme.
    const { port } = core.server.address();
    const outside = [
      `${stranger.origin}/update`, `http://localhost:${port}/update`, '/update', `https://127.0.0.1:${port}/update`,
      `http://127.0.0.1:${port}@${new URL(stranger.origin).host}/update`, 'http://169.254.169.254/latest/update',
    ];
    let at = 0;
    for (const status of [301, 302, 303, 307, 308]) {
      for (const location of status < 307 ? outside.slice(0, 1) : outside) {
        const imsi = `0010100000097${String(at += 1).padStart(2, '0')}`;
        await open(imsi);
        core.answers.push([status, { location }]);
        await subscribe(imsi, false);
        const [told] = await arrived(1);
        assert.equal(told.url, `/n/${imsi}/update`);
        for (let turn = 0; (await notices(imsi)).length === 0 && turn < 200; turn += 1) await wait(25);
        const [verdict] = await notices(imsi);
        assert.equal(verdict?.verdict, 'refused', `${status} ${location}`);
        assert.match(verdict.because, status < 307 ? /answers 30[123]$/ : /none of a core/, `${status} ${location}`);
      }
    }
    await wait(1_500);
    assert.deepEqual([core.seen.length, stranger.seen.length], [0, 0], 'nothing was sent where a redirection led');
  } finally {
    await outgoing.close();
  }
});
