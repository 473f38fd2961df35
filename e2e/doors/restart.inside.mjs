// Run by bridge.test.mjs in a network and a folder of its own: the smart card service ends under the
// bridge while a page has a card, and another one takes its place.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { bridge, page } from './page.mjs';

const [program, chip] = process.argv.slice(2);
const READER = 'Virtual PCD 00 00';
const ISD_R = 'A0000005591010FFFFFFFF8900000100';
const SOCKET = '/run/pcscd/pcscd.comm';
const log = openSync('pcscd.log', 'a');

/** The service, as soon as programs find it; `end` ends it by a signal. */
async function service() {
  const child = spawn('pcscd', ['--foreground'], { stdio: ['ignore', log, log] });
  const over = once(child, 'exit');
  while (!existsSync(SOCKET)) await setTimeout(20);
  return async (signal) => {
    child.kill(signal);
    await over;
    // What one that crashed leaves behind; systemd makes the socket anew.
    for (const left of [SOCKET, '/run/pcscd/pcscd.pid']) rmSync(left, { force: true });
  };
}

function insert() {
  const card = spawn(chip, ['vpcd', '--state', 'chip.state'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const over = once(card, 'exit');
  return async () => {
    card.kill('SIGKILL');
    await over;
  };
}

const state = ({ readers }) => readers.find(({ name }) => name === READER)?.state;

let end = await service();
const { url, code, stop } = await bridge(program);
const lpa = await page(url);
assert.equal((await lpa.ask('pair', { code: await code() })).tell, 'paired');

/** The card, lent and spoken with: a channel and the ISD-R. */
async function take() {
  const connected = await lpa.ask('connect', { reader: READER });
  assert.equal(connected.tell, 'connected', connected.text);
  await lpa.told('readers', (told) => state(told) === 'yours');
  const { card } = connected;
  assert.equal((await lpa.ask('transmit', { card, apdu: '0070000001' })).apdu, '019000');
  assert.match((await lpa.ask('transmit', { card, apdu: `01A4040010${ISD_R}00` })).apdu, /^61/);
  return card;
}

// Stopped as an update of the system stops it, and crashed; there again before anybody looks, and
// after a while; noticed by the bridge itself, and by a command of the page.
const pull = insert();
await lpa.told('readers', (told) => state(told) === 'card');
for (const signal of ['SIGTERM', 'SIGKILL']) {
  for (const pause of [0, 3000]) {
    for (const asks of [false, true]) {
      const what = `${signal}, away for ${pause} ms, ${asks ? 'asked' : 'not asked'}`;
      const card = await take();
      await end(signal);
      const began = performance.now();
      const next = pause === 0 ? service() : setTimeout(pause).then(service);
      if (asks) {
        // The answer says it, or what was told before.
        const { why } = await lpa.ask('transmit', { card, apdu: '01F2000000' });
        assert.ok(['no-service', 'unknown-card'].includes(why), `${what}: ${why}`);
      } else {
        assert.equal((await lpa.told('removed')).card, card, what);
      }
      const removed = performance.now() - began;
      // The number means no card any more.
      assert.equal((await lpa.ask('transmit', { card, apdu: '01F2000000' })).why, 'unknown-card', what);
      end = await next;
      // The chip goes into the virtual reader again by itself.
      await lpa.told('readers', (told) => state(told) === 'card');
      const back = performance.now() - began;
      console.log(`${what}: the card is gone after ${Math.round(removed)} ms, and there again after ${Math.round(back)} ms`);
    }
  }
}
// Nobody had to be paired again, and the cards are free at the end.
await take();
assert.equal(await stop(), 0);
assert.equal(await lpa.closed, 1001);
await pull();
await end('SIGTERM');
