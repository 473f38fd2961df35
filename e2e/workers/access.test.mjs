// Operators whom an access proxy in front has let in: by tokens that Node signs.
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { laboratory, start } from './runtime.mjs';

const issuer = 'https://team.example';
const { OPERATOR_TOKEN } = laboratory['edge-smdp'];
const [ours, other] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
const jwk = (pair, kid) => ({ ...pair.publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' });
let published = [jwk(ours, 'one')];

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: issuer, aud: ['app-1'], iat: now, nbf: now, exp: now + 300, email: 'operator@example.com' };
};
function token({ key = ours, kid = 'one', header = {}, ...changed } = {}) {
  const signed = `${part({ alg: 'RS256', kid, typ: 'JWT', ...header })}.${part({ ...claims(), ...changed })}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.privateKey, 'base64url')}`;
}

let runtime;
const platform = globalThis.fetch;
const asked = [];
const status = async (assertion, path = '/operator/profiles', method = 'GET', body) => {
  const headers = assertion === undefined ? {} : { 'cf-access-jwt-assertion': assertion };
  return (await runtime.ask('edge-smdp', method, path, { headers, body })).status;
};

before(async () => {
  globalThis.fetch = async (input, init) => {
    const url = typeof input === 'string' ? input : (input.url ?? String(input));
    if (!url.startsWith(issuer)) return platform(input, init);
    asked.push(url);
    return Response.json({ keys: published });
  };
  const OPERATOR_ACCESS = JSON.stringify({ issuer, audience: 'app-1' });
  runtime = await start(['edge-smdp'], { 'edge-smdp': { OPERATOR_ACCESS } });
});

after(async () => {
  globalThis.fetch = platform;
  await runtime?.close();
});

test('a token of the proxy is as good as the operator’s', async () => {
  assert.equal(await status(token()), 200);
  assert.equal(await status(token({ aud: 'app-1' })), 200);
  assert.deepEqual(asked, [`${issuer}/cdn-cgi/access/certs`], 'its keys are asked for once');
  const order = { header: { functionRequesterIdentifier: '2.999.1', functionCallIdentifier: '1' }, iccid: '8900000000000000000' };
  assert.equal(await status(token(), '/gsma/rsp2/es2plus/downloadOrder', 'POST', order), 200);
  const bearer = await runtime.ask('edge-smdp', 'GET', '/operator/profiles', { token: OPERATOR_TOKEN });
  assert.equal(bearer.status, 200);
});

test('any other token is none', async () => {
  const now = Math.floor(Date.now() / 1000);
  const none = `${part({ alg: 'none', kid: 'one' })}.${part(claims())}.`;
  const hmac = `${part({ alg: 'HS256', kid: 'one' })}.${part(claims())}.${part('x')}`;
  const good = token();
  const changed = good.split('.').with(1, part({ ...claims(), email: 'mallory@example.com' })).join('.');
  for (const [what, wrong] of Object.entries({
    'no token': undefined, 'nothing': '', 'another key': token({ key: other }), 'another audience': token({ aud: ['app-2'] }),
    'another issuer': token({ iss: 'https://other.example' }), 'an end': token({ exp: now - 120 }),
    'a beginning': token({ nbf: now + 600 }), 'no algorithm': none, 'a secret': hmac, 'other words': changed,
    'half of it': good.slice(0, -40), 'noise': 'a.b.c',
  })) {
    assert.equal(await status(wrong), 401, what);
  }
});

test('LPAs need none, and a key that is new is found', async () => {
  const es9 = await runtime.ask('edge-smdp', 'POST', '/gsma/rsp2/es9plus/initiateAuthentication', { body: {} });
  assert.equal(es9.status, 400);
  published = [jwk(ours, 'one'), jwk(other, 'two')];
  // Not at once: whoever names keys that are none must not make us ask each time.
  assert.equal(await status(token({ key: other, kid: 'two' })), 401);
  assert.equal(asked.length, 1);
});
