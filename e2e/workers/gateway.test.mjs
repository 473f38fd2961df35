// The network's gateway in its runtime: an SM that is reached over the Internet (played here, with TLS),
// ways around the list as bytes on a socket, names, and the record of verdicts.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTrap } from 'node:http';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
/** A certificate for this machine that nobody has signed but its own key: the files of the two. */
function certificate(name, more = []) {
  const files = ['key', 'certificate'].map((kind) => join(folder, `${name}-${kind}.pem`));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', files[0], '-out', files[1],
    ...more,
  ], { stdio: 'ignore' });
  return files;
}
const [keyFile, certificateFile] = certificate('trusted');

// The runtime itself: what wrangler's test harness starts has its requests made by Node.js.
const { default: program } = createRequire(createRequire(import.meta.url).resolve('wrangler'))('workerd');

const member = resolve(import.meta.dirname, '../../net-policy-worker');
const configuration = JSON.parse(readFileSync(join(member, 'wrangler.jsonc'), 'utf8').replace(/^\s*\/\/.*$/gm, ''));
const { OPERATOR_TOKEN: token, SM_ADDRESSES: sm } = JSON.parse(process.env.LABORATORY)['net-policy-worker'];
const K = '000102030405060708090a0b0c0d0e0f';
const BOOTSTRAP = '001010000009201';
const PATH = '/gsma/rsp2/es9plus/initiateAuthentication';

let runtime;
/** The SM outside: `host:port`, what has reached it, and how it answers next. */
let outside;
const seen = [];
let next;
/** Where nothing may ever arrive. */
let trap;
let trapped = 0;
let servers = [];

/**
 * Starts the network, without an SM of the deployment's own, with more variables. `allow` is where
 * the runtime connects to.
 */
async function start(more = {}, allow = ['public', 'private']) {
  const home = mkdtempSync(join(folder, 'network-'));
  mkdirSync(join(home, 'objects'));
  for (const name of ['index.js', 'index_bg.wasm']) copyFileSync(join(member, 'build', name), join(home, name));
  const text = JSON.stringify;
  const { durable_objects: { bindings }, vars, compatibility_date: date } = configuration;
  const variables = Object.entries({ ...vars, SM_ADDRESSES: sm, OPERATOR_TOKEN: token, ...more });
  // The certificate in the syntax of Cap'n Proto's text, which is JSON's.
  writeFileSync(join(home, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = ${text(join(home, 'objects'))}, writable = true)),
    (name = "internet", network = (allow = ${text(allow)},
      tlsOptions = (trustBrowserCas = false, trustedCertificates = [${text(readFileSync(certificateFile, 'utf8'))}]))) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ] );
const worker :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"), (name = "index_bg.wasm", wasm = embed "index_bg.wasm") ],
  compatibilityDate = ${text(date)}, compatibilityFlags = ${text(configuration.compatibility_flags ?? [])},
  bindings = [
    ${variables.map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`).join(',\n    ')},
    ${bindings.map(({ name, class_name: of }) => `(name = ${text(name)}, durableObjectNamespace = ${text(of)})`).join(',\n    ')} ],
  durableObjectNamespaces = [
    ${bindings.map(({ class_name: of }) => `(className = ${text(of)}, uniqueKey = ${text(of)}, enableSql = true)`).join(',\n    ')} ],
  durableObjectStorage = (localDisk = "disk") );
`, { mode: 0o600 });
  const serve = () => new Promise((done, failed) => {
    const stdio = ['ignore', 'pipe', 'inherit', 'pipe'];
    const child = spawn(program, ['serve', '--control-fd=3', join(home, 'config.capnp')], { stdio });
    const log = [];
    child.stdout.on('data', (chunk) => log.push(chunk));
    child.on('exit', (code) => failed(new Error(`workerd ended with ${code}`)));
    let told = '';
    child.stdio[3].on('data', (chunk) => {
      told += chunk;
      const listening = told.split('\n').find((line) => line.includes('"listen"'));
      if (listening) done({ child, log, url: new URL(`http://127.0.0.1:${JSON.parse(listening).port}`) });
    });
  });
  const end = (child) => new Promise((done) => {
    child.once('exit', done);
    child.kill('SIGTERM');
  });
  let running = await serve();
  const network = {
    get url() { return running.url; },
    /** What the worker has written into its log. */
    get log() { return Buffer.concat(running.log).toString(); },
    /** A request; a body that is no string is sent as JSON. */
    async ask(method, path, { token, body, headers = {} } = {}) {
      const response = await fetch(new URL(path, running.url), {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      });
      const answer = await response.text();
      const json = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(answer) : answer };
    },
    /** A session of the subscriber that has no contract yet. */
    async session() {
      const { body } = await network.ask('POST', '/network/attach', { body: { imsi: BOOTSTRAP } });
      const res = xdout(body.rand).toString('hex');
      const answer = await network.ask('POST', `/network/attach/${body.attachId}/response`, { body: { res } });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body.sessionId;
    },
    /** Starts the runtime again over the same storage. */
    async restart() {
      await end(running.child);
      running = await serve();
    },
    close: () => end(running.child),
  };
  const record = { algorithm: 'xor', k: K, class: 'provisioning' };
  await network.ask('PUT', `/network/subscribers/${BOOTSTRAP}`, { token, body: record });
  return network;
}

