// The SM-DP+ in its runtime: its doors, its orders, its first answers to a chip.
import assert from 'node:assert/strict';
import { X509Certificate, verify } from 'node:crypto';
import { after, before, test } from 'node:test';
import { base64, euiccInfo1, executed, initiate, laboratory, refusedWith, start, tlv } from './runtime.mjs';

const { OPERATOR_TOKEN: token, SMDP_ADDRESSES: address } = laboratory['edge-smdp'];
const ICCID = '89000000000000009005';
const upload = {
  metadata: { serviceProviderName: 'Example', profileName: 'Runtime', profileClass: 'operational' },
  subscriber: {
    iccid: ICCID,
    imsi: '001010000009001',
    algorithm: 'milenage',
    // TS 35.208 §4.3.1, test set 1.
    k: '465b5ce8b199b49faa5f0a2ee238a6bc',
    opc: 'cd63cb71954a9f4e48a5994e37a02baf',
  },
};
const ES9 = '/gsma/rsp2/es9plus/';
const ES2 = '/gsma/rsp2/es2plus/';

let runtime;
let ci;

const ask = (method, path, options) => runtime.ask('edge-smdp', method, path, options);
const es9 = (name, body) => ask('POST', ES9 + name, { body });
const es2 = (name, call, body) => ask('POST', ES2 + name, {
  token,
  body: { header: { functionRequesterIdentifier: '2.999.1', functionCallIdentifier: call }, ...body },
});
const states = async () => {
  const { profiles } = (await ask('GET', '/operator/profiles', { token })).body;
  return Object.fromEntries(profiles.map(({ iccid, state }) => [iccid, state]));
};

before(async () => {
  runtime = await start(['edge-smdp']);
});

after(async () => {
  await runtime?.close();
});

test('it is healthy and names the CI of its certificates', async () => {
  const { status, body } = await ask('GET', '/operator/health');
  assert.equal(status, 200);
  assert.equal(body.status, 'ok');
  assert.deepEqual(body.addresses, [address]);
  assert.equal(body.operator, true);
  assert.equal(body.credentials.length, 1);
  assert.equal(body.credentials[0].valid, true);
  assert.match(body.credentials[0].ciPkId, /^[0-9a-f]{40}$/i);
  ci = body.credentials[0].ciPkId;
});

test('nobody is the operator without the operator’s token', async () => {
  for (const [method, path] of [
    ['GET', '/operator/profiles'],
    ['POST', '/operator/profiles'],
    ['GET', '/operator/notifications'],
    ['GET', `/operator/orders/${ICCID}`],
    ['POST', `${ES2}downloadOrder`],
  ]) {
    const body = method === 'POST' ? {} : undefined;
    const without = await ask(method, path, { body });
    assert.equal(without.status, 401, path);
    assert.equal(without.headers.get('www-authenticate'), 'Bearer', path);
    for (const wrong of [`${token}0`, token.slice(1), token.toUpperCase() + 'G', '-']) {
      assert.equal((await ask(method, path, { body, token: wrong })).status, 403, path);
    }
  }
});

test('a profile is made for a subscriber and listed', async () => {
  const added = await ask('POST', '/operator/profiles', { token, body: upload });
  assert.equal(added.status, 201, JSON.stringify(added.body));
  assert.equal(added.body.iccid, ICCID);
  const listed = await ask('GET', '/operator/profiles', { token });
  assert.equal(listed.body.profiles.length, 1);
  assert.equal(listed.body.profiles[0].state, 'Available');
  const shown = JSON.stringify([added.body, listed.body]).toLowerCase();
  assert.ok(!shown.includes(upload.subscriber.k) && !shown.includes(upload.subscriber.opc));

  const short = { ...upload, subscriber: { ...upload.subscriber, k: '465b' } };
  const refused = await ask('POST', '/operator/profiles', { token, body: short });
  assert.equal(refused.status, 400);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
});

test('an order is confirmed and released, and every call happens once', async () => {
  const ordered = await es2('downloadOrder', 'call-1', { iccid: ICCID });
  assert.equal(executed(ordered).iccid, ICCID);
  assert.equal((await states())[ICCID], 'Allocated');
  // SGP.22 §5.3: the same call again has the same answer; another one finds it taken.
  assert.deepEqual((await es2('downloadOrder', 'call-1', { iccid: ICCID })).body, ordered.body);
  refusedWith(await es2('downloadOrder', 'call-2', { iccid: ICCID }), '8.2.1', '3.3');

  const confirmed = await es2('confirmOrder', 'call-3', { iccid: ICCID, releaseFlag: false });
  const { matchingId, smdpAddress } = executed(confirmed);
  assert.match(matchingId, /^[0-9A-Z-]+$/);
  assert.equal(smdpAddress, address);
  assert.equal((await states())[ICCID], 'Confirmed');
  const again = await es2('confirmOrder', 'call-3', { iccid: ICCID, releaseFlag: false });
  assert.deepEqual(again.body, confirmed.body, 'the matching id is drawn once');

  const released = await es2('releaseProfile', 'call-4', { iccid: ICCID });
  executed(released);
  assert.equal((await states())[ICCID], 'Released');
  assert.deepEqual((await es2('releaseProfile', 'call-4', { iccid: ICCID })).body, released.body);

  // The name of a call that was something else.
  const reused = await es2('releaseProfile', 'call-1', { iccid: ICCID });
  refusedWith(reused, '1.6', '3.3');
  refusedWith(await es2('downloadOrder', 'call-5', { iccid: '8900000000000000999' }), '8.2.1', '3.9');
});

