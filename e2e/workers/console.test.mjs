// The files of the operator's console, as the SM-DP+'s worker serves them.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { laboratory, start } from './runtime.mjs';

const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const folder = resolve(import.meta.dirname, '../../edge-smdp/assets/operator/console/app');
const [hash] = readdirSync(folder);
let server;

before(async () => {
  server = await start(['edge-smdp']);
});

after(() => server?.close());

const ask = (method, path, headers) => server.ask('edge-smdp', method, path, { headers });

test('every file of the console carries the strict policy, and needs no token', async () => {
  for (const path of ['/operator/console/', ...readdirSync(`${folder}/${hash}`).map((name) => `/operator/console/app/${hash}/${name}`)]) {
    const { status, headers } = await ask('GET', path);
    assert.equal(status, 200, path);
    assert.equal(headers.get('content-security-policy'), POLICY, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin', path);
    assert.match(headers.get('cache-control'), path.endsWith('/') ? /must-revalidate/ : /immutable/, path);
  }
});

test('the page holds no script and no style of its own', async () => {
  const { body } = await ask('GET', '/operator/console/');
  assert.doesNotMatch(body, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|\{\{/);
});

test('what is missing is missing, and nothing can be written', async () => {
  const missing = await ask('GET', '/operator/console/app/000000000000/start.js');
  assert.equal(missing.status, 404);
  assert.doesNotMatch(missing.headers.get('cache-control') ?? '', /immutable/);
  assert.equal((await ask('GET', '/operator/console/../../etc/passwd')).status === 200, false);
  const written = await ask('POST', '/operator/console/');
  assert.equal(written.status, 405);
  assert.equal(written.headers.get('allow'), 'GET, HEAD');
});

test('HEAD and a second look cost no body', async () => {
  const head = await ask('HEAD', '/operator/console/');
  assert.deepEqual([head.status, head.body], [200, '']);
  const again = await ask('GET', '/operator/console/', { 'if-none-match': head.headers.get('etag') });
  assert.deepEqual([again.status, again.body], [304, '']);
});

test('a name that only begins like the console is the interface’s', async () => {
  assert.equal((await ask('GET', '/operator/consoles')).status, 401);
});

test('where nobody can be the operator there is no console', async () => {
  assert.ok(laboratory['edge-smdp'].OPERATOR_TOKEN, 'the laboratory has an operator');
  const nobodys = await start(['edge-smdp'], { 'edge-smdp': { OPERATOR_TOKEN: undefined, OPERATOR_ACCESS: undefined } });
  try {
    const paths = ['/operator/console', '/operator/console/', ...readdirSync(`${folder}/${hash}`).map((name) => `/operator/console/app/${hash}/${name}`)];
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const answer = await nobodys.ask('edge-smdp', method, path);
        assert.equal(answer.status, 404, `${method} ${path}`);
        assert.equal(answer.headers.get('etag'), null, path);
      }
    }
    const health = await nobodys.ask('edge-smdp', 'GET', '/operator/health');
    assert.equal(health.body.operator, false);
  } finally {
    await nobodys.close();
  }
});
