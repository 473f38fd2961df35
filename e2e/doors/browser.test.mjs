// The npm package in a browser: in a page and in a worker, with the storage that each has,
// under the strict policy of the project's own page.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from '@playwright/test';
import { ATR, EID, ISD_R, packageFolder } from './card.mjs';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

/** The page and worker of a user of the package; each does what it is sent. */
const OWN = {
  '/favicon.ico': '',
  '/index.html': '<!doctype html><title>chip</title><script type="module" src="/page.mjs"></script>',
  '/page.mjs': `
    import { act } from '/act.mjs';
    window.act = act;
    window.inWorker = (order) => new Promise((resolve, reject) => {
      const worker = window.worker ??= new Worker('/worker.mjs', { type: 'module' });
      worker.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data.answers));
      worker.onerror = reject;
      worker.postMessage(order);
    });`,
  '/worker.mjs': `
    import { act } from '/act.mjs';
    onmessage = async ({ data }) => {
      try { postMessage({ answers: await act(data) }); } catch (error) { postMessage({ error: error.message }); }
    };`,
  '/act.mjs': `
    import { Euicc } from '/package/index.mjs';
    const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    const hex = (data) => [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('').toUpperCase();
    let chip;
    export async function act({ options, commands, close }) {
      if (options) chip = await Euicc.create(options);
      const answers = [];
      for (const command of commands ?? []) {
        answers.push(hex(command === 'reset' ? await chip.reset() : await chip.transmit(bytes(command))));
      }
      if (close) await chip.close();
      return answers;
    }`,
};

let server;
let browser;
let base;

before(async () => {
  server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://x').pathname);
    const file = path.startsWith('/package/') && join(packageFolder, path.slice('/package/'.length));
    const body = OWN[path] ?? (file && existsSync(file) ? readFileSync(file) : undefined);
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
    });
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${server.address().port}/index.html`;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
});

after(async () => {
  await browser?.close();
  server?.close();
});

const OPEN = ['0070000001', `01A4040010${ISD_R}`];
const GET_EID = [...OPEN, '81E2910006BF3E035C015A', '81C0000015'];
/** ES10a.SetDefaultDpAddress (SGP.22 §5.7.4) to `dp.test`, and reading it (§5.7.3). */
const SET = [...OPEN, '81E291000CBF3F09800764702E74657374'];
const GET = [...OPEN, '81E2910003BF3C00', '81C0000000'];
const ADDRESS = /64702E74657374/;

async function page(context) {
  const opened = await context.newPage();
  const complaints = [];
  opened.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  opened.on('pageerror', (error) => complaints.push(error.message));
  await opened.goto(base);
  await opened.waitForFunction(() => 'act' in window);
  return Object.assign(opened, { complaints });
}

const inPage = (opened, order) => opened.evaluate((order) => window.act(order), order);
const inWorker = (opened, order) => opened.evaluate((order) => window.inWorker(order), order);

test('in a page and in a worker, in memory', async () => {
  const context = await browser.newContext();
  const opened = await page(context);
  for (const where of [inPage, inWorker]) {
    const answers = await where(opened, { options: {}, commands: ['reset', ...GET_EID] });
    assert.equal(answers[0], ATR);
    assert.equal(answers.at(-1), `BF3E125A10${EID}9000`);
  }
  assert.deepEqual(opened.complaints, []);
  await context.close();
});

for (const [name, where, storage] of [
  ['a database, from a page', inPage, { indexedDB: 'one' }],
  ['a database, from a worker', inWorker, { indexedDB: 'one' }],
  ['files, from a worker', inWorker, { opfs: 'one' }],
]) {
  test(`${name}: what was answered is there after a reload, and nobody else has it`, async () => {
    const context = await browser.newContext();
    const opened = await page(context);
    await where(opened, { options: { storage, seed: name }, commands: SET });
    // Another tab is told, and not let in.
    const second = await page(context);
    await assert.rejects(where(second, { options: { storage } }), /another tab or worker has the chip one/);
    // No goodbye: the page is gone with the chip open.
    await opened.reload();
    await opened.waitForFunction(() => 'act' in window);
    const answers = await where(opened, { options: { storage }, commands: GET });
    assert.match(answers.at(-1), ADDRESS);
    // Closed, it is free for the other.
    await where(opened, { close: true });
    assert.match((await where(second, { options: { storage }, commands: GET })).at(-1), ADDRESS);
    await context.close();
  });
}

test('a database that loses its way ends the chip, and it stands before the command', async () => {
  const context = await browser.newContext();
  const opened = await page(context);
  const storage = { indexedDB: 'lost' };
  await inPage(opened, { options: { storage }, commands: SET });
  // What the browser does when it runs out of room in the middle: the transaction is aborted.
  await opened.evaluate(() => {
    const add = IDBObjectStore.prototype.add;
    IDBObjectStore.prototype.add = function once(...words) {
      IDBObjectStore.prototype.add = add;
      const request = add.apply(this, words);
      this.transaction.abort();
      return request;
    };
  });
  // To another address, `no.test`.
  await assert.rejects(inPage(opened, { commands: ['81E291000CBF3F0980076E6F2E74657374'] }), /did not keep a command/);
  await assert.rejects(inPage(opened, { commands: ['reset'] }), /did not keep a command/);
  await opened.reload();
  await opened.waitForFunction(() => 'act' in window);
  assert.match((await inPage(opened, { options: { storage }, commands: GET })).at(-1), ADDRESS);
  await context.close();
});

test('what a browser does not have is told', async () => {
  const context = await browser.newContext();
  const opened = await page(context);
  await assert.rejects(inPage(opened, { options: { storage: { file: 'x' } } }), /is for Node/);
  await assert.rejects(inPage(opened, { options: { storage: { opfs: 'x' } } }), /dedicated worker only/);
  await context.close();
});
