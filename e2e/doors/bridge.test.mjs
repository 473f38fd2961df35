// The bridge as pages find it: its door, its pairing; and with the PC/SC stack of the desktop,
// our chip in a virtual reader, a page that reads the EID (docs/card-bridge.md).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { chromium } from '@playwright/test';
import { folder, packageFolder, program as chip } from './card.mjs';
import { ORIGIN, SUBPROTOCOL, bridge, page } from './page.mjs';
import { missing } from './pcsc.mjs';

const program = process.env.CARD_BRIDGE;
const skip = program ? false : 'card-bridge is not built here (Debian: apt-get install libpcsclite-dev)';

/** A bridge that is gone after the test. */
async function started(t, ...options) {
  const started = await bridge(program, ...options);
  t.after(() => started.stop());
  return started;
}

test('the bridge listens to nobody but this machine', { skip }, () => {
  for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', '[::ffff:192.0.2.1]:0']) {
    const run = spawnSync(program, ['--listen', address], { encoding: 'utf8', timeout: 10_000 });
    assert.equal(run.status, 1);
    assert.match(run.stderr, /only a loopback address/);
  }
});

test('pages of other origins, and names that point here, stay out', { skip }, async (t) => {
  const { url, port, line } = await started(t, '--origin', 'https://lpa.example', '--origin', ORIGIN);
  const waiting = await page(url);
  for (const [options, status] of [
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: '' }, 403],
    [{ host: `evil.example:${port}` }, 403],
    [{ host: '127.0.0.1' }, 403],
    [{ protocols: ['card-bridge.v0'] }, 400],
    [{ protocols: [] }, 400],
  ]) {
    await assert.rejects(page(url, options), new RegExp(`HTTP ${status}`), JSON.stringify(options));
  }
  await assert.rejects(page(`${url}other`), /HTTP 404/);
  // Nor do they make anybody go who waits to be paired.
  assert.equal((await waiting.ask('readers')).why, 'not-paired');
  waiting.socket.close();
  assert.ok(await line(/^refused: https:\/\/evil\.example \(.*--origin\)$/));
  for (const options of [{}, { origin: 'https://lpa.example' }, { host: `localhost:${port}` }]) {
    const { socket, told } = await page(url, options);
    assert.equal(socket.protocol, SUBPROTOCOL);
    assert.deepEqual((await told('welcome')).protocol, 1);
    socket.close();
  }
});

test('what is no WebSocket has no answer that a page could use', { skip }, async (t) => {
  const { port } = await started(t);
  const plain = await new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', headers: { origin: ORIGIN } }, (response) => resolve(response.statusCode));
    asked.on('error', () => resolve('closed'));
    asked.end();
  });
  assert.equal(plain, 'closed');
  // Bytes that are no HTTP, and more of a request than anybody needs.
  for (const bytes of ['\x16\x03\x01\x00\x00', `GET / HTTP/1.1\r\nX: ${'a'.repeat(1 << 20)}\r\n\r\n`]) {
    await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes, () => socket.end()));
      socket.on('error', resolve).on('close', resolve).resume();
    });
  }
  const { told, socket } = await page(`ws://127.0.0.1:${port}/`);
  await told('welcome');
  socket.close();
});

test('a page is paired with the code on the terminal, once, and comes again by its token', { skip }, async (t) => {
  const { url, code, enter, line } = await started(t);
  const first = await code();
  const one = await page(url);
  assert.equal((await one.ask('readers')).why, 'not-paired');
  assert.equal((await one.ask('pair', { code: '0000 000' })).why, 'wrong-code');
  const paired = await one.ask('pair', { code: first.replace(' ', '') });
  assert.match(paired.token, /^[0-9a-f]{64}$/);
  await line(/^paired: http:\/\/127\.0\.0\.1:8787$/);
  const two = await page(url);
  assert.equal((await two.ask('pair', { code: first })).why, 'no-code');
  assert.equal((await two.ask('resume', { token: '00'.repeat(32) })).why, 'unknown-token');
  assert.equal((await two.ask('resume', { token: paired.token })).tell, 'paired');
  // Tried too often, then right.
  enter();
  const second = await code();
  const wrong = second === '1111 1111' ? '2222 2222' : '1111 1111';
  const [three, four, five] = [await page(url), await page(url), await page(url)];
  for (const one of [three, four]) {
    for (let tries = 0; tries < 2; tries += 1) assert.equal((await one.ask('pair', { code: wrong })).why, 'wrong-code');
    assert.equal((await one.ask('pair', { code: second })).why, 'no-code');
  }
  assert.equal((await five.ask('pair', { code: wrong })).why, 'no-code');
  assert.equal((await five.ask('pair', { code: second })).why, 'no-code');
  await line(/^the code was wrong too often/);
  enter();
  assert.equal((await three.ask('pair', { code: await code() })).tell, 'paired');
  for (const { socket } of [one, two, three, four, five]) socket.close();
});