const ask = (method, path, options) => runtime.ask(method, path, options);
const listening = (server) => new Promise((resolve) => {
  servers.push(server);
  server.listen(0, '127.0.0.1', () => resolve(server.address().port));
});
const xor = (a, b) => Buffer.from(a.map((byte, at) => byte ^ b[at]));
/** What the test algorithm makes of a challenge (TS 34.108 §8.1.2). */
const xdout = (rand) => xor(Buffer.from(rand, 'hex'), Buffer.from(K, 'hex'));

const session = () => runtime.session();
const through = (id, target, options = {}) =>
  ask('POST', `/network/sessions/${id}/http/${target}`, { body: { a: 1 }, ...options });

before(async () => {
  const tls = { key: readFileSync(keyFile), cert: readFileSync(certificateFile) };
  const server = createServer(tls, (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const { status = 200, headers: more = {}, body = '{"outside":true}' } = next ?? {};
      next = undefined;
      response.writeHead(status, { 'content-type': 'application/json', ...more });
      response.end(body);
    });
  });
  outside = `localhost:${await listening(server)}`;
  trap = `127.0.0.1:${await listening(createTrap((_, response) => {
    trapped += 1;
    response.end();
  }))}`;
  runtime = await start({ OUTSIDE_SMS: outside, OUTSIDE_PRIVATE: 'permitted' });
});

after(async () => {
  await runtime?.close();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
  assert.equal(trapped, 0, 'nothing has gone where a redirect led');
});

test('an SM outside is reached as an LPA in a device reaches it, and is told nothing of who asks', async () => {
  const { body: health } = await ask('GET', '/network/health');
  assert.deepEqual([health.smAddresses, health.outside], [[sm], [outside]]);
  const id = await session();
  next = { headers: { 'set-cookie': 'a=b; Path=/', 'x-admin-protocol': 'gsma/rsp/v2.2.0' } };
  const headers = {
    'x-admin-protocol': 'gsma/rsp/v2.2.2', cookie: 'session=1', 'x-forwarded-for': '192.0.2.1', 'user-agent': 'Mozilla/5.0',
  };
  const answer = await through(id, outside + PATH, { headers, token });
  assert.deepEqual([answer.status, answer.body], [200, { outside: true }]);
  assert.equal(answer.headers.get('x-admin-protocol'), 'gsma/rsp/v2.2.0');
  assert.equal(answer.headers.get('set-cookie'), null);
  await through(id, outside + PATH);
  const [first, second] = seen.splice(0);
  assert.deepEqual([first.method, first.url, first.body], ['POST', PATH, '{"a":1}']);
  assert.equal(first.headers.host, outside);
  assert.equal(first.headers['user-agent'], 'gsma-rsp-lpad', 'SGP.22 §6.5.1.3');
  for (const name of ['cookie', 'authorization', 'origin', 'referer', 'x-forwarded-for']) {
    assert.equal(first.headers[name], undefined, name);
    assert.equal(second.headers[name], undefined, name);
  }
});

