// The network in its runtime, with the SM-DP+ behind its gateway. The card is played here, with
// the algorithm whose answer anybody can work out (TS 34.108 §8.1.2).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { executed, initiate, laboratory, start } from './runtime.mjs';

const { OPERATOR_TOKEN: token, SM_ADDRESSES: sm } = laboratory['net-policy-worker'];
const K = '000102030405060708090a0b0c0d0e0f';
const BOOTSTRAP = '001010000009101';
const CONTRACT = '001010000009102';

let runtime;

const ask = (method, path, options) => runtime.ask('net-policy-worker', method, path, options);
const attach = (imsi, apn) => ask('POST', '/network/attach', { body: { imsi, apn } });
const respond = (id, res) => ask('POST', `/network/attach/${id}/response`, { body: { res } });
const use = (id, kind, to) => ask('POST', `/network/sessions/${id}/service`, { body: { kind, to } });

/** f2 of the test algorithm: K xor RAND. */
const res = (rand) => {
  const k = Buffer.from(K, 'hex');
  return Buffer.from(Buffer.from(rand, 'hex').map((byte, at) => byte ^ k[at])).toString('hex');
};

async function session(imsi, apn) {
  const { body } = await attach(imsi, apn);
  const answer = await respond(body.attachId, res(body.rand));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

before(async () => {
  runtime = await start(['net-policy-worker', 'edge-smdp']);
});

after(async () => {
  await runtime?.close();
});

test('it is healthy and says where it leads', async () => {
  const { status, body } = await ask('GET', '/network/health');
  assert.equal(status, 200);
  assert.deepEqual(body,
    { status: 'ok', smApn: 'sm.provisioning', smAddresses: [sm], outside: [], policyVersion: 0, operator: true });
});

test('the operator writes subscribers, and nobody reads their keys', async () => {
  const contract = { apns: ['internet'], defaultApn: 'internet', voice: true, sms: true, data: true };
  const records = [
    [BOOTSTRAP, { algorithm: 'xor', k: K, class: 'provisioning' }],
    [CONTRACT, { algorithm: 'xor', k: K, class: 'operational', contract }],
  ];
  for (const [imsi, body] of records) {
    const path = `/network/subscribers/${imsi}`;
    assert.equal((await ask('PUT', path, { body })).status, 401);
    assert.equal((await ask('PUT', path, { body, token: `${token}0` })).status, 401);
    assert.equal((await ask('PUT', path, { body, token })).status, 201);
    assert.equal((await ask('PUT', path, { body, token })).status, 200, 'written again');
  }
  assert.equal((await ask('GET', '/network/subscribers')).status, 401);
  const { body } = await ask('GET', '/network/subscribers', { token });
  assert.deepEqual(body.map(({ imsi }) => imsi).sort(), [BOOTSTRAP, CONTRACT]);
  assert.ok(!JSON.stringify(body).includes(K));
  for (const wrong of ['{', { algorithm: 'xor', k: '00', class: 'provisioning' }, { k: K, class: 'other' }]) {
    const refused = await ask('PUT', '/network/subscribers/001010000009103', { token, body: wrong });
    assert.equal(refused.status, 400);
    assert.ok(!JSON.stringify(refused.body).includes(K));
  }
});

test('without a contract: the SM’s APN whatever is asked for, and no service', async () => {
  const challenge = await attach(BOOTSTRAP, 'internet');
  assert.equal(challenge.status, 200);
  assert.match(challenge.body.rand, /^[0-9a-f]{32}$/);
  assert.match(challenge.body.autn, /^[0-9a-f]{32}$/);
  const { attachId, rand } = challenge.body;
  const { status, body } = await respond(attachId, res(rand));
  assert.equal(status, 200);
  assert.equal(body.imsi, BOOTSTRAP);
  assert.deepEqual([body.apn.requested, body.apn.given, body.apn.rule],
    ['internet', 'sm.provisioning', 'provisioning-apn']);
  for (const [service, protocol, number] of [['data', 'ESM', 8], ['voice', 'EMM', 18], ['sms', 'EMM', 18]]) {
    const { verdict, cause } = body.services[service];
    assert.deepEqual([verdict, cause.protocol, cause.number], ['refused', protocol, number], service);
  }
  assert.equal((await use(body.sessionId, 'voice', '+15550100')).body.verdict, 'refused');
  assert.equal((await use(body.sessionId, 'data', 'news.example')).body.verdict, 'refused');
  assert.equal((await use(body.sessionId, 'data', sm)).body.verdict, 'permitted');
  assert.equal((await use(body.sessionId, 'voice', '112')).body.verdict, 'permitted', 'TS 22.101 §10.1.1');
  // A challenge is answered once.
  assert.equal((await respond(attachId, res(rand))).status, 410);
});

test('with a contract: what was agreed on', async () => {
  const { apn, services, sessionId } = await session(CONTRACT, 'internet');
  assert.equal(apn.given, 'internet');
  for (const service of ['data', 'voice', 'sms']) assert.equal(services[service].verdict, 'permitted');
  assert.equal((await use(sessionId, 'voice', '+15550100')).body.verdict, 'permitted');
});

test('of answers to one challenge at the same time one counts', async () => {
  const { attachId, rand } = (await attach(BOOTSTRAP)).body;
  const answers = await Promise.all(Array.from({ length: 8 }, () => respond(attachId, res(rand))));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, ...Array(7).fill(410)]);
  // And challenges at the same time are different ones.
  const challenges = await Promise.all(Array.from({ length: 8 }, () => attach(CONTRACT)));
  for (const field of ['attachId', 'rand', 'autn']) {
    assert.equal(new Set(challenges.map(({ body }) => body[field])).size, 8, field);
  }
});