test('what a page sends is bounded, and ends its own connection only', { skip }, async (t) => {
  const { url, code } = await started(t);
  const good = await page(url);
  await good.ask('pair', { code: await code() });
  const stranger = await page(url);
  for (let tries = 0; tries < 8; tries += 1) await stranger.ask('connect', { reader: 'x' });
  assert.equal(await stranger.closed, 1008);
  const long = await page(url);
  long.socket.send('x'.repeat(100_000));
  assert.equal(await long.closed, 1009);
  const binary = await page(url);
  binary.socket.send(Buffer.alloc(10));
  assert.equal(await binary.closed, 1003);
  const pages = [];
  for (let many = 0; many < 40; many += 1) pages.push(page(url).catch(() => undefined));
  const open = (await Promise.all(pages)).filter((page) => page !== undefined);
  // The oldest have made room.
  const still = () => open.filter(({ socket }) => socket.readyState === socket.OPEN).length;
  while (still() > 4) await setTimeout(20);
  assert.notEqual(still(), 0);
  for (const { socket } of open) socket.terminate();
  // Readers there may be or not: it is answered.
  good.socket.send('{"id":77');
  assert.equal((await good.told('refused')).why, 'malformed');
  assert.ok(['readers', 'refused'].includes((await good.ask('readers')).tell));
  good.socket.close();
});

test('a message that never ends ends its connection', { skip }, async (t) => {
  const { url } = await started(t);
  const { socket, closed } = await page(url);
  socket.on('error', () => {});
  socket.send('', { fin: false });
  const more = setInterval(() => {
    for (let many = 0; many < 1000 && socket.readyState === socket.OPEN; many += 1) socket.send('', { fin: false });
  }, 1);
  t.after(() => clearInterval(more));
  // The reason may be lost: what was sent and not read resets the connection.
  assert.ok([1006, 1008].includes(await closed));
});

/** A connection after its handshake, of which every byte can be chosen; what came of it when it ended. */
async function raw(port) {
  const socket = connect(port, '127.0.0.1');
  const heard = [];
  const ended = new Promise((resolve) => {
    socket.on('error', () => {}).on('close', () => resolve(Buffer.concat(heard)));
  });
  socket.on('data', (bytes) => heard.push(bytes));
  socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${ORIGIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`);
  while (!Buffer.concat(heard).includes('welcome')) await setTimeout(5);
  return { socket, ended };
}

// RFC 6455 §5.1, §5.2, §5.5 and §8.1: what no endpoint may send.
test('frames that are none, and ends that are halves, end their own connection only', { skip }, async (t) => {
  const { url, port, code } = await started(t);
  const good = await page(url);
  await good.ask('pair', { code: await code() });
  const mask = Buffer.alloc(4);
  for (const [what, frame] of [
    ['not masked', Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    ['a reserved bit', Buffer.concat([Buffer.from([0xc1, 0x82]), mask, Buffer.from('{}')])],
    ['a reserved opcode', Buffer.concat([Buffer.from([0x83, 0x82]), mask, Buffer.from('{}')])],
    ['a control frame in parts', Buffer.concat([Buffer.from([0x09, 0x80]), mask])],
    ['a control frame that is too long', Buffer.concat([Buffer.from([0x89, 0xfe, 0x00, 0x7e]), mask, Buffer.alloc(126)])],
    ['a continuation of nothing', Buffer.concat([Buffer.from([0x80, 0x82]), mask, Buffer.from('{}')])],
    ['text that is not UTF-8', Buffer.concat([Buffer.from([0x81, 0x82]), mask, Buffer.from([0xc3, 0x28])])],
    ['a length beyond any memory', Buffer.concat([Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), mask])],
  ]) {
    const { socket, ended } = await raw(port);
    socket.write(frame);
    const late = setTimeout(5_000, 'late');
    assert.notEqual(await Promise.race([ended, late]), 'late', what);
  }
  // The half of a connection that is closed is a page that has gone.
  const { socket, ended } = await raw(port);
  socket.end();
  assert.notEqual(await Promise.race([ended, setTimeout(5_000, 'late')]), 'late');
  // One that stops in the middle of a frame has five seconds.
  const slow = await raw(port);
  slow.socket.write(Buffer.from([0x81, 0xfe]));
  assert.notEqual(await Promise.race([slow.ended, setTimeout(12_000, 'late')]), 'late');
  assert.ok(['readers', 'refused'].includes((await good.ask('readers')).tell));
  good.socket.close();
});

test('a code is not found by trying, however many connections try', { skip }, async (t) => {
  const { url, code, line } = await started(t);
  const right = await code();
  let tried = 0;
  const guesses = [];
  for (let many = 0; many < 12; many += 1) {
    guesses.push((async () => {
      const one = await page(url).catch(() => undefined);
      if (!one) return;
      for (let tries = 0; tries < 2; tries += 1) {
        const guess = `${(Number(right.replace(' ', '')) + 1 + many * 2 + tries) % 100_000_000}`.padStart(8, '0');
        // One that had to make room has no answer.
        const answer = await Promise.race([one.ask('pair', { code: guess }), one.closed]);
        if (answer.tell) assert.equal(answer.tell, 'refused');
        if (answer.why === 'wrong-code') tried += 1;
      }
      one.socket.terminate();
    })().catch(() => {}));
  }
  await line(/^the code was wrong too often/);
  assert.equal(tried <= 5, true, `${tried} guesses`);
  // The right one is good for nothing any more.
  const late = await page(url);
  assert.equal((await late.ask('pair', { code: right })).why, 'no-code');
  late.socket.close();
});

test('a browser says where a page is from: one comes in, the same page elsewhere does not', { skip }, async (t) => {
  const site = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>'));
  await once(site.listen(0, '127.0.0.1'), 'listening');
  t.after(() => site.close());
  const { port } = site.address();
  const { url, port: door, code, line } = await started(t, '--origin', `http://127.0.0.1:${port}`);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  t.after(() => browser.close());
  const tab = await browser.newPage();
  /** The first two things that are told, or how it ends. */
  const comes = ([url, subprotocol, code]) =>
    new Promise((resolve) => {
      const socket = new WebSocket(url, [subprotocol]);
      const told = [];
      socket.onmessage = ({ data }) => {
        told.push(JSON.parse(data).tell);
        if (told.length === 1) socket.send(JSON.stringify({ id: 1, ask: 'pair', code }));
        else resolve(told);
      };
      socket.onclose = ({ code }) => resolve(code);
    });
  const order = [url, SUBPROTOCOL, await code()];
  // Another name is another origin.
  await tab.goto(`http://localhost:${port}/`);
  assert.equal(await tab.evaluate(comes, order), 1006);
  await line(new RegExp(`^refused: http://localhost:${port} `));
  await tab.goto(`http://127.0.0.1:${port}/`);
  assert.deepEqual(await tab.evaluate(comes, order), ['welcome', 'paired']);
  await line(new RegExp(`^paired: http://127\\.0\\.0\\.1:${port}$`));
  // What other sites could do without being seen: nothing that they can read.
  const read = await tab.evaluate((door) => fetch(`http://127.0.0.1:${door}/`).then(() => 'read', () => 'not read'), door);
  assert.equal(read, 'not read');
});