test('no redirect of an SM is followed', async () => {
  const id = await session();
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of [`http://${trap}/`, `//${trap}/`, '/gsma/rsp2/es2plus/x', `https://${outside}${PATH}`]) {
      next = { status, headers: { location } };
      const answer = await through(id, outside + PATH);
      assert.deepEqual([answer.status, answer.headers.get('location')], [502, null], `${status} ${location}`);
    }
  }
  assert.equal(seen.splice(0).length, 20, 'each was asked once');
});

test('an answer is no longer than it may be, however small it is on the way', async () => {
  const id = await session();
  const long = Buffer.alloc(5 * 1024 * 1024, ' ');
  const answers = [
    { body: long },
    { body: gzipSync(long), headers: { 'content-encoding': 'gzip' } },
    { body: brotliCompressSync(long), headers: { 'content-encoding': 'br' } },
    { body: 'x', headers: { 'content-encoding': 'zstd' } },
    { body: gzipSync(gzipSync(long)), headers: { 'content-encoding': 'gzip, gzip' } },
  ];
  for (next of answers) {
    const { headers } = next;
    assert.equal((await through(id, outside + PATH)).status, 502, JSON.stringify(headers));
  }
  next = { body: gzipSync('{"small":true}'), headers: { 'content-encoding': 'gzip' } };
  assert.deepEqual((await through(id, outside + PATH)).body, { small: true });
  assert.ok(seen.splice(0).every(({ headers }) => /^identity$/.test(headers['accept-encoding'] ?? 'identity')));
});

test('an SM that shows a certificate which is not trusted, or none, is not reached', async () => {
  let reached = 0;
  const answer = (_, response) => {
    reached += 1;
    response.end();
  };
  const [otherKey, other] = certificate('other', ['-addext', 'basicConstraints=critical,CA:FALSE']);
  const ports = [
    await listening(createServer({ key: readFileSync(otherKey), cert: readFileSync(other) }, answer)),
    await listening(createTrap(answer)),
  ];
  const list = ports.map((port) => `localhost:${port}`);
  const network = await start({ OUTSIDE_SMS: list.join(','), OUTSIDE_PRIVATE: 'permitted' });
  try {
    const sessionId = await network.session();
    for (const authority of list) {
      const refused = await network.ask('POST', `/network/sessions/${sessionId}/http/${authority}${PATH}`, { body: {} });
      assert.deepEqual([refused.status, refused.body.because], [502, 'the SM cannot be reached'], authority);
    }
  } finally {
    await network.close();
  }
  assert.equal(reached, 0);
});

test('a name of the list that leads to a private address is not followed by a runtime that knows', async () => {
  // What `docs/deploying.md` has who runs workerd by themselves do; the platform does so by itself.
  const network = await start({ OUTSIDE_SMS: outside, OUTSIDE_PRIVATE: 'permitted' }, ['public']);
  try {
    const target = `/network/sessions/${await network.session()}/http/${outside}${PATH}`;
    assert.equal((await network.ask('POST', target, { body: {} })).status, 502);
  } finally {
    await network.close();
  }
  assert.equal(seen.length, 0);
});

test('a public deployment is not set up with an address that is not public', async () => {
  for (const list of ['localhost', 'sm.internal', '169.254.169.254']) {
    const other = await start({ OUTSIDE_SMS: list });
    try {
      assert.equal((await other.ask('GET', '/network/health')).status, 500, list);
    } finally {
      await other.close();
    }
  }
});

/** The statuses that bytes on a connection are answered with. */
function answered(...parts) {
  const { hostname, port } = runtime.url;
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''));
    const chunks = [];
    // What waits for more is told that there is none.
    socket.on('connect', () => socket.end(Buffer.concat(parts.map((part) => Buffer.from(part, 'latin1')))));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      resolve([...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)));
    });
  });
}

