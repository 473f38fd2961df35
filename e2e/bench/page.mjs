// node page.mjs: what the page costs a person. Everything runs (BASE_URL, OPERATOR_TOKEN), a browser
// with an empty cache opens it (CHROMIUM), and a profile is installed: the GSMA's generic test profile
// where its file is (PROFILE), else the one that ACTIVATION_CODE leads to. STATED is how many kB a first use
// is said to be.
//
// Bytes over the wire are those of every file that was fetched, compressed with brotli at its highest
// level as a deployment's edge does once for all; the local runtime compresses nothing.
import { existsSync, readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { chromium } from 'playwright';

const { BASE_URL, OPERATOR_TOKEN, ACTIVATION_CODE, CHROMIUM, PROFILE, STATED } = process.env;
const ROUNDS = 5;
const GOAL = 700_000;
const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'];

async function operator(method, path, body) {
  const answer = await fetch(BASE_URL + path, {
    method,
    headers: {
      authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json',
      'x-admin-protocol': 'gsma/rsp/v2.2.0',
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** Orders the generic test profile; returns its name and activation code. */
async function order() {
  if (!PROFILE || !existsSync(PROFILE)) return ['the laboratory’s profile', ACTIVATION_CODE];
  const iccid = '89000123456789012341';
  const header = { functionRequesterIdentifier: '2.999.1' };
  await operator('POST', '/operator/profiles', {
    metadata: { iccid, serviceProviderName: 'GSMA TS.48', profileName: 'Generic Test Profile', profileClass: 'test' },
    package: readFileSync(PROFILE).toString('base64'),
  });
  await operator('POST', '/gsma/rsp2/es2plus/downloadOrder', {
    header: { ...header, functionCallIdentifier: 'bench-1' }, iccid,
  });
  const confirmed = await operator('POST', '/gsma/rsp2/es2plus/confirmOrder', {
    header: { ...header, functionCallIdentifier: 'bench-2' }, iccid, releaseFlag: true,
  });
  return ['GSMA TS.48, generic test profile', `LPA:1$${confirmed.smdpAddress ?? 'smdp.example'}$${confirmed.matchingId}`];
}

/** The parts of a bound profile package that go to the chip one by one (SGP.22 §5.5.5, §2.5.5). */
function segments(bytes) {
  const header = (at) => {
    const long = (bytes[at] & 0x1f) === 0x1f;
    let next = at + (long ? 2 : 1);
    let length = bytes[next];
    next += 1;
    if (length > 0x80) {
      const count = length & 0x7f;
      length = 0;
      for (let i = 0; i < count; i += 1) length = length * 256 + bytes[next + i];
      next += count;
    }
    return { tag: bytes[at], start: at, value: next, end: next + length };
  };
  const package_ = header(0);
  const lengths = [];
  let at = package_.value;
  const first = header(at);
  lengths.push(first.end);
  at = first.end;
  while (at < package_.end) {
    const part = header(at);
    if (part.tag === 0xa1 || part.tag === 0xa3) {
      lengths.push(part.value - part.start);
      for (let inner = part.value; inner < part.end;) {
        const one = header(inner);
        lengths.push(one.end - one.start);
        inner = one.end;
      }
    } else {
      lengths.push(part.end - part.start);
    }
    at = part.end;
  }
  return lengths;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const row = (name, value, note = '') => console.log(`${name.padEnd(44)} ${String(value).padStart(10)}  ${note}`);

const browser = await chromium.launch({ executablePath: CHROMIUM, args });

// A first visit: everything comes over the wire, and the chip is made.
const visits = [];
const files = new Map();
for (let round = 0; round < ROUNDS; round += 1) {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    // When the application stands in the place of the words that say it is loading.
    new MutationObserver((_, observer) => {
      if (!document.querySelector('header.top')) return;
      window.shown = performance.now();
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  const page = await context.newPage();
  const bodies = [];
  const answered = (response) => {
    if (response.request().method() !== 'GET' || !response.ok() || response.fromServiceWorker()) return;
    const { pathname } = new URL(response.url());
    if (files.has(pathname)) return;
    // By when it was wanted: set below, once it is known when the page was usable.
    files.set(pathname, null);
    bodies.push(response.body().then((body) => files.set(pathname, body), () => files.delete(pathname)));
  };
  page.on('response', answered);
  await page.goto(BASE_URL + '/', { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'Add eSIM' }).and(page.locator(':enabled')).waitFor();
  page.off('response', answered);
  const times = await page.evaluate(() => {
    const paint = Object.fromEntries(performance.getEntriesByType('paint').map((one) => [one.name, one.startTime]));
    return { paint: paint['first-contentful-paint'], shown: window.shown, usable: performance.now() };
  });
  await Promise.all(bodies);
  // The chip's module is fetched by its worker, whose times are its own.
  const worker = page.workers().find((one) => one.url().includes('/chip/'));
  times.chip = await worker.evaluate(() => {
    const module = performance.getEntriesByType('resource').find((one) => one.name.includes('wasm_euicc_bg'));
    return performance.timeOrigin + module.responseEnd;
  }) - (await page.evaluate(() => performance.timeOrigin));
  visits.push(times);
  await context.close();
}
// The rest of the site, which the service worker fetches when there is nothing else to do.
const rest = new Map();
const list = /FILES = (\[[^\]]*\])/.exec(await (await fetch(`${BASE_URL}/sw.js`)).text())[1];
for (const path of ['/sw.js', ...JSON.parse(list)]) {
  if (!files.has(path)) rest.set(path, Buffer.from(await (await fetch(BASE_URL + path)).arrayBuffer()));
}

// An install, with every message to the chip's worker counted and long tasks noted.
const [profile, code] = await order();
const context = await browser.newContext();
await context.addInitScript(() => {
  window.counted = { apdus: [], long: [], from: 0 };
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message?.apdu) window.counted.apdus.push([...message.apdu]);
    return post.call(this, message, ...rest);
  };
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.counted.long.push([one.startTime, one.duration]);
  }).observe({ type: 'longtask', buffered: true });
});
const page = await context.newPage();
await page.goto(BASE_URL + '/');
const add = page.getByRole('button', { name: 'Add eSIM' });
await add.and(page.locator(':enabled')).waitFor();
await page.waitForTimeout(1000);
const calls = [];
let packageBytes;
page.on('response', async (response) => {
  const url = response.url();
  if (!url.includes('/es9plus/')) return;
  calls.push(url.split('/').at(-1));
  if (url.endsWith('getBoundProfilePackage')) {
    packageBytes = Buffer.from((await response.json()).boundProfilePackage, 'base64');
  }
});
await page.evaluate(() => {
  window.counted.apdus.length = 0;
  window.counted.from = performance.now();
});
await page.getByLabel('Activation code', { exact: true }).fill(code);
await add.click();
const install = page.getByRole('button', { name: 'Install', exact: true });
const consent = page.getByRole('button', { name: 'Continue', exact: true });
await install.or(consent).first().waitFor();
if (await consent.isVisible()) await consent.click();
await install.click();
await page.getByText('is installed').first().waitFor();
await add.and(page.locator(':enabled')).waitFor();
const { apdus, long, from } = await page.evaluate(() => window.counted);
await browser.close();

const STORE_DATA = 0xe2;
const block = ([cla, ins, , , length]) => ins === STORE_DATA && (cla & 0x80) !== 0 ? length : undefined;
const bound = segments(packageBytes);
const lowest = bound.reduce((sum, length) => sum + Math.ceil(length / 255), 0);
// The package's blocks: the first begins with its tag, the last ends its bytes.
const begin = apdus.findIndex((apdu) => block(apdu) !== undefined && apdu[5] === 0xbf && apdu[6] === 0x36);
let left = packageBytes.length;
let fed = 0;
for (const apdu of apdus.slice(begin)) {
  const length = block(apdu);
  if (length === undefined || left <= 0) continue;
  fed += 1;
  left -= length;
}
const slow = long.filter(([start, duration]) => start >= from && duration > 50);

console.log(`\nfirst visit, ${ROUNDS} times, in milliseconds: the median (the longest)`);
const time = (name, of, note) =>
  row(name, Math.round(median(visits.map(of))), `(${Math.round(Math.max(...visits.map(of)))})${note ? `  ${note}` : ''}`);
const waits = visits.filter(({ paint, chip }) => paint >= chip).length;
time('first contentful paint', ({ paint }) => paint, waits ? 'WAITS for the chip' : 'before the chip’s module is there');
time('the application is shown', ({ shown }) => shown);
time('chip’s module has arrived', ({ chip }) => chip);
time('usable: attached, an eSIM can be added', ({ usable }) => usable);

console.log(`\nbytes over the wire${' '.repeat(33)} as they are     brotli`);
const small = (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
function weigh(what, some) {
  let sum = 0;
  for (const [path, body] of [...some].sort((a, b) => b[1].length - a[1].length)) {
    const compressed = small(body);
    sum += compressed;
    const name = path.replace(/\/[0-9a-f]{12,}\//, '/…/');
    console.log(`  ${name.padEnd(50)} ${String(body.length).padStart(10)} ${String(compressed).padStart(10)}`);
  }
  row(what, sum);
  return sum;
}
const painted = ([path]) => path === '/' || path.endsWith('.css');
const first = weigh('until the first paint', [...files].filter(painted));
const more = weigh('then, until it is usable', [...files].filter((file) => !painted(file)));
const use = first + more;
row('first use', use, `${use <= GOAL ? 'within' : 'MORE than'} the goal of ${GOAL}; stated: ${STATED} kB`);
const later = weigh('later, for views that are opened and for when there is no network', rest);
row('all of the site', use + later);

console.log(`\ninstalling: ${profile}, package of ${packageBytes.length} bytes in ${bound.length} segments`);
row('blocks of the package to the chip', fed, `lowest possible: ${lowest}`);
row('APDUs in all', apdus.length, `${apdus.reduce((total, apdu) => total + apdu.length, 0)} bytes`);
row('HTTP calls', calls.length, `lowest possible: 4 (${calls.join(', ')})`);
row('main thread busy for over 50 ms', slow.length, slow.length ? `longest ${Math.round(Math.max(...slow.map(([, duration]) => duration)))} ms; goal: none` : 'goal: none');
const failures = [
  fed !== lowest && 'more blocks went to the chip than had to',
  calls.length !== 4 && 'more calls went to the server than had to',
  waits && 'the first paint waited for the chip',
  slow.length && 'the page stood still during the install',
  Math.round(use / 1000) > Number(STATED) && 'a first use is larger than is stated',
].filter(Boolean);
for (const failure of failures) console.log(`FAILED: ${failure}`);
if (failures.length) process.exitCode = 1;