test('a wrong card and an unknown one stay outside', async () => {
  const { body } = await attach(BOOTSTRAP);
  const right = res(body.rand);
  const wrong = right.slice(0, -1) + (right.endsWith('0') ? '1' : '0');
  const refused = await respond(body.attachId, wrong);
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
  assert.deepEqual([refused.body.cause.protocol, refused.body.cause.number], ['EMM', 3]);
  assert.equal((await respond(body.attachId, right)).status, 410, 'no second guess');

  const short = (await attach(BOOTSTRAP)).body;
  assert.equal((await respond(short.attachId, res(short.rand).slice(0, 8))).status, 403);

  const stranger = await attach('001010000009199');
  assert.equal(stranger.status, 403);
  assert.deepEqual([stranger.body.cause.protocol, stranger.body.cause.number], ['EMM', 2]);
});

test('a temporary identity leads to its subscriber once, and over the runtime’s end', async () => {
  const first = await session(BOOTSTRAP);
  assert.match(first.guti, /^[0-9a-f]{20}$/);
  await runtime.evict('net-policy-worker', 'TEMPORARY');
  const byGuti = (guti, access) => ask('POST', '/network/attach', { body: { guti, access } });
  const { status, body } = await byGuti(first.guti);
  assert.equal(status, 200);
  const second = (await respond(body.attachId, res(body.rand))).body;
  assert.equal(second.imsi, BOOTSTRAP);
  assert.notEqual(second.guti, first.guti);
  for (const [access, protocol] of [['eps', 'EMM'], ['5g', '5GMM']]) {
    const refused = await byGuti(first.guti, access);
    assert.equal(refused.status, 403);
    assert.deepEqual([refused.body.cause.protocol, refused.body.cause.number], [protocol, 9]);
  }
  const gone = await ask('GET', `/network/sessions/${first.sessionId}`);
  assert.equal(gone.status, 410);
  assert.match(gone.body.because, /attached again/);
});

test('a subscriber’s records come and go in numbers, and with their keys only when that is said', async () => {
  const rows = Array.from({ length: 5 }, (_, at) => ({ imsi: `00101000000911${at}`, algorithm: 'xor', k: K }));
  const path = '/network/subscribers';
  assert.equal((await ask('POST', path, { body: rows })).status, 401);
  const written = await ask('POST', path, { body: rows, token });
  assert.deepEqual(written.body.map(({ outcome }) => outcome), Array(5).fill('created'));
  const page = await ask('GET', `${path}?after=001010000009110&limit=2`, { token });
  assert.deepEqual(page.body.map(({ imsi }) => imsi), ['001010000009111', '001010000009112']);
  assert.equal(page.headers.get('link'), `<${path}?after=001010000009112&limit=2>; rel="next"`);
  assert.equal((await ask('GET', `${path}/export`, { token })).status, 400);
  const exported = await ask('GET', `${path}/export?keys=include&after=001010000009110&limit=1`, { token });
  assert.deepEqual(exported.body.map(({ imsi, k }) => [imsi, k]), [['001010000009111', K]]);
  for (const { imsi } of rows) assert.equal((await ask('DELETE', `${path}/${imsi}`, { token })).status, 204);
});