test('ways around the list, byte by byte', async () => {
  const id = await session();
  const gateway = `/network/sessions/${id}/http/`;
  const host = runtime.url.host;
  const bytes = (target, { method = 'POST', headers = [], body = '{}', length = body.length } = {}) => [
    `${method} ${target} HTTP/1.1\r\n`,
    ...(headers.some((line) => /^host:/i.test(line)) ? [] : [`Host: ${host}\r\n`]),
    ...(length === null ? [] : [`Content-Length: ${length}\r\n`]),
    ...headers.map((line) => `${line}\r\n`), 'Connection: close\r\n', '\r\n', body,
  ];
  assert.deepEqual(await answered(...bytes(gateway + outside + PATH)), [200], 'the way there');
  assert.equal(seen.splice(0).length, 1);

  const port = outside.split(':')[1];
  const targets = [
    `${gateway}${outside}@evil.example${PATH}`,
    `${gateway}evil.example@${outside}${PATH}`,
    `${gateway}localhost:${port}0${PATH}`,
    `${gateway}localhost:${PATH}`,
    `${gateway}localhost.:${port}${PATH}`,
    `${gateway}l%6fcalhost:${port}${PATH}`,
    `${gateway}127.0.0.1:${port}${PATH}`,
    `${gateway}2130706433:${port}${PATH}`,
    `${gateway}0x7f.1:${port}${PATH}`,
    `${gateway}017700000001:${port}${PATH}`,
    `${gateway}[::1]:${port}${PATH}`,
    `${gateway}[::ffff:127.0.0.1]:${port}${PATH}`,
    `${gateway}%5B::1%5D:${port}${PATH}`,
    `${gateway}localhost\xe3\x80\x82:${port}${PATH}`,
    `${gateway}\xd0\xbbocalhost:${port}${PATH}`,
    `${gateway}${outside}/gsma/rsp2/es9plus/%2e%2e/es2plus/downloadOrder`,
    `${gateway}${outside}/gsma/rsp2/es9plus/..%2f..%2foperator`,
    `${gateway}${outside}/gsma/rsp2/es9plus/%252e%252e/es2plus/downloadOrder`,
    `${gateway}${outside}/gsma/rsp2/es9plus/%c0%ae%c0%ae/es2plus/downloadOrder`,
    `${gateway}${outside}/gsma/rsp2/es9plus/\xc0\xae\xc0\xae/es2plus/downloadOrder`,
    `${gateway}${outside}/gsma/rsp2/es9plus/../es2plus/downloadOrder`,
    `${gateway}${outside}/gsma/rsp2/es9plus/..\\..\\operator`,
    `${gateway}${outside}\\gsma\\rsp2\\es2plus\\downloadOrder`,
    `${gateway}${outside}//gsma/rsp2/es9plus/x`,
    `${gateway}${outside}${PATH}?next=http://${trap}/`,
    `${gateway}${outside}${PATH}%00`,
    `${gateway}${outside}${PATH}%0d%0aHost:%20${trap}`,
    `${gateway}${outside}/operator/orders`,
    `${gateway}${outside}`,
    `${gateway}${trap}/`,
    `${gateway}http://${trap}/`,
    `http://${trap}/`,
    `https://${outside}${PATH}`,
    `//${trap}/`,
    '*',
    `${gateway}${outside}/gsma/rsp2/es9plus/${'a'.repeat(4000)}`,
    `${gateway}${outside}/gsma/rsp2/es9plus/${'a'.repeat(200_000)}`,
  ];
  for (const target of targets) {
    const statuses = await answered(...bytes(target));
    assert.ok(statuses.length <= 1 && statuses.every((status) => status >= 400), `${target.slice(0, 200)}: ${statuses}`);
  }
  const target = gateway + outside + PATH;
  const chunked = '2\r\n{}\r\n0\r\n\r\n';
  const hidden = `POST ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n{}`;
  const requests = {
    'two lengths': bytes(target, { headers: ['Content-Length: 3'] }),
    'an unknown coding of the transfer': bytes(target, { headers: ['Transfer-Encoding: xchunked'] }),
    'two codings of the transfer': bytes(target, { headers: ['Transfer-Encoding: gzip, chunked'], body: chunked, length: null }),
    'a length with a sign': bytes(target, { length: '+2' }),
    'a negative length': bytes(target, { length: '-2' }),
    'a compressed body': bytes(target, { headers: ['Content-Encoding: gzip'] }),
    'another method by a header': bytes(target, { headers: ['X-HTTP-Method-Override: DELETE'] }),
    'another address by a header': bytes(target, { headers: ['X-Original-URL: /operator/orders'] }),
    'another protocol': bytes(target, { headers: ['Upgrade: websocket', 'Connection: Upgrade'] }),
    NUL: bytes(target, { headers: ['X-Admin-Protocol: a\0b'] }),
    'a folded line': bytes(target, { headers: ['X-Admin-Protocol: a', ' b: c'] }),
    'a space before the colon': bytes(target, { headers: ['Content-Length : 5'], length: null }),
    TRACE: bytes(target, { method: 'TRACE' }),
    CONNECT: bytes(trap, { method: 'CONNECT' }),
    GET: bytes(target, { method: 'GET', body: '', length: null }),
    'a method of its own': bytes(target, { method: 'POSTX' }),
    'long headers': bytes(target, { headers: [`Client-Cert: ${'a'.repeat(20_000)}`] }),
    'very long headers': bytes(target, { headers: [`X-Long: ${'a'.repeat(1_000_000)}`] }),
    'a long body': bytes(target, { body: ' '.repeat(256 * 1024 + 1) }),
    'a body that is shorter than it says': bytes(target, { length: 100 }),
  };
  for (const [what, parts] of Object.entries(requests)) {
    const statuses = await answered(...parts);
    assert.ok(statuses.every((status) => status >= 400), `${what}: ${statuses}`);
  }
  assert.deepEqual(seen.splice(0).map(({ url }) => url), [], 'nothing of this reached the SM');

  // Where there are both, chunks are the body (RFC 9112 §6.3), and the SM is sent that and no more.
  const framed = {
    'a length and chunks': bytes(target, { headers: ['Transfer-Encoding: chunked'], body: chunked }),
    'chunks and a request behind them': bytes(target, {
      headers: ['Transfer-Encoding: chunked'], body: `0\r\n\r\n${hidden}`, length: 4,
    }),
  };
  for (const [what, parts] of Object.entries(framed)) {
    const statuses = await answered(...parts);
    const arrived = seen.splice(0);
    assert.equal(arrived.length, statuses.filter((status) => status === 200).length, what);
    for (const { url, body, headers } of arrived) {
      assert.deepEqual([url, headers.host], [PATH, outside], what);
      assert.ok(['', '{}'].includes(body), `${what}: ${body}`);
    }
  }

  // Whatever they say of the host: the SM is told its own.
  for (const headers of [
    ['Host: evil.example'], ['X-Forwarded-Host: evil.example'], ['Forwarded: host=evil.example'], ['X-Host: evil.example'],
  ]) {
    assert.deepEqual(await answered(...bytes(target, { headers })), [200], headers[0]);
    assert.equal(seen.splice(0)[0].headers.host, outside);
  }
});

