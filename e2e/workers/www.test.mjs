// The site's worker in its runtime, in front of two services that are told what to answer.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestHarness } from 'wrangler';

const www = resolve(import.meta.dirname, '../../www');
const root = mkdtempSync(join(tmpdir(), 'www-test-'));
const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "img-src 'self' data: blob:; connect-src 'self' ws://127.0.0.1:*; object-src 'none'; base-uri 'none'; " +
  "form-action 'self'; frame-src 'self'; frame-ancestors 'none'";

/** A service that says what it was asked. */
const echo = (name) => `export default { async fetch(request) {
  const { pathname, search } = new URL(request.url);
  // What a Durable Object that panicked looks like from outside.
  if (pathname.endsWith('/empty')) return new Response(null, { status: 204, headers: { 'x-own': 'kept' } });
  if (pathname.endsWith('/hangs')) await new Promise(() => {});
  return Response.json({ service: '${name}', method: request.method, path: pathname + search,
    authorization: request.headers.get('authorization'), proofs: Object.fromEntries(['client-cert',
    'content-digest', 'signature-input', 'signature'].map((name) => [name, request.headers.get(name)])),
    url: request.url, tls: request.cf?.tlsClientAuth ?? null, body: await request.text() }, { status: 207 });
} }`;

function worker(name, files, configuration) {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const path = join(folder, 'wrangler.json');
  writeFileSync(path, JSON.stringify({ name, compatibility_date: '2026-11-01', ...configuration }));
  return { configPath: path };
}

let server;

