// The page as an Isolated Web App: the bundle is read and its signature checked by what others wrote
// (Google's wbn, Node's Ed25519), and a browser opens what is in it as an app.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { chromium } from '@playwright/test';
import { decode, encode } from 'cborg';
import { Bundle } from 'wbn';
import { WebBundleId, getBundleId } from 'wbn-sign';

const file = process.env.IWA_BUNDLE;
const site = process.env.IWA_SITE;
const MANIFEST = '.well-known/manifest.webmanifest';
/** The bundle, its integrity block apart, and where the app is. */
let signed, block, plain, bundle, base;

before(() => {
  signed = readFileSync(file);
  // A bundle ends with its length.
  const start = signed.length - Number(signed.readBigUInt64BE(signed.length - 8));
  plain = signed.subarray(start);
  block = decode(signed.subarray(0, start), { useMaps: true });
  bundle = new Bundle(plain);
  base = `isolated-app://${getBundleId(signed)}/`;
});

test('the bundle is signed with the key that it is named by', () => {
  const [magic, version, attributes, signatures] = block;
  assert.equal(Buffer.from(magic).toString(), '🖋📦');
  assert.equal(Buffer.from(version).toString('latin1'), '2b\0\0');
  assert.equal(signatures.length, 1);
  const [[own, signature]] = signatures;
  assert.deepEqual([...own.keys()], ['ed25519PublicKey']);
  const raw = Buffer.from(own.get('ed25519PublicKey'));
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } });
  assert.equal(attributes.get('webBundleId'), new WebBundleId(key).serialize());
  const data = [
    createHash('sha512').update(plain).digest(),
    encode([magic, version, attributes, []]),
    encode(own),
  ].flatMap((part) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(part.length));
    return [length, part];
  });
  assert.ok(verify(undefined, Buffer.concat(data), key, signature));
  data[1] = Buffer.from(data[1]).fill(0, 0, 1);
  assert.ok(!verify(undefined, Buffer.concat(data), key, signature));
});

test('every answer in it has the headers of an app, and the manifest asks for every USB reader', () => {
  assert.ok(bundle.urls.includes(base), 'the page is at the root');
  for (const url of bundle.urls) {
    assert.ok(url.startsWith(base), url);
    const { status, headers } = bundle.getResponse(url);
    assert.equal(status, 200, url);
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', url);
    assert.equal(headers['cross-origin-embedder-policy'], 'require-corp', url);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', url);
    assert.match(headers['content-security-policy'], /require-trusted-types-for 'script'/, url);
    assert.ok(headers['content-security-policy'].includes(`connect-src 'self' ${site};`), url);
  }
  const { headers, body } = bundle.getResponse(base + MANIFEST);
  assert.equal(headers['content-type'], 'application/manifest+json');
  const manifest = JSON.parse(Buffer.from(body));
  for (const power of ['usb', 'usb-unrestricted', 'cross-origin-isolated']) {
    assert.deepEqual(manifest.permissions_policy[power], ['self'], power);
  }
  assert.match(manifest.version, /^\d+(\.\d+)*$/);
  assert.deepEqual([manifest.id, manifest.start_url], ['/', '/']);
  for (const icon of manifest.icons) assert.ok(bundle.urls.includes(base + icon.src.slice(1)), icon.src);
  const update = JSON.parse(readFileSync(join(dirname(file), 'update.json'), 'utf8'));
  assert.deepEqual(update.versions.map(({ version }) => version), [manifest.version]);
});

test('a browser opens it as an app, which asks its site and may have every reader', { timeout: 120_000 }, async (t) => {
  // A browser without windows takes no file in its developer mode, but a server: of what is in the bundle.
  const server = createServer((request, response) => {
    const url = base + request.url.slice(1).split('?')[0];
    if (!bundle.urls.includes(url)) return response.writeHead(404).end();
    const { status, headers, body } = bundle.getResponse(url);
    response.writeHead(status, headers).end(Buffer.from(body));
  });
  await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
  const profile = mkdtempSync(join(tmpdir(), 'app-test-'));
  const program = spawn(process.env.CHROMIUM, [
    '--headless=new', '--no-sandbox', '--no-first-run', '--remote-debugging-port=0', `--user-data-dir=${profile}`,
    '--enable-features=IsolatedWebApps,IsolatedWebAppDevMode', 'about:blank',
  ], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(async () => {
    process.kill(-program.pid);
    server.close();
    server.closeAllConnections();
    await new Promise((ends) => program.once('exit', ends));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const door = await new Promise((found, failed) => {
    let said = '';
    program.once('exit', () => failed(new Error(`the browser ended: ${said}`)));
    program.stderr.on('data', (text) => {
      said += text;
      const [, url] = /listening on (ws:\S+)/.exec(said) ?? [];
      if (url) found(url);
    });
  });
  const browser = await chromium.connectOverCDP(door);
  const [context] = browser.contexts();
  await context.route(`${site}/**`, (route) => {
    const headers = { 'access-control-allow-origin': base.slice(0, -1), 'access-control-allow-headers': '*' };
    return route.fulfill({ status: 404, headers, body: '' });
  });
  const tool = await context.newPage();
  await tool.goto('chrome://iwa-dev');
  /** Asks the browser's own page for developers of such apps. */
  const ask = (name, ...words) => tool.evaluate(async ([name, words]) => {
    const page = [...document.querySelectorAll('*')].find((element) => element.browserProxy_);
    return page.browserProxy_.handler[name](...words);
  }, [name, words]);
  await tool.waitForFunction(() => [...document.querySelectorAll('*')].some((element) => element.browserProxy_));
  await ask('installAppFromDevProxy', `http://127.0.0.1:${server.address().port}`);
  const { apps: [app] } = await ask('getInstalledAppsInfo');
  assert.equal(app.name, 'eSIM laboratory');
  const opened = context.waitForEvent('page');
  assert.ok((await ask('launchApp', app.appId)).success);
  const page = await opened;
  const [asked, wrong] = [[], []];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => {
    if (/Trusted|Content Security|Refused/.test(message.text())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  await page.waitForURL(/^isolated-app:/);
  await page.getByRole('button', { name: 'Use a real card' }).click();
  const roads = page.getByRole('dialog', { name: 'Use a real card' });
  await roads.getByText('As an installed app this page may have any USB reader.').waitFor();
  await roads.getByRole('button', { name: 'Choose the reader' }).waitFor();
  await roads.getByText('An installed app can’t reach programs of this computer.').waitFor();
  assert.ok(asked.includes(`${site}/lab/chip.json`), `asked: ${asked}`);
  assert.deepEqual(await page.evaluate(() => [
    crossOriginIsolated, document.featurePolicy.allowsFeature('usb'),
    document.featurePolicy.allowsFeature('usb-unrestricted'),
  ]), [true, true, true]);
  assert.deepEqual(wrong, []);
  await browser.close();
});