test('names: of the list, in both forms, and of nobody else', async () => {
  const id = await session();
  const resolve = async (name, type) => (await ask('POST', `/network/sessions/${id}/dns`, { body: { name, type } })).body;
  const found = await resolve(sm, 'AAAA');
  assert.deepEqual([found.code, found.verdict, found.addresses.length], ['NOERROR', 'permitted', 1]);
  assert.match(found.addresses[0], /^fd.*::2$/);
  const refused = await resolve('news.example', 'A');
  assert.deepEqual([refused.code, refused.rule, refused.addresses], ['REFUSED', 'provisioning-no-contract', []]);
  assert.equal((await resolve(sm, 'ANY')).code, 'REFUSED');

  // RFC 8484 over HTTP itself: the bytes count.
  const query = (name, type) => Buffer.concat([
    Buffer.from('00000100000100000000000000'.slice(0, 24), 'hex'),
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0, 0, type, 0, 1]),
  ]);
  const exchange = async (body) => {
    const response = await fetch(new URL(`/network/sessions/${id}/dns`, runtime.url), {
      method: 'POST', headers: { 'content-type': 'application/dns-message', accept: 'application/dns-message' }, body,
    });
    assert.equal(response.headers.get('content-type'), 'application/dns-message');
    return Buffer.from(await response.arrayBuffer());
  };
  const yes = await exchange(query(sm, 1));
  assert.deepEqual([yes[3] & 15, yes.readUInt16BE(6), [...yes.subarray(-4)]], [0, 1, [192, 0, 0, 1]]);
  const no = await exchange(query('news.example', 1));
  assert.deepEqual([no[3] & 15, no.readUInt16BE(6)], [5, 0]);
  assert.equal((await exchange(query(sm, 252)))[3] & 15, 5, 'no zone is given away');
  const two = query(sm, 1);
  two.writeUInt16BE(2, 4);
  assert.equal((await exchange(two))[3] & 15, 1);
});

