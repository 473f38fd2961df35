// The SM-DP+ feeds the network by its binding: who orders a profile can attach with it, who
// cancels it can't any more. Both in their runtime; the card is played here, with the algorithm
// whose answer anybody can work out (TS 34.108 §8.1.2).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { executed, laboratory, start } from './runtime.mjs';

const { OPERATOR_TOKEN: token, FEEDER_TOKEN: feeder } = laboratory['edge-smdp'];
const K = '000102030405060708090a0b0c0d0e0f';
const SMDP = 'edge-smdp';
const NETWORK = 'net-policy-worker';

let runtime;
let calls = 0;

const es2 = async (name, body) => executed(await runtime.ask(SMDP, 'POST', `/gsma/rsp2/es2plus/${name}`, {
  token,
  body: { header: { functionRequesterIdentifier: '2.999.1', functionCallIdentifier: `feed-${calls += 1}` }, ...body },
}));
const upload = async (iccid, imsi) => {
  const { status, body } = await runtime.ask(SMDP, 'POST', '/operator/profiles', {
    token,
    body: {
      metadata: { serviceProviderName: 'Example', profileName: 'Fed', profileClass: 'test' },
      subscriber: { iccid, imsi, algorithm: 'testXor', k: K },
      subscription: {
        class: 'operational',
        contract: { apns: ['internet'], defaultApn: 'internet', voice: true, sms: true, data: true },
      },
    },
  });
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(body.network, 'off');
};
const confirm = async (iccid) => {
  await es2('downloadOrder', { iccid });
  await es2('confirmOrder', { iccid, releaseFlag: true });
};
const order = async (iccid) => (await runtime.ask(SMDP, 'GET', `/operator/orders/${iccid}`, { token })).body;
/** The order, once the network was told: at once, but not by the call itself. */
const told = async (iccid, network, seconds = 10) => {
  for (let left = seconds * 20; left > 0; left -= 1) {
    const found = await order(iccid);
    if (found.network === network) return found;
    await pause(50);
  }
  assert.fail(`${iccid} is not ${network}: ${JSON.stringify(await order(iccid))}`);
};
const served = async () => {
  const { body } = await runtime.ask(NETWORK, 'GET', '/network/subscribers', { token });
  return body.map(({ imsi }) => imsi);
};
const attach = (imsi) => runtime.ask(NETWORK, 'POST', '/network/attach', { body: { imsi, apn: 'internet' } });
const res = (rand) => {
  const k = Buffer.from(K, 'hex');
  return Buffer.from(Buffer.from(rand, 'hex').map((byte, at) => byte ^ k[at])).toString('hex');
};

/** On the way to the network, which it lets nobody reach until it is told to. */
const DOOR = {
  script: `let open = false;
    export default { async fetch(request, { NETWORK }) {
      if (new URL(request.url).pathname !== '/door') {
        return open ? NETWORK.fetch(request) : new Response('no network', { status: 503 });
      }
      open = request.method === 'PUT';
      return new Response(null, { status: 204 });
    } }`,
  services: [{ binding: 'NETWORK', service: NETWORK }],
};

before(async () => {
  runtime = await start([SMDP, NETWORK]);
});

after(async () => {
  await runtime?.close();
});

test('an order that is confirmed makes a subscriber that can attach, and its end takes it away', async () => {
  const [iccid, imsi] = ['89000000000000009203', '001010000009201'];
  assert.equal((await runtime.ask(SMDP, 'GET', '/operator/health')).body.feeds, true);
  await upload(iccid, imsi);
  assert.ok(!(await served()).includes(imsi));
  await confirm(iccid);
  await told(iccid, 'fed');
  const challenge = await attach(imsi);
  assert.equal(challenge.status, 200, JSON.stringify(challenge.body));
  const { attachId, rand } = challenge.body;
  const session = await runtime.ask(NETWORK, 'POST', `/network/attach/${attachId}/response`, { body: { res: res(rand) } });
  assert.equal(session.status, 200, JSON.stringify(session.body));
  assert.equal(session.body.apn.given, 'internet');
  for (const service of ['data', 'voice', 'sms']) {
    assert.equal(session.body.services[service].verdict, 'permitted', service);
  }
  // A server that ends in between forgets nothing of it.
  await runtime.evict(SMDP, 'STORE');
  assert.equal((await order(iccid)).network, 'fed');

  await es2('cancelOrder', { iccid, finalProfileStatusIndicator: 'Available' });
  await told(iccid, 'off');
  assert.ok(!(await served()).includes(imsi));
  assert.equal((await attach(imsi)).status, 403);

  // The same again, by the other interface.
  const { body } = await runtime.ask(SMDP, 'POST', '/operator/orders', { token, body: { orders: [{ iccid }] } });
  assert.equal(body.results[0].state, 'Released', JSON.stringify(body));
  await told(iccid, 'fed');
  assert.equal((await attach(imsi)).status, 200);
});

