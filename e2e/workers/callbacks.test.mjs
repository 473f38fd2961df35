// What the SM-DP+ sends by itself, over HTTP: to the operator (SGP.22 §5.3.5, §5.3.6 as §6.5.2 has them) and to
// an SM-DS (§5.8). Both are played here by servers that can be told how to answer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Euicc } from './euicc.mjs';
import { executed, laboratory, startOutgoing } from './runtime.mjs';

const { OPERATOR_TOKEN: token, SMDP_ADDRESSES: address } = laboratory['edge-smdp'];
const SECRET = 'what-the-operator-knows-us-by';
const DONE = JSON.stringify({ header: { functionExecutionStatus: { status: 'Executed-Success' } } });

/** A server on the loopback that keeps what it was sent, with the time; `answer` is what it does. */
class Peer {
  calls = [];
  answer = Peer.done;
  #sockets = new Set();
  #server;
  port = 0;

  static done(response) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(DONE);
  }

  static status(status, headers = {}) {
    return (response) => response.writeHead(status, headers).end();
  }

  async open() {
    this.#server = createServer(async (request, response) => {
      const pieces = [];
      for await (const piece of request) pieces.push(piece);
      const { method, url: path, headers } = request;
      this.calls.push({ at: Date.now(), method, path, headers, body: JSON.parse(Buffer.concat(pieces)) });
      this.answer(response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    return this;
  }

  async close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  /** Those of a profile, once there are so many. */
  async heard(iccid, count, seconds = 10) {
    const of = () => this.calls.filter(({ body }) => body.iccid === iccid);
    await until(() => of().length >= count, seconds, () => `${of().length} calls instead of ${count}`);
    return of();
  }
}

async function until(holds, seconds, said = () => 'it does not come about') {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(await said());
    await pause(50);
  }
}

let runtime;
let operator;
let elsewhere;
let euicc;
let made = 0;
/** What no line of the log may have. */
const unsaid = [token, SECRET];
let calls = 0;