test('every verdict is on record for the operator, outlives the object, and tells no secret', async () => {
  const id = await session();
  await through(id, `news.example${PATH}`);
  await through(id, `127.0.0.1${PATH}`);
  const path = `/network/audit?imsi=${BOOTSTRAP}`;
  assert.equal((await ask('GET', path)).status, 401);
  const lines = runtime.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  assert.ok(lines.some(({ what, rule }) => what === `POST 127.0.0.1${PATH}` && rule === 'gateway'), runtime.log);
  for (const secret of [BOOTSTRAP, K, id]) assert.ok(!runtime.log.includes(secret), 'the log tells no secret');
  await runtime.restart();
  const { status, body } = await ask('GET', `${path}&limit=3`, { token });
  assert.equal(status, 200);
  assert.deepEqual(body.verdicts.map(({ what, verdict, rule }) => [what, verdict, rule]), [
    [`POST 127.0.0.1${PATH}`, 'refused', 'gateway'],
    [`POST news.example${PATH}`, 'refused', 'provisioning-no-contract'],
    ['attach', 'permitted', 'provisioning-apn'],
  ]);
  for (const secret of [id, id.slice(0, 16), id.slice(16), BOOTSTRAP, K]) assert.ok(!JSON.stringify(body).includes(secret));
  const older = (await ask('GET', `${path}&limit=3&before=${body.next}`, { token })).body.verdicts;
  assert.ok(older.every(({ number }) => number < body.next));
  const own = (await ask('GET', `${path}&session=${body.verdicts[0].session}`, { token })).body.verdicts;
  assert.equal(own.length, 3);
});

test('what is remembered of verdicts is bounded, in order, and outlives the object', async () => {
  const id = await session();
  const log = async (of = id) => (await ask('GET', `/network/sessions/${of}/log`)).body.map(({ what }) => what);
  const call = (to) => ask('POST', `/network/sessions/${id}/service`, { body: { kind: 'sms', to: String(to) } });
  const called = (from, to) => Array.from({ length: to - from }, (_, at) => `sms ${from + at}`);
  for (let to = 100; to < 130; to += 1) await call(to);
  assert.deepEqual(await log(), ['attach', ...called(100, 130)]);
  await runtime.restart();
  assert.deepEqual(await log(), ['attach', ...called(100, 130)]);
  for (let to = 130; to < 200; to += 1) await call(to);
  assert.deepEqual(await log(), called(136, 200));
  await runtime.restart();
  assert.deepEqual(await log(), called(136, 200));
  await call(200);
  assert.deepEqual(await log(), called(137, 201));

  // Of the subscriber 512, whatever their numbers are.
  for (let to = 300; to < 750; to += 10) await Promise.all(Array.from({ length: 10 }, (_, at) => call(to + at)));
  const kept = [];
  for (let before = ''; before !== undefined;) {
    const { body } = await ask('GET', `/network/audit?imsi=${BOOTSTRAP}&limit=100${before}`, { token });
    kept.push(...body.verdicts.map(({ number }) => number));
    before = body.next === undefined || body.next === null ? undefined : `&before=${body.next}`;
  }
  assert.equal(kept.length, 512);
  assert.deepEqual(kept, Array.from({ length: 512 }, (_, at) => kept[0] - at));

  // Another session begins with nothing, and goes on so after the first one's places were taken.
  const next = await session();
  assert.deepEqual(await log(next), ['attach']);
  await through(next, `news.example${PATH}`);
  await runtime.restart();
  assert.deepEqual(await log(next), ['attach', `POST news.example${PATH}`]);
});