test('the feeder’s token feeds, and does nothing else', async () => {
  const ask = (method, path, token, body) => runtime.ask(NETWORK, method, path, { token, body });
  const one = '/network/subscribers/001010000009209';
  const record = { algorithm: 'xor', k: K, class: 'provisioning' };
  assert.notEqual(feeder, token);
  for (const wrong of [undefined, '', `${feeder}0`, feeder.slice(1)]) {
    assert.equal((await ask('PUT', one, wrong, record)).status, 401);
    assert.equal((await ask('DELETE', one, wrong)).status, 401);
  }
  assert.equal((await ask('PUT', one, feeder, record)).status, 201);
  for (const [method, path] of [
    ['GET', '/network/subscribers'], ['GET', '/network/subscribers/export?keys=include'],
    ['GET', `${one}/usage`], ['GET', '/network/policy'], ['GET', '/network/audit?imsi=001010000009209'],
  ]) assert.equal((await ask(method, path, feeder)).status, 401, path);
  assert.equal((await ask('DELETE', one, feeder)).status, 204);
  // Nor is it the operator of the SM-DP+.
  assert.equal((await runtime.ask(SMDP, 'GET', '/operator/profiles', { token: feeder })).status, 403);
});

test('a network that is away is told when it is back, in the order of things', async () => {
  await runtime.close();
  runtime = await start([SMDP, NETWORK], {}, (configuration) => {
    if (configuration.name === SMDP) configuration.services = [{ binding: 'NETWORK', service: 'door' }];
  }, { door: DOOR });
  const [one, two] = [['89000000000000009211', '001010000009211'], ['89000000000000009229', '001010000009212']];
  for (const [iccid, imsi] of [one, two]) {
    await upload(iccid, imsi);
    await confirm(iccid);
  }
  const outbox = async () => (await runtime.ask(SMDP, 'GET', '/operator/outbox', { token })).body.messages;
  while ((await outbox()).some(({ attempts }) => attempts === 0)) await pause(50);
  for (const { function: name, lastError } of await outbox()) {
    assert.deepEqual([name, lastError], ['feedSubscriber', 'HTTP status 503']);
  }
  assert.ok(!JSON.stringify(await outbox()).includes(K));
  await es2('cancelOrder', { iccid: two[0], finalProfileStatusIndicator: 'Available' });
  assert.equal((await order(one[0])).network, 'pending');
  assert.deepEqual(await served(), []);
  await runtime.evict(SMDP, 'STORE');

  await runtime.ask('door', 'PUT', '/door');
  await told(one[0], 'fed', 40);
  await told(two[0], 'off', 40);
  assert.deepEqual(await served(), [one[1]]);
  assert.equal((await attach(one[1])).status, 200);
  while ((await outbox()).length > 0) await pause(50);
  assert.deepEqual(await served(), [one[1]], 'what came too late was not said');
});

test('without the binding nothing is fed, and the server says so', async () => {
  await runtime.close();
  runtime = await start([SMDP]);
  const { body } = await runtime.ask(SMDP, 'GET', '/operator/health');
  assert.equal(body.feeds, false);
  assert.deepEqual(body.warnings, ['no network is bound (NETWORK): it is not fed']);
  const iccid = '89000000000000009237';
  await upload(iccid, '001010000009213');
  await confirm(iccid);
  assert.equal((await order(iccid)).network, 'off');
});