test('of orders for one profile at the same time one gets it', async () => {
  const iccid = '89000000000000009013';
  const body = { ...upload, subscriber: { ...upload.subscriber, iccid, imsi: '001010000009002' } };
  assert.equal((await ask('POST', '/operator/profiles', { token, body })).status, 201);
  const calls = Array.from({ length: 8 }, (_, at) => es2('downloadOrder', `race-${at}`, { iccid }));
  const answers = await Promise.all(calls);
  const won = answers.filter((answer) => answer.body.iccid === iccid);
  assert.equal(won.length, 1);
  executed(won[0]);
  for (const answer of answers) if (answer !== won[0]) refusedWith(answer, '8.2.1', '3.3');
});

test('initiateAuthentication is answered under a key that the certificate names', async () => {
  const body = executed(await es9('initiateAuthentication', initiate(ci)));
  assert.match(body.transactionId, /^[0-9A-F]{2,32}$/i);
  assert.equal(Buffer.from(body.euiccCiPKIdToBeUsed, 'base64').toString('hex'), tlv('04', ci).toLowerCase());
  const certificate = new X509Certificate(Buffer.from(body.serverCertificate, 'base64'));
  const signed = Buffer.from(body.serverSigned1, 'base64');
  const object = Buffer.from(body.serverSignature1, 'base64');
  assert.equal(object.subarray(0, 3).toString('hex'), '5f3740');
  const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' };
  assert.ok(verify('sha256', signed, key, object.subarray(3)), 'serverSignature1 is over serverSigned1');
  // The challenge as sent, the address as called (SGP.22 §5.7.13).
  const held = signed.toString('hex');
  assert.ok(held.includes(tlv('81', '00112233445566778899aabbccddeeff')));
  assert.ok(held.includes(tlv('83', Buffer.from(address).toString('hex'))));
  assert.ok(held.includes(tlv('80', body.transactionId.toLowerCase())));

  const next = executed(await es9('initiateAuthentication', initiate(ci)));
  assert.notEqual(next.transactionId, body.transactionId);
});

test('a chip of another CI and a call to another server are refused', async () => {
  const unknown = 'ab'.repeat(20);
  refusedWith(await es9('initiateAuthentication', initiate(unknown)), '8.8.4', '3.7');
  // Trusts ours, has a certificate under another.
  const info = tlv('bf20', tlv('82', '020202'), tlv('a9', tlv('04', ci)), tlv('aa', tlv('04', unknown)));
  const mixed = { ...initiate(ci), euiccInfo1: base64(info) };
  refusedWith(await es9('initiateAuthentication', mixed), '8.8.2', '3.1');
  refusedWith(await es9('initiateAuthentication', initiate(ci, 'other.example')), '8.8.1', '3.8');
});

test('a transaction that nobody began is unknown', async () => {
  const transactionId = '00112233445566778899AABBCCDDEEFF';
  const error = tlv('a1', tlv('80', transactionId), tlv('02', '7f'));
  const calls = [
    ['authenticateClient', { authenticateServerResponse: base64(tlv('bf38', error)) }],
    ['getBoundProfilePackage', { prepareDownloadResponse: base64(tlv('bf21', error)) }],
    ['cancelSession', { cancelSessionResponse: base64(tlv('bf41', tlv('81', '05'))) }],
  ];
  for (const [name, body] of calls) {
    refusedWith(await es9(name, { transactionId, ...body }), '8.10.1', '3.9');
  }
});

