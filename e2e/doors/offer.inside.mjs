// Run by bridge.test.mjs where pcscd has a network and a socket of its own: a page at the bridge offers
// its chip, and another program of the desktop reads its EID through PC/SC.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { ATR, EID, ISD_R, bytes, hex } from './card.mjs';
import { bridge, page } from './page.mjs';

const [program, chips] = process.argv.slice(2);
const { Euicc } = await import(join(chips, 'node.mjs'));
const READER = 'Virtual PCD 00 00';

/** Another LPA: `card-bridge --stdio` as a program that knows nothing but PC/SC. */
function lines() {
  const child = spawn(program, ['--stdio', '--reader', READER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async call(func, param = null) {
      child.stdin.write(`${JSON.stringify({ type: 'apdu', payload: { func, param } })}\n`);
      return JSON.parse((await answers.next()).value).payload;
    },
    end: () => new Promise((resolve) => {
      child.on('exit', resolve);
      child.stdin.end();
    }),
  };
}

/** What such a program reads of the card, or nothing: how far it came depends on when it is gone. */
async function eid() {
  const lpa = lines();
  try {
    const connected = await lpa.call('connect');
    if (connected.ecode !== 0) return undefined;
    const channel = (await lpa.call('logic_channel_open', ISD_R)).ecode;
    const class_ = (0x80 | channel).toString(16).padStart(2, '0');
    await lpa.call('transmit', `${class_}E2910006BF3E035C015A`);
    const { data } = await lpa.call('transmit', `${class_}C0000015`);
    await lpa.call('logic_channel_close', String(channel));
    await lpa.call('disconnect');
    return data;
  } finally {
    await lpa.end();
  }
}

const { url, code, stop } = await bridge(program, '--vpcd');
const owner = await page(url);
await owner.ask('pair', { code: await code() });
const chip = await Euicc.create();
let commands = 0;
let resets = 0;
owner.socket.on('message', async (data) => {
  const told = JSON.parse(data.toString());
  if (told.tell === 'power') {
    resets += 1;
    await owner.ask('answer', { number: told.number, bytes: hex(await chip.reset()) });
  } else if (told.tell === 'command') {
    commands += 1;
    await owner.ask('answer', { number: told.number, bytes: hex(await chip.transmit(bytes(told.apdu))) });
  }
});

const offered = await owner.ask('offer', { atr: hex(await chip.reset()) });
assert.equal(offered.tell, 'offered', offered.text);
const there = await owner.told('readers', ({ readers }) => readers.find(({ name }) => name === READER)?.state === 'card');
assert.equal(there.readers.find(({ name }) => name === READER).atr, ATR);
const began = performance.now();
assert.equal(await eid(), `BF3E125A10${EID}9000`);
console.log(`another program read the EID of a page's chip in ${(performance.now() - began).toFixed(0)} ms: ${resets} resets, ${commands} commands`);
assert.ok(resets > 0 && commands >= 4);

// Nobody else's chip meanwhile; and this one's again, whenever.
assert.equal((await owner.ask('offer', { atr: ATR })).why, 'taken');
assert.equal((await owner.ask('withdraw')).tell, 'withdrawn');
await owner.told('readers', ({ readers }) => readers.find(({ name }) => name === READER)?.state === 'empty');
assert.equal(await eid(), undefined);
assert.equal((await owner.ask('offer', { atr: ATR })).tell, 'offered');
await owner.told('readers', ({ readers }) => readers.find(({ name }) => name === READER)?.state === 'card');
assert.equal(await eid(), `BF3E125A10${EID}9000`);

// A page that is gone takes its chip along.
owner.socket.terminate();
for (let tries = 0; (await eid()) !== undefined; tries += 1) {
  assert.ok(tries < 50);
  await setTimeout(100);
}
assert.equal(await stop(), 0);
await chip.close();

// A bridge that was told of no virtual reader, and one that finds none.
for (const [options, words] of [[[], /--vpcd/], [['--vpcd', '127.0.0.1:1'], /no virtual reader at 127\.0\.0\.1:1/]]) {
  const without = await bridge(program, ...options);
  const other = await page(without.url);
  await other.ask('pair', { code: await without.code() });
  const refused = await other.ask('offer', { atr: ATR });
  assert.equal(refused.why, 'no-virtual-reader');
  assert.match(refused.text, words);
  assert.equal(await without.stop(), 0);
}