const ask = (method, path, { body, token: shown = token } = {}) => runtime.ask(path, {
  method,
  headers: {
    ...(shown === null ? {} : { authorization: `Bearer ${shown}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  },
  body: body && JSON.stringify(body),
});
const es9 = async (name, body) => executed(await ask('POST', `/gsma/rsp2/es9plus/${name}`, { body, token: null }));
const es2 = async (name, body) => executed(await ask('POST', `/gsma/rsp2/es2plus/${name}`, {
  body: { header: { functionRequesterIdentifier: '2.999.1', functionCallIdentifier: `told-${calls += 1}` }, ...body },
}));
const notify = async (body) => {
  assert.equal((await ask('POST', '/gsma/rsp2/es9plus/handleNotification', { body, token: null })).status, 204);
};
const waiting = async (iccid) => (await ask('GET', '/operator/outbox')).body.messages.filter((it) => it.iccid === iccid);
const settled = (iccid, seconds = 10) =>
  until(async () => (await waiting(iccid)).length === 0, seconds, async () => JSON.stringify(await waiting(iccid)));

/** A new profile. */
async function profile() {
  made += 1;
  const iccid = `890000000000000088${String(made).padStart(2, '0')}`;
  const { status, body } = await ask('POST', '/operator/profiles', {
    body: {
      profileType: 'told',
      metadata: { serviceProviderName: 'Example', profileName: 'Told', profileClass: 'operational' },
      subscriber: {
        iccid,
        imsi: `0010100000088${String(made).padStart(2, '0')}`,
        algorithm: 'milenage',
        // TS 35.208 §4.3.1, test set 1.
        k: '465b5ce8b199b49faa5f0a2ee238a6bc',
        opc: 'cd63cb71954a9f4e48a5994e37a02baf',
      },
    },
  });
  assert.equal(status, 201, JSON.stringify(body));
  unsaid.push(iccid);
  return iccid;
}

/** An order, and the eUICC that has authenticated itself for it: the first step that is told. */
async function begun() {
  const iccid = await profile();
  await es2('downloadOrder', { iccid });
  const { matchingId } = await es2('confirmOrder', { iccid, releaseFlag: true });
  unsaid.push(matchingId);
  const offer = await es9('initiateAuthentication', euicc.initiate());
  return { iccid, offered: await es9('authenticateClient', euicc.authenticate(offer, matchingId)) };
}

before(async () => {
  operator = await new Peer().open();
  elsewhere = await new Peer().open();
  runtime = await startOutgoing('edge-smdp', {
    OPERATOR_CALLBACK: `http://127.0.0.1:${operator.port}/callbacks/`, OPERATOR_CALLBACK_TOKEN: SECRET,
  });
  const { body } = await ask('GET', '/operator/health');
  euicc = new Euicc(body.credentials[0].ciPkId, address);
  unsaid.push(euicc.eid);
});

after(async () => {
  await runtime?.close();
  await operator?.close();
  await elsewhere?.close();
});

test('the operator is told of each step of a download and of what becomes of the profile', async () => {
  const { iccid, offered } = await begun();
  const package_ = await es9('getBoundProfilePackage', euicc.prepare(offered));
  assert.equal(Buffer.from(package_.boundProfilePackage, 'base64').subarray(0, 2).toString('hex'), 'bf36');
  const [{ body: { header } }] = await operator.heard(iccid, 2);
  const before_ = Date.now();
  await notify(euicc.installed(offered, iccid, header.functionRequesterIdentifier));
  for (const event of ['enable', 'disable', 'delete']) await notify(euicc.other(event, iccid));
  const told = await operator.heard(iccid, 6);
  await settled(iccid);
  const [progress, event] = ['handleDownloadProgressInfo', 'handleNotification'];
  assert.deepEqual(told.map(({ path, body }) => [path, body.notificationPointId ?? body.notificationEvent]), [
    [progress, 1], [progress, 3], [progress, 4], [event, 'enable'], [event, 'disable'], [event, 'delete'],
  ].map(([name, what]) => [`/callbacks/gsma/rsp2/es2plus/${name}`, what]));
  const names = new Set();
  for (const { method, headers, body } of told) {
    assert.equal(method, 'POST');
    assert.equal(headers.authorization, `Bearer ${SECRET}`);
    assert.match(headers['content-type'], /^application\/json/);
    assert.match(headers['x-admin-protocol'], /^gsma\/rsp\/v2\.\d+\.\d+$/);
    assert.equal(body.eid, euicc.eid);
    assert.equal(body.profileType, 'told');
    assert.match(body.header.functionRequesterIdentifier, /^\d+(\.\d+)+$/);
    names.add(body.header.functionCallIdentifier);
    const { status } = body.notificationPointStatus ?? body.notificationEventStatus;
    assert.equal(status, 'Executed-Success');
    assert.match(body.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
  assert.equal(names.size, told.length, 'every call has its own name');
  // What the eUICC signed.
  assert.equal(Buffer.from(told[2].body.resultData, 'base64').subarray(0, 2).toString('hex'), 'bf27');
  assert.ok(Math.abs(Date.parse(told[2].body.timestamp) - before_) < 5000);
  assert.equal((await ask('GET', `/operator/orders/${iccid}`)).body.state, 'Deleted');
});

test('what is not acknowledged comes again, later each time; a redirect is not followed', async () => {
  const answers = [
    Peer.status(503),
    Peer.status(307, { location: `http://127.0.0.1:${elsewhere.port}/callbacks/gsma/rsp2/es2plus/handleDownloadProgressInfo` }),
  ];
  operator.answer = (response) => (answers.shift() ?? Peer.done)(response);
  const { iccid, offered } = await begun();
  await operator.heard(iccid, 1);
  await until(async () => (await waiting(iccid))[0]?.attempts === 1, 5);
  const [first] = await waiting(iccid);
  assert.match(first.lastError, /503/);
  // The next step waits behind it.
  await es9('getBoundProfilePackage', euicc.prepare(offered));
  await operator.heard(iccid, 2, 20);
  await until(async () => (await waiting(iccid))[0]?.attempts === 2, 5);
  assert.match((await waiting(iccid))[0].lastError, /307/);
  const told = await operator.heard(iccid, 4, 40);
  await settled(iccid);
  assert.deepEqual(told.map(({ body }) => body.notificationPointId), [1, 1, 1, 3]);
  assert.deepEqual(told[1].body, told[0].body, 'the same call, by the same name');
  assert.deepEqual(told[2].body, told[0].body);
  // Ten and twenty seconds, a quarter more or less; the clock has whole seconds.
  const [one, two] = [told[1].at - told[0].at, told[2].at - told[1].at];
  assert.ok(one > 6_000 && one < 15_000, `${one} ms`);
  assert.ok(two > 13_500 && two < 28_000, `${two} ms`);
  assert.deepEqual(elsewhere.calls, [], 'nobody else is told');
});

test('an operator that is not there is told when it is back', async () => {
  operator.answer = Peer.done;
  await operator.close();
  const { iccid } = await begun();
  await until(async () => (await waiting(iccid))[0]?.attempts === 1, 5);
  const [{ lastError }] = await waiting(iccid);
  assert.ok(lastError.length > 0 && !lastError.includes(SECRET), lastError);
  await operator.open();
  const told = await operator.heard(iccid, 1, 20);
  await settled(iccid);
  assert.deepEqual(told.map(({ body }) => body.notificationPointId), [1]);
});

test('an answer without an end is not read to its end', async () => {
  let sent = 0;
  let closed = false;
  const SIZE = 64 * 1024;
  operator.answer = (response) => {
    response.on('close', () => (closed = true));
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      let goes = true;
      while (!closed && goes) {
        goes = response.write(Buffer.alloc(SIZE, 0x20));
        sent += SIZE;
      }
      if (!closed) response.once('drain', more);
    };
    more();
  };
  const { iccid } = await begun();
  await operator.heard(iccid, 1);
  // A status 200 is the acknowledgement (SGP.22 §6.5.2 leaves its body open); nothing waits for the rest.
  await until(() => closed, 8, () => `${sent} bytes, and no end`);
  await settled(iccid, 5);
  assert.ok(sent < 16 * 1024 * 1024, `${sent} bytes`);
  assert.equal(operator.calls.filter(({ body }) => body.iccid === iccid).length, 1);
});

test('an operator that takes its time is asked again, and holds nobody up', async () => {
  const held = [];
  operator.answer = (response) => (held.length === 0 ? held.push(response) : Peer.done(response));
  // Nothing of the tests before it is on its way.
  assert.deepEqual((await ask('GET', '/operator/outbox')).body.messages, []);
  const { iccid } = await begun();
  await operator.heard(iccid, 1);
  // Meanwhile the server serves.
  const begin = Date.now();
  await es9('initiateAuthentication', euicc.initiate());
  assert.ok(Date.now() - begin < 5_000);
  await until(async () => (await waiting(iccid))[0]?.attempts === 1, 30);
  const told = await operator.heard(iccid, 2, 20);
  await settled(iccid);
  assert.deepEqual(told[1].body, told[0].body);
  assert.ok(told[1].at - told[0].at > 20_000);
  held[0].destroy();
});

test('an SM-DS is told of an event, and that it is over, until it has heard', async () => {
  operator.answer = Peer.done;
  elsewhere.calls.length = 0;
  const iccid = await profile();
  const smdsAddress = `127.0.0.1:${elsewhere.port}`;
  await es2('downloadOrder', { iccid, eid: euicc.eid });
  const { matchingId } = await es2('confirmOrder', { iccid, eid: euicc.eid, smdsAddress, releaseFlag: true });
  const [registered] = elsewhere.calls;
  assert.equal(registered.path, '/gsma/rsp2/es12/registerEvent');
  assert.equal(registered.headers.authorization, undefined, 'the operator’s secret is the operator’s');
  const { header, ...event } = registered.body;
  assert.match(header.functionRequesterIdentifier, /^\d+(\.\d+)+$/);
  assert.deepEqual(event, {
    eid: euicc.eid, rspServerAddress: address, eventId: matchingId, forwardingIndicator: false,
  });
  // An order is not confirmed while its SM-DS does not answer (§5.3.2: 8.9, 5.1).
  const other = await profile();
  elsewhere.answer = Peer.status(500);
  await es2('downloadOrder', { iccid: other, eid: euicc.eid });
  const refused = await ask('POST', '/gsma/rsp2/es2plus/confirmOrder', {
    body: {
      header: { functionRequesterIdentifier: '2.999.1', functionCallIdentifier: 'no-sm-ds' },
      iccid: other, eid: euicc.eid, smdsAddress, releaseFlag: true,
    },
  });
  const { statusCodeData } = refused.body.header.functionExecutionStatus;
  assert.deepEqual([statusCodeData.subjectCode, statusCodeData.reasonCode], ['8.9', '5.1']);
  assert.equal((await ask('GET', `/operator/orders/${other}`)).body.state, 'Linked');

  elsewhere.calls.length = 0;
  await es2('cancelOrder', { iccid, finalProfileStatusIndicator: 'Available' });
  const deletions = () => elsewhere.calls.filter(({ path, body }) =>
    path === '/gsma/rsp2/es12/deleteEvent' && body.eventId === matchingId);
  await until(() => deletions().length === 1, 5);
  elsewhere.answer = Peer.done;
  await until(() => deletions().length === 2, 20);
  // The one that was to follow had the order not come about finds nothing to do, in ten minutes.
  await until(async () => (await waiting(iccid)).every(({ due }) => due > Date.now() / 1000 + 60), 5);
  const [first, second] = deletions();
  assert.deepEqual(second.body, first.body);
  assert.equal(first.body.eid, euicc.eid);
});

test('every call has left a line in the log, and no line has a secret or a whole identifier', async () => {
  const lines = runtime.said.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const of = (name) => lines.filter((line) => line.function === name);
  for (const line of lines) {
    assert.ok(Number.isInteger(line.milliseconds) && Number.isInteger(line.status), JSON.stringify(line));
  }
  assert.equal(of('downloadOrder')[0].requester, '2.999.1');
  assert.equal(of('profiles')[0].requester, 'operator-token');
  const [began] = of('initiateAuthentication');
  assert.match(began.session, /^[0-9a-f]{12}$/);
  // The first download, from its beginning to its end.
  const session = lines.filter((line) => line.session === began.session).map((line) => line.function);
  assert.deepEqual(session, [
    'initiateAuthentication', 'authenticateClient', 'getBoundProfilePackage', 'handleNotification',
  ]);
  const [authenticated] = of('authenticateClient');
  assert.equal(authenticated.requester, `${euicc.eid.slice(0, 6)}…${euicc.eid.slice(-4)}`);
  const [refused] = lines.filter((line) => line.refused === '8.9/5.1');
  assert.equal(refused.function, 'confirmOrder');
  const all = runtime.said.join('\n');
  for (const text of unsaid) assert.ok(!all.includes(text), text);
});