test('what cannot be read is refused as such', async () => {
  const good = initiate(ci);
  const der = (hex) => ({ ...good, euiccInfo1: base64(hex) });
  const bodies = [
    '', '{', 'null', '[]', '{}', '"x"', '\u0000', '['.repeat(5000),
    { ...good, euiccChallenge: '!' },
    { ...good, euiccChallenge: base64('00') },
    { ...good, euiccInfo1: 7 },
    der(''), der('bf20'), der('bf2084ffffffff'), der('bf2080'), der(`${euiccInfo1(ci)}00`),
    der(euiccInfo1(ci).slice(0, -2)), der(tlv('bf21', tlv('82', '020202'))),
  ];
  for (const body of bodies) {
    const { status, headers, body: problem } = await es9('initiateAuthentication', body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.equal(headers.get('content-type'), 'application/problem+json');
    assert.equal(problem.status, 400);
  }
  const { transactionId } = executed(await es9('initiateAuthentication', good));
  for (const [name, field] of [
    ['authenticateClient', 'authenticateServerResponse'],
    ['getBoundProfilePackage', 'prepareDownloadResponse'],
    ['cancelSession', 'cancelSessionResponse'],
    ['handleNotification', 'pendingNotification'],
  ]) {
    for (const hex of ['', 'ff', 'bf', 'bf3884ffffffff', 'bf3800', 'bf2100', 'bf4100', 'bf3700', '3000']) {
      const { status } = await es9(name, { transactionId, [field]: base64(hex) });
      assert.equal(status, 400, `${name} ${hex}`);
    }
  }
  assert.equal((await es9('getEverything', {})).status, 404);
  assert.equal((await ask('GET', `${ES9}initiateAuthentication`)).status, 405);
  const text = { body: '{}', headers: { 'content-type': 'text/plain' } };
  assert.equal((await ask('POST', `${ES9}initiateAuthentication`, text)).status, 415);
  const long = { body: JSON.stringify({ ...good, more: 'x'.repeat(64 * 1024) }) };
  assert.equal((await ask('POST', `${ES9}initiateAuthentication`, long)).status, 413);
});

test('a page of another origin may ask for ES9+ and nothing else', async () => {
  const headers = { origin: 'https://page.example', 'access-control-request-method': 'POST' };
  const es9plus = await ask('OPTIONS', `${ES9}initiateAuthentication`, { headers });
  assert.equal(es9plus.status, 204);
  assert.equal(es9plus.headers.get('access-control-allow-origin'), '*');
  assert.equal(es9plus.headers.get('access-control-allow-methods'), 'POST');
  assert.match(es9plus.headers.get('access-control-allow-headers'), /x-admin-protocol/);
  for (const path of [`${ES2}downloadOrder`, '/operator/profiles']) {
    const response = await ask('OPTIONS', path, { headers });
    assert.equal(response.headers.get('access-control-allow-origin'), null, path);
  }
});

test('an order outlives the objects that hold it, and the runtime', async () => {
  const before = await ask('GET', `/operator/orders/${ICCID}`, { token });
  assert.equal(before.body.state, 'Released');
  await runtime.evict('edge-smdp', 'STORE');
  assert.deepEqual((await ask('GET', `/operator/orders/${ICCID}`, { token })).body, before.body);
  await runtime.restart();
  assert.deepEqual((await ask('GET', `/operator/orders/${ICCID}`, { token })).body, before.body);
  // And so does the memory of calls.
  executed(await es2('releaseProfile', 'call-4', { iccid: ICCID }));
  refusedWith(await es2('downloadOrder', 'call-6', { iccid: ICCID }), '8.2.1', '3.3');
});

test('who asks too often is told to wait', async () => {
  const few = await start(['edge-smdp'], {}, (configuration) => {
    for (const { simple } of configuration.ratelimits) simple.limit = 5;
  });
  try {
    const from = (address) => few.ask('edge-smdp', 'POST', `${ES9}initiateAuthentication`, {
      body: initiate(ci), headers: { 'cf-connecting-ip': address },
    });
    const statuses = [];
    for (let at = 0; at < 8; at += 1) statuses.push((await from('192.0.2.1')).status);
    assert.deepEqual(statuses.slice(0, 5), [200, 200, 200, 200, 200]);
    assert.equal(statuses.at(-1), 429);
    const refused = await from('192.0.2.1');
    assert.equal(refused.headers.get('retry-after'), '60');
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    // Not others.
    assert.equal((await from('192.0.2.2')).status, 200);
    // A network of IPv6 is one caller, whatever address it takes.
    const six = [];
    for (let at = 1; at <= 8; at += 1) six.push((await from(`2001:db8::${at}`)).status);
    assert.deepEqual([six[0], six.at(-1)], [200, 429]);
    assert.equal((await from('2001:db8:0:1::1')).status, 200);
  } finally {
    await few.close();
  }
});

test('the metrics count what happened, also before a restart', async () => {
  const { status, body } = await ask('GET', '/operator/metrics', { token });
  assert.equal(status, 200);
  assert.match(body, /^smdp_profiles\{state="Released"\} 1$/m);
  assert.match(body, /^smdp_events_total\{event="ordered"\} 2$/m);
  assert.ok(!body.includes(ICCID));
});

test('a body whose length nobody says is cut off where it gets too long', async () => {
  const stream = (pieces) => new ReadableStream({
    pull(controller) {
      if (pieces === 0) return controller.close();
      pieces -= 1;
      return controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
    },
  });
  for (const [pieces, expected] of [[1, 400], [2, 413], [64, 413]]) {
    const { status } = await ask('POST', `${ES9}initiateAuthentication`, { body: stream(pieces) });
    assert.equal(status, expected, `${pieces} pieces`);
  }
});