test('a subscriber that attaches elsewhere takes its session along', async () => {
  const first = await session();
  const second = await session();
  const gone = await ask('GET', `/network/sessions/${first}`);
  assert.deepEqual([gone.status, gone.body.because], [410, 'this session has ended: the subscriber attached again']);
  assert.equal((await through(first, outside + PATH)).status, 410);
  assert.equal((await through(second, outside + PATH)).status, 200);
  seen.splice(0);
});

test('a card that is ahead is followed, and one that is behind accepts', async () => {
  const sqn = ({ rand, autn }) => xor(Buffer.from(autn, 'hex').subarray(0, 6), xdout(rand).subarray(3, 9)).readUIntBE(0, 6);
  const challenge = (await ask('POST', '/network/attach', { body: { imsi: BOOTSTRAP } })).body;
  // TS 33.102 §6.3.3: SQN of the card under AK*, and MAC-S over it with an AMF of zeros.
  const ahead = Buffer.alloc(6);
  ahead.writeUIntBE(sqn(challenge) + 32 * 1000, 0, 6);
  const dout = xdout(challenge.rand);
  const auts = Buffer.concat([xor(ahead, dout.subarray(3, 9)), xor(dout.subarray(0, 8), Buffer.concat([ahead, Buffer.alloc(2)]))]);
  const again = await ask('POST', `/network/attach/${challenge.attachId}/response`, { body: { auts: auts.toString('hex') } });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.ok(sqn(again.body) > ahead.readUIntBE(0, 6), 'the network goes on from the card’s number');
  const done = await ask('POST', `/network/attach/${again.body.attachId}/response`, { body: { res: xdout(again.body.rand).toString('hex') } });
  assert.equal(done.status, 200);
  // A card that was set back sees a number that is far ahead of its own; that is a fresh one.
  assert.ok(await session());
});

test('a policy that changes during a session applies to the next question, and not to the last', async () => {
  const path = '/network/policy';
  const read = await ask('GET', path, { token });
  assert.equal(read.status, 200, JSON.stringify(read.body));
  const { version, document } = read.body;
  const id = await session();
  const ask_sms = () => ask('POST', `/network/sessions/${id}/service`, { body: { kind: 'sms', to: '12345' } });
  assert.deepEqual([(await ask_sms()).body.verdict, (await ask_sms()).body.version], ['refused', version]);
  assert.equal((await through(id, outside + PATH)).status, 200);
  const before = (await ask('GET', `/network/sessions/${id}`)).body;

  // Messages for everybody, and no SM outside any more.
  const changed = structuredClone(document);
  changed.rules.unshift({ name: 'messages-for-all', words: 'messages are free today', when: { question: ['sms'] }, then: { permit: {} } });
  changed.smAccess.entries = changed.smAccess.entries.filter((entry) => !entry.outside);
  const put = (body, seen) => ask('PUT', path, { token, body, headers: { 'if-match': `"${seen}"` } });
  assert.equal((await ask('PUT', path, { body: changed, headers: { 'if-match': `"${version}"` } })).status, 401);
  const written = await put(changed, version);
  assert.equal(written.status, 200, JSON.stringify(written.body));
  assert.equal((await put(changed, version)).status, 412, 'somebody else was first');

  const after = (await ask_sms()).body;
  assert.deepEqual([after.verdict, after.rule, after.version], ['permitted', 'messages-for-all', written.body.version]);
  const refused = await through(id, outside + PATH);
  assert.deepEqual([refused.status, refused.body.rule], [403, 'provisioning-no-contract']);
  const { usage, ...kept } = (await ask('GET', `/network/sessions/${id}`)).body;
  const { usage: used, ...held } = before;
  assert.deepEqual(kept, held, 'the session goes on as it began');
  assert.deepEqual(usage.of, used.of, 'with the limits it began with');
  const log = (await ask('GET', `/network/sessions/${id}/log`)).body;
  assert.deepEqual(log.map((entry) => entry.version), [version, version, version, version, written.body.version, written.body.version]);

  // Back again.
  assert.equal((await put(document, (await ask('GET', path, { token })).body.version)).status, 200);
  assert.equal((await ask_sms()).body.verdict, 'refused');
  assert.equal((await through(id, outside + PATH)).status, 200);
  seen.splice(0);
});