test('what cannot be read is refused as such', async () => {
  for (const body of ['', '{', 'null', '{}', { imsi: 'x' }, { imsi: '1'.repeat(16) }, '['.repeat(5000)]) {
    const { status } = await ask('POST', '/network/attach', { body });
    assert.equal(status, 400, JSON.stringify(body));
  }
  const { attachId } = (await attach(BOOTSTRAP)).body;
  const path = `/network/attach/${attachId}/response`;
  for (const body of ['', '{', { res: 'zz' }, { res: '00' }, { auts: '00' }, { res: '00000000', auts: '' }]) {
    assert.equal((await ask('POST', path, { body })).status, 400, JSON.stringify(body));
  }
  assert.equal((await ask('POST', '/network/attach/nobody/response', { body: { res: K } })).status, 404);
  assert.equal((await ask('GET', `/network/sessions/${'0'.repeat(48)}`)).status, 404);
  assert.equal((await ask('GET', '/network/attach')).status, 405);
  assert.equal((await ask('GET', '/network/nowhere')).status, 404);
});

test('the bearer leads to the SM, and to nothing else', async () => {
  const { sessionId } = await session(BOOTSTRAP);
  const bearer = `/network/sessions/${sessionId}/http/`;
  const health = await runtime.ask('edge-smdp', 'GET', '/operator/health');
  const ci = health.body.credentials[0].ciPkId;
  const path = '/gsma/rsp2/es9plus/initiateAuthentication';
  const headers = { 'x-admin-protocol': 'gsma/rsp/v2.2.2' };

  const through = await ask('POST', bearer + sm + path, { body: initiate(ci, sm), headers });
  const signed = Buffer.from(executed(through).serverSigned1, 'base64').toString('latin1');
  assert.ok(signed.includes(sm), 'the SM-DP+ itself has answered');
  assert.match(through.headers.get('x-admin-protocol'), /^gsma\/rsp\/v2/);

  const body = initiate(ci, sm);
  for (const target of [
    `news.example${path}`,
    `${sm}.evil.example${path}`,
    `${sm}:8443${path}`,
    `${sm}@news.example${path}`,
    `${sm}/operator/profiles`,
    `${sm}/gsma/rsp2/es9plus/..%2f..%2foperator/profiles`,
    `${sm}${path}?x=1`,
  ]) {
    const refused = await ask('POST', bearer + target, { body, token });
    assert.equal(refused.status, 403, target);
    assert.equal(refused.headers.get('content-type'), 'application/problem+json', target);
  }
  assert.equal((await ask('GET', bearer + sm + path)).status, 403);

  const log = (await ask('GET', `/network/sessions/${sessionId}/log`)).body;
  const gone = log.filter(({ what, verdict }) => what.startsWith('POST') && verdict === 'permitted');
  assert.deepEqual(gone.map(({ what }) => what), [`POST ${sm}${path}`], 'one request went out');
  assert.ok(log.some(({ what, verdict }) => what.includes('news.example') && verdict === 'refused'));

  // Another interface of the SM: if the gateway lets the request pass, the operator's token does
  // not travel with it, and the SM refuses.
  const es2 = await ask('POST', `${bearer}${sm}/gsma/rsp2/es2plus/downloadOrder`, { body: {}, token });
  assert.equal(es2.status, 403);
});

test('a session goes on under the next policy, and the policy outlives its object', async () => {
  const { sessionId } = await session(BOOTSTRAP);
  const current = await ask('GET', '/network/policy', { token });
  assert.deepEqual([current.status, current.headers.get('etag'), current.body.version], [200, '"0"', 0]);
  assert.equal((await ask('GET', '/network/policy')).status, 401);
  assert.equal((await use(sessionId, 'sms', '12345')).body.verdict, 'refused');

  const open = structuredClone(current.body.document);
  // Long enough that its text is kept in several rows.
  const words = 'x'.repeat(190);
  for (let at = 0; at < 4000; at += 1) {
    const when = { question: ['connectivity'], tac: [String(at).padStart(8, '0')] };
    open.rules.push({ name: `more-${at}`, words, when, then: { refuse: { cause: 'EMM 15' } } });
  }
  open.rules.unshift({
    name: 'messages-for-all', words: 'a day of messages', when: { question: ['sms'] }, then: { permit: {} },
  });
  const put = (body, seen) =>
    ask('PUT', '/network/policy', { token, body, headers: seen ? { 'if-match': seen } : {} });
  assert.equal((await put(open)).status, 428);
  assert.equal((await put(open, '"1"')).status, 412);
  assert.equal((await put({ ...open, more: 1 }, '"0"')).status, 400);
  const written = await put(open, '"0"');
  assert.deepEqual([written.status, written.body.version], [200, 1], JSON.stringify(written.body).slice(0, 500));
  const { verdict, rule, version } = (await use(sessionId, 'sms', '12345')).body;
  assert.deepEqual([verdict, rule, version], ['permitted', 'messages-for-all', 1]);
  // Of authors at the same time one is the next.
  const rivals = await Promise.all(Array.from({ length: 4 }, () => put(current.body.document, '"1"')));
  assert.deepEqual(rivals.map(({ status }) => status).sort(), [200, 412, 412, 412]);

  await runtime.evict('net-policy-worker', 'POLICY');
  await runtime.restart();
  const old = await ask('GET', '/network/policy/history/1', { token });
  assert.deepEqual(old.body.document, open);
  const back = await ask('POST', '/network/policy/rollback', { token, body: { to: 0 }, headers: { 'if-match': '*' } });
  assert.deepEqual([back.status, back.body.version, back.body.rolledBackTo], [200, 3, 0]);
  const history = (await ask('GET', '/network/policy/history', { token })).body;
  assert.deepEqual(history.map((entry) => entry.version), [3, 2, 1]);
  assert.equal((await use(sessionId, 'sms', '12345')).body.rule, 'provisioning-no-contract');
});