// pcscd with vpcd in namespaces of its own, as in pcsc.test.mjs; `bridge.inside.mjs` is the page.
const SCRIPT = `
set -eu
ip link set lo up
mkdir -p /run/pcscd
mount -t tmpfs none /run/pcscd
pcscd --foreground >pcscd.log 2>&1 & reader=$!
trap 'kill $reader 2>/dev/null || true' EXIT
for _ in $(seq 100); do test -S /run/pcscd/pcscd.comm && break; sleep 0.1; done
"$@"
`;

/** Runs a file of this folder in such namespaces; what it is given beside the bridge. */
function inside(t, script, file, given) {
  const home = folder();
  const path = join(import.meta.dirname, file);
  const run = spawnSync('unshare', ['-n', '-m', 'sh', '-c', script, 'sh', process.execPath, path, program, given], { cwd: home, encoding: 'utf8', timeout: 180_000 });
  const log = spawnSync('sh', ['-c', 'tail -n 30 pcscd.log'], { cwd: home, encoding: 'utf8' }).stdout;
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}${log}`);
  for (const line of run.stdout.trim().split('\n')) t.diagnostic(line);
}

test('a chip of a page is used by the programs of the desktop, in a virtual reader', { skip: skip || missing() }, (t) => {
  inside(t, SCRIPT, 'offer.inside.mjs', packageFolder);
});

test('only a loopback address is a virtual reader', { skip }, () => {
  const run = spawnSync(program, ['--vpcd', '192.0.2.1:35963'], { encoding: 'utf8', timeout: 10_000 });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /only a loopback address/);
});

test('through PC/SC a page selects the ISD-R and reads the EID', { skip: skip || missing() }, (t) => {
  inside(t, SCRIPT, 'bridge.inside.mjs', chip);
});

// The page starts and ends the service by itself.
const ALONE = `
set -eu
ip link set lo up
mkdir -p /run/pcscd
mount -t tmpfs none /run/pcscd
exec "$@"
`;

test('the smart card service ends under a page that has a card, and the next one is found', { skip: skip || missing() }, (t) => {
  inside(t, ALONE, 'restart.inside.mjs', chip);
});