before(async () => {
  const dist = join(root, 'dist');
  mkdirSync(join(dist, 'app/0123456789ab'), { recursive: true });
  writeFileSync(join(dist, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(dist, 'app/0123456789ab/boot.js'), 'export {}');
  // The site's own configuration, but for where things are.
  const text = readFileSync(join(www, 'wrangler.jsonc'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  const configuration = JSON.parse(text);
  configuration.main = join(www, 'build/index.js');
  configuration.assets.directory = dist;
  configuration.vars = {
    LAB_CHIP: '{"eid":"89"}', LAB_CHIP_ODD_AID: '{"odd":1}', LAB_CHIP_WATCH: '{"watch":1}', LAB_OPERATOR: '{"token":"t"}',
    OTHER: '{"secret":1}', APPS: 'isolated-app://one isolated-app://two',
  };
  server = createTestHarness({
    root,
    workers: [
      worker('www', {}, configuration),
      worker('edge-smdp', { 'index.js': echo('smdp') }, { main: 'index.js' }),
      worker('net-policy-worker', { 'index.js': echo('network') }, { main: 'index.js' }),
    ],
  });
  await server.listen();
});

after(async () => {
  await server?.close();
  rmSync(root, { recursive: true, force: true });
});

test('every page carries the strict policy', async () => {
  for (const path of ['/', '/deep/link', '/app/0123456789ab/boot.js']) {
    const response = await server.fetch(path, { headers: { 'sec-fetch-mode': 'navigate' } });
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get('content-security-policy'), POLICY, path);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer', path);
    assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin', path);
    assert.match(response.headers.get('permissions-policy'), /geolocation=\(\)/, path);
  }
});

test('HEAD says what GET would, without the page', async () => {
  const response = await server.fetch('/', { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-security-policy'), POLICY);
  assert.equal(await response.text(), '');
});

test('what is named by its content is kept for ever, the page is not', async () => {
  const part = await server.fetch('/app/0123456789ab/boot.js');
  assert.match(part.headers.get('cache-control'), /immutable/);
  const page = await server.fetch('/');
  assert.match(page.headers.get('cache-control'), /must-revalidate/);
  const again = await server.fetch('/', { headers: { 'if-none-match': page.headers.get('etag') } });
  assert.equal(again.status, 304);
});

test('a missing part of the page is missing, not the page', async () => {
  const response = await server.fetch('/app/000000000000/boot.js');
  assert.equal(response.status, 404);
  assert.doesNotMatch(response.headers.get('cache-control') ?? '', /immutable/);
});

test('requests reach the service their path belongs to, unchanged', async () => {
  const cases = [
    ['/gsma/rsp2/es9plus/initiateAuthentication?x=1', 'smdp'],
    ['/operator/profiles', 'smdp'],
    ['/network/attach', 'network'],
  ];
  for (const [path, service] of cases) {
    const response = await server.fetch(path, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
      body: '{"a":1}',
    });
    assert.equal(response.status, 207, 'the status is the service’s');
    assert.equal(response.headers.get('content-type'), 'application/json', 'and so is the type,');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff', 'which is believed');
    const { method, path: asked, authorization, body, service: answered } = await response.json();
    assert.deepEqual(
      { method, asked, authorization, body, answered },
      { method: 'POST', asked: path, authorization: 'Bearer t', body: '{"a":1}', answered: service },
    );
  }
});

test('an answer without a body stays so, with the headers of the service', async () => {
  const response = await server.fetch('/gsma/rsp2/es9plus/empty', { method: 'POST', body: '{}' });
  assert.equal(response.status, 204);
  assert.equal(await response.text(), '');
  assert.equal(response.headers.get('x-own'), 'kept');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
});

test('what an LPA signs, and what the platform says of its TLS, reaches the SM-DP+', async () => {
  const proofs = {
    'client-cert': ':AQID:', 'content-digest': 'sha-256=:AA==:', 'signature-input': 'a=("@method")',
    signature: 'a=:AA==:',
  };
  const tlsClientAuth = { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0' };
  const url = 'https://smdp.example/gsma/rsp2/es9plus/initiateAuthentication';
  const worker = server.getWorker('www');
  const response = await worker.fetch(url, { method: 'POST', headers: proofs, body: '{}', cf: { tlsClientAuth } });
  const seen = await response.json();
  assert.deepEqual(seen.proofs, proofs);
  assert.equal(seen.url, url, 'the host is covered by the signature');
  assert.deepEqual(seen.tls, tlsClientAuth);
  // Where the platform says nothing, no header says it instead.
  const headers = { tlsclientauth: JSON.stringify(tlsClientAuth), 'cf-tls-client-auth': 'SUCCESS' };
  const without = await worker.fetch(url, { method: 'POST', headers, body: '{}' });
  assert.equal((await without.json()).tls?.certPresented ?? '0', '0');
});

test('a name that only begins like a service is a page', async () => {
  const response = await server.fetch('/networks', { headers: { 'sec-fetch-mode': 'navigate' } });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/html/);
});

test('of a service that does not answer the page is told in plain words', async () => {
  const response = await server.fetch('/network/hangs');
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  const problem = await response.json();
  assert.equal(problem.status, 503);
  assert.match(problem.detail, /network service/);
});

test('a page cannot be written to', async () => {
  assert.equal((await server.fetch('/', { method: 'POST', body: 'x' })).status, 405);
});

test('the laboratory’s documents are nobody’s to cache', async () => {
  const documents = {
    '/lab/chip.json': { eid: '89' }, '/lab/chip.json?as=usual': { eid: '89' }, '/lab/chip.json?as=odd-aid': { odd: 1 },
    '/lab/watch.json': { watch: 1 }, '/lab/operator.json': { token: 't' },
  };
  for (const [path, document] of Object.entries(documents)) {
    const response = await server.fetch(path);
    assert.deepEqual(await response.json(), document, path);
    assert.equal(response.headers.get('cache-control'), 'no-store', path);
    assert.equal(response.headers.get('cross-origin-resource-policy'), 'same-origin', path);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff', path);
  }
});

test('of the laboratory there is nothing else', async () => {
  for (const path of ['/lab/lpa.json', '/lab/', '/lab/other.json', '/lab/chip.json?as=', '/lab/chip.json?as=OTHER',
    '/lab/chip.json?as=../other', '/lab/chip.json?as=none', '/lab/watch.json?as=expired']) {
    assert.equal((await server.fetch(path)).status, 404, path);
  }
});

test('installed apps of the site may read its answers, and nobody else', async () => {
  const ask = (origin, path, method = 'GET') => server.fetch(path, { method, headers: { origin } });
  for (const path of ['/lab/chip.json', '/network/health', '/gsma/rsp2/es9plus/initiateAuthentication']) {
    const own = await ask('isolated-app://two', path);
    assert.equal(own.headers.get('access-control-allow-origin'), 'isolated-app://two', path);
    assert.equal(own.headers.get('vary'), 'origin', path);
    assert.notEqual(await own.text(), '', path);
    const asked = await ask('isolated-app://one', path, 'OPTIONS');
    assert.equal(asked.status, 204, path);
    assert.match(asked.headers.get('access-control-allow-headers'), /x-admin-protocol/, path);
    for (const other of ['isolated-app://three', 'isolated-app://', 'https://example.com', 'null', '*']) {
      const answer = await ask(other, path);
      assert.equal(answer.headers.get('access-control-allow-origin'), null, `${path} ${other}`);
    }
  }
  // The page is for nobody else's eyes in any case.
  assert.equal((await ask('isolated-app://one', '/')).headers.get('access-control-allow-origin'), null);
});
