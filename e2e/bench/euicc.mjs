// `cargo xtask bench euicc`: the same session natively (as it was recorded), in Node and in
// headless Chrome. Prints for each step how long the chip took, how long its P-256 operations
// alone take in the same run, and the ratio.
//
// EUICC_SESSION: the recorded session (crates/testkit/examples/euicc.rs); EUICC_PACKAGE: the
// npm package with the benchmark's module; CHROMIUM: the browser.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from '@playwright/test';
import { replay } from './replay.mjs';

const { EUICC_SESSION, EUICC_PACKAGE, CHROMIUM } = process.env;
const session = JSON.parse(readFileSync(EUICC_SESSION, 'utf8'));

async function inNode() {
  const { Euicc } = await import(join(EUICC_PACKAGE, 'node.mjs'));
  await Euicc.create();
  const { Bare } = await import(join(EUICC_PACKAGE, 'wasm_euicc.js'));
  return replay({ Euicc, Bare }, session);
}

const OWN = {
  '/index.html': `<!doctype html><title>bench</title><link rel="icon" href="data:,">`,
  '/worker.mjs': `
    import { Euicc } from '/package/index.mjs';
    import { Bare } from '/package/wasm_euicc.js';
    import { replay } from '/replay.mjs';
    onmessage = async ({ data }) => {
      try {
        await Euicc.create();
        postMessage({ result: await replay({ Euicc, Bare }, data) });
      } catch (error) {
        postMessage({ error: error.message });
      }
    };`,
};
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

async function inChrome() {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://x').pathname);
    const file = path === '/replay.mjs' ? join(import.meta.dirname, 'replay.mjs') : join(EUICC_PACKAGE, path.replace(/^\/package\//, ''));
    const body = OWN[path] ?? (existsSync(file) ? readFileSync(file) : '');
    response.writeHead(200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      // A page that is isolated has a clock of 5 µs, others of 100.
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
    });
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
    const { result, error } = await page.evaluate(
      (session) =>
        new Promise((resolve, reject) => {
          const worker = new Worker('/worker.mjs', { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = () => reject(new Error('the worker does not start'));
          worker.postMessage(session);
        }),
      session,
    );
    if (error) throw new Error(error);
    return result;
  } finally {
    await browser.close();
    server.close();
  }
}

const native = {
  steps: Object.fromEntries(session.steps.map(({ name, native }) => [name, native])),
  bare: session.bare,
};
const measured = { native, Node: await inNode(), Chrome: await inChrome() };

console.log(`${session.package}, ${session.bytes} bytes; one session played ${session.rounds} times, medians of`);
console.log('each command, and of the P-256 operations of the same place, timed in turn with it\n');
const counts = ({ operations }) =>
  Object.entries(operations)
    .filter(([, count]) => count)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none';
/** What a download asks of a chip (SGP.22 §3.1.3): more is the chip's own affair. */
const STANDARD = { install: { sign: 3, verify: 5, generate: 1, agree: 1 } };
const pad = (text, width) => String(text).padStart(width);
const sum = (operations, bare) => Object.entries(operations).reduce((all, [name, count]) => all + count * bare[name], 0);
const ms = (time) => `${time.toFixed(2)} ms`;
console.log(`${'step'.padEnd(14)}${pad('APDUs', 6)}  ${'P-256 operations'.padEnd(40)}${Object.keys(measured).map((place) => pad(place, 12) + pad('P-256', 11) + pad('ratio', 7)).join('')}`);
for (const step of session.steps) {
  const cells = Object.values(measured).map(({ steps, bare }) => {
    const time = steps[step.name];
    const bound = sum(step.operations, bare);
    return pad(ms(time), 12) + pad(bound ? ms(bound) : '-', 11) + pad(bound ? (time / bound).toFixed(2) : '-', 7);
  });
  console.log(`${step.name.padEnd(14)}${pad(step.apdus.length, 6)}  ${counts(step).padEnd(40)}${cells.join('')}`);
  const standard = STANDARD[step.name];
  if (standard) {
    const against = Object.values(measured).map(({ steps, bare }) => {
      const bound = sum(standard, bare);
      return pad('', 12) + pad(ms(bound), 11) + pad((steps[step.name] / bound).toFixed(2), 7);
    });
    const words = counts({ operations: standard });
    console.log(`${''.padEnd(20)}  ${words.padEnd(40)}${against.join('')}   of which the standard asks for (goal: 2)`);
  }
}
console.log(`\none P-256 operation: ${Object.entries(measured).map(([place, { bare }]) => `${place}: ${Object.entries(bare).map(([name, time]) => `${name} ${(time * 1e3).toFixed(0)} µs`).join(', ')}`).join('; ')}`);