test('what goes through the bearer is counted', async () => {
  const { sessionId, usage } = await session(BOOTSTRAP);
  assert.deepEqual([usage.requests, usage.bytesUp, usage.bytesDown], [0, 0, 0]);
  const { body } = await runtime.ask('edge-smdp', 'GET', '/operator/health');
  const target = `/network/sessions/${sessionId}/http/${sm}/gsma/rsp2/es9plus/initiateAuthentication`;
  const headers = { 'x-admin-protocol': 'gsma/rsp/v2.2.2' };
  executed(await ask('POST', target, { body: initiate(body.credentials[0].ciPkId, sm), headers }));
  const used = (await ask('GET', `/network/sessions/${sessionId}`)).body.usage;
  assert.equal(used.requests, 1);
  assert.ok(used.bytesUp > 100 && used.bytesDown > 1000, JSON.stringify(used));
  assert.equal(used.of.bytes, 16 * 1024 * 1024);
  const total = (await ask('GET', `/network/subscribers/${BOOTSTRAP}/usage`, { token })).body.total;
  assert.ok(total.attaches >= 1 && total.bytesDown >= used.bytesDown);
});

test('no core network is served without a token for it', async () => {
  const body = { supi: `imsi-${BOOTSTRAP}` };
  for (const path of ['npcf-smpolicycontrol/v1/sm-policies', 'npcf-am-policy-control/v1/policies', 'gx/ccr']) {
    assert.equal((await ask('POST', `/network/${path}`, { token, body })).status, 403, path);
  }
});

test('who has detached has no bearer', async () => {
  const { sessionId } = await session(BOOTSTRAP);
  const path = `/network/sessions/${sessionId}`;
  assert.equal((await ask('GET', path)).status, 200);
  assert.equal((await ask('DELETE', path)).status, 204);
  assert.equal((await ask('GET', path)).status, 410);
  const after = `${path}/http/${sm}/gsma/rsp2/es9plus/initiateAuthentication`;
  assert.equal((await ask('POST', after, { body: {} })).status, 410);
});

test('subscriber, challenge and session outlive the objects that hold them, and the runtime', async () => {
  const held = await session(CONTRACT, 'internet');
  const { attachId, rand, autn } = (await attach(BOOTSTRAP)).body;
  await runtime.evict('net-policy-worker', 'SUBSCRIBER');
  await runtime.evict('net-policy-worker', 'DIRECTORY');
  await runtime.restart();
  const { body } = await ask('GET', `/network/sessions/${held.sessionId}`);
  assert.deepEqual(body, held);
  assert.equal((await respond(attachId, res(rand))).status, 200);
  assert.equal((await respond(attachId, res(rand))).status, 410);
  assert.equal((await ask('GET', '/network/subscribers', { token })).body.length, 2);

  // SQN xor AK is in AUTN, and AK is RES from the fourth byte on: the numbers go on, not back.
  const sqn = (challenge) => {
    const ak = Buffer.from(res(challenge.rand), 'hex').subarray(3, 9);
    const hidden = Buffer.from(challenge.autn, 'hex').subarray(0, 6);
    return Buffer.from(hidden.map((byte, at) => byte ^ ak[at])).readUIntBE(0, 6);
  };
  const next = (await attach(BOOTSTRAP)).body;
  assert.ok(sqn(next) > sqn({ rand, autn }));
});

test('a subscriber that was withdrawn is a stranger', async () => {
  const path = `/network/subscribers/${CONTRACT}`;
  assert.equal((await ask('DELETE', path)).status, 401);
  assert.equal((await ask('DELETE', path, { token })).status, 204);
  assert.equal((await attach(CONTRACT)).status, 403);
  const { body } = await ask('GET', '/network/subscribers', { token });
  assert.deepEqual(body.map(({ imsi }) => imsi), [BOOTSTRAP]);
});
