// Run by bridge.test.mjs where pcscd has a network and a socket of its own: a page at the bridge,
// our chip in the reader.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { bridge, page } from './page.mjs';

const [program, chip] = process.argv.slice(2);
const READER = 'Virtual PCD 00 00';
const ISD_R = 'A0000005591010FFFFFFFF8900000100';
const EID = '89049032000000000000000000000163';
const ATR = '3B9F96803F87828031E073FE211F574543753130136502';

/** The chip, put into the reader. */
function insert() {
  const card = spawn(chip, ['vpcd', '--state', 'chip.state'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return () =>
    new Promise((resolve) => {
      card.on('exit', resolve);
      card.kill('SIGKILL');
    });
}

const at = (reader) => reader.name === READER;
const state = ({ readers }) => readers.find(at)?.state;

const { url, code, enter, stop } = await bridge(program);
const lpa = await page(url);
const paired = await lpa.ask('pair', { code: await code() });
assert.equal(paired.tell, 'paired');
const list = await lpa.told('readers');
assert.deepEqual([state(list), list.readers.find(at).atr], ['empty', undefined]);
assert.equal((await lpa.ask('connect', { reader: READER })).why, 'no-card');
assert.equal((await lpa.ask('connect', { reader: 'no such reader' })).why, 'no-reader');

// Put in, and told of.
let pull = insert();
const there = await lpa.told('readers', (told) => state(told) === 'card');
assert.equal(there.readers.find(at).atr, ATR);
const connected = await lpa.ask('connect', { reader: READER });
assert.equal(connected.tell, 'connected', connected.text);
assert.deepEqual([connected.atr, connected.protocol], [ATR, 'T=0']);
let card = connected.card;
const transmit = async (apdu) => (await lpa.ask('transmit', { card, apdu })).apdu;

/** GetEID (SGP.22 §5.7.20), as an LPA asks for it: with Le, then GET RESPONSE. */
async function eid() {
  assert.equal(await transmit('0070000001'), '019000');
  assert.match(await transmit(`01A4040010${ISD_R}00`), /^61/);
  assert.equal(await transmit('81E2910006BF3E035C015A00'), '6115');
  const answer = await transmit('01C0000015');
  assert.equal(answer, `BF3E125A10${EID}9000`);
  return answer;
}
await eid();
const began = performance.now();
for (let times = 0; times < 50; times += 1) await transmit('80F2000000');
console.log(`an APDU through bridge, pcscd and vpcd: ${((performance.now() - began) / 50).toFixed(2)} ms`);

// Only for this page: not for another one, nor for another program.
enter();
const other = await page(url);
await other.ask('pair', { code: await code() });
assert.equal(state(await other.ask('readers')), 'taken');
assert.equal((await other.ask('connect', { reader: READER })).why, 'taken');
assert.equal((await other.ask('transmit', { card, apdu: '00F20000' })).why, 'unknown-card');
assert.equal(state(await lpa.ask('readers')), 'yours');
const lines = (input, ...options) => {
  const run = spawnSync(program, ['--stdio', ...options], { input, encoding: 'utf8', timeout: 30_000 });
  return run.stdout.trim().split('\n').map((line) => JSON.parse(line).payload);
};
const call = (func, param = null) => `${JSON.stringify({ type: 'apdu', payload: { func, param } })}\n`;
assert.deepEqual(lines(call('connect')).map(({ ecode }) => ecode), [-1]);

// A reset closes the channels.
assert.equal((await lpa.ask('reset', { card })).atr, ATR);
await eid();

// Not sent.
for (const apdu of ['', '00', 'FF82000006FFFFFFFFFFFF', '80E29100000001AA']) {
  assert.equal((await lpa.ask('transmit', { card, apdu })).why, 'command');
}

// Gone in the middle, without a word: the card is reset and free.
lpa.socket.terminate();
await other.told('readers', (told) => state(told) === 'card');
const again = await other.ask('connect', { reader: READER });
assert.equal(again.tell, 'connected', again.text);
// Channel 1 is free again.
assert.equal((await other.ask('transmit', { card: again.card, apdu: '0070000001' })).apdu, '019000');

// Pulled out, between commands and while they go on.
await pull();
assert.equal((await other.told('removed')).card, again.card);
assert.equal(state(await other.told('readers', (told) => state(told) === 'empty')), 'empty');
assert.equal((await other.ask('transmit', { card: again.card, apdu: '00F20000' })).why, 'unknown-card');
pull = insert();
await other.told('readers', (told) => state(told) === 'card');
card = (await other.ask('connect', { reader: READER })).card;
const pulled = pull();
let last;
do last = await other.ask('transmit', { card, apdu: '80F2000000' });
while (last.tell === 'response');
assert.ok(['removed', 'unknown-card', 'mute'].includes(last.why), JSON.stringify(last));
console.log(`pulled out under a command: ${last.why} (${last.text})`);
await pulled;
await other.told('readers', (told) => state(told) === 'empty');

// Another LPA, on lines; the bridge may go on beside it.
pull = insert();
await other.told('readers', (told) => state(told) === 'card');
const answers = lines(
  call('connect') +
    call('logic_channel_open', ISD_R) +
    call('transmit', '81E2910006BF3E035C015A') +
    call('transmit', '81C0000015') +
    call('logic_channel_close', '01') +
    call('disconnect'),
  '--reader',
  READER,
);
assert.deepEqual(answers, [{ ecode: 0 }, { ecode: 1 }, { ecode: 0, data: '6115' }, { ecode: 0, data: `BF3E125A10${EID}9000` }, { ecode: 0 }, { ecode: 0 }]);

// The bridge ends: the page is told, the card is free.
card = (await other.ask('connect', { reader: READER })).card;
assert.equal(await stop(), 0);
assert.equal(await other.closed, 1001);
assert.deepEqual(lines(call('connect') + call('disconnect')), [{ ecode: 0 }, { ecode: 0 }]);
await pull();
