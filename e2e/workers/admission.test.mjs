// The door of ES9+ for certified LPAs, in the runtime: signatures of requests (RFC 9421), straight and
// through the network's gateway, and what the platform says of a client's certificate in TLS.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { executed, initiate, laboratory, start } from './runtime.mjs';

// Made by OpenSSL: a CA, an LPA's certificate under it and the key of that; another one of the same key,
// and the CA's list that revokes it.
const CA =
  'MIIBkDCCATWgAwIBAgIULfGgab1htqE5hyle6hV77Bhe0ecwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEP' +
  'MA0GA1UEAwwGTFBBIENBMCAXDTI2MTEyNzEwMTUyN1oYDzIwNTYxMTE5MTAxNTI3WjAjMRAwDgYDVQQKDAdSU1BURVNU' +
  'MQ8wDQYDVQQDDAZMUEEgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR+tCrLpMPhvoyKZfPZmpNYl/F5NCkm8ycb' +
  'zxFydq6a6obHSjr4HNHGeojFH693sKJ/P6lPLJNXAxy9WkdLyvHso0UwQzASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1Ud' +
  'DwEB/wQEAwIBBjAdBgNVHQ4EFgQUHQlVm412zK0h+XdU2eIowJKTqyMwCgYIKoZIzj0EAwIDSQAwRgIhAOR2diBeQNWl' +
  'yJXG5nJTvz15WUdh4yeN6+2yjLW6yaYPAiEA7dV5cRcD7pAKqoNHSYKPqvlRzcEc/uYv4IWl0gW4FRs=';
const LPA =
  'MIIBpzCCAU2gAwIBAgICXswwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAX' +
  'DTI2MTEyNzEwMTUyN1oYDzIwNTYxMTE5MTAxNTI3WjAgMRAwDgYDVQQKDAdSU1BURVNUMQwwCgYDVQQDDANscGEwWTAT' +
  'BgcqhkjOPQIBBggqhkjOPQMBBwNCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5g' +
  'PIPJDvk8Gj24S4/WKnE0IhE5o3IwcDAJBgNVHRMEAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcD' +
  'AjAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5d1TZ4ijAkpOrIzAdBgNVHQ4EFgQUmT46KfrJv46zel811P+Ze68bh8cwCgYI' +
  'KoZIzj0EAwIDSAAwRQIgXzI+71y4QkXWQezN2EhZaHciyqMDX0Jbu9+B05OMnSICIQCIbPVPFH3F7nLEN6lFk8aAp0Ag' +
  'gTPQ513e7eJQ2Fom3A==';
const REVOKED =
  'MIIBpzCCAU2gAwIBAgICEjQwCgYIKoZIzj0EAwIwIzEQMA4GA1UECgwHUlNQVEVTVDEPMA0GA1UEAwwGTFBBIENBMCAX' +
  'DTI2MTEyNzEwNDYzMloYDzIwNTYxMTE5MTA0NjMyWjAgMRAwDgYDVQQKDAdSU1BURVNUMQwwCgYDVQQDDANscGEwWTAT' +
  'BgcqhkjOPQIBBggqhkjOPQMBBwNCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5g' +
  'PIPJDvk8Gj24S4/WKnE0IhE5o3IwcDAJBgNVHRMEAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcD' +
  'AjAfBgNVHSMEGDAWgBQdCVWbjXbMrSH5d1TZ4ijAkpOrIzAdBgNVHQ4EFgQUmT46KfrJv46zel811P+Ze68bh8cwCgYI' +
  'KoZIzj0EAwIDSAAwRQIgMvTA1GZQGjj8PaC4WK3CIrtFF15+epz9C0XztfQBnXsCIQDL99bbzVtpsHE4A1FAj5c2wD3t' +
  'NDkVF2pLib7mnphqeg==';
const LIST =
  'MIH0MIGcAgEBMAoGCCqGSM49BAMCMCMxEDAOBgNVBAoMB1JTUFRFU1QxDzANBgNVBAMMBkxQQSBDQRcNMjYxMTI3MTA0' +
  'NjMyWhgPMjA1NjA5MzAxMDQ2MzJaMBUwEwICEjQXDTI2MTEyNzEwNDYzMlqgLzAtMB8GA1UdIwQYMBaAFB0JVZuNdsyt' +
  'Ifl3VNniKMCSk6sjMAoGA1UdFAQDAgEFMAoGCCqGSM49BAMCA0cAMEQCIHHNTqWN6rVGxflL7V8/Ar8/Jh61GCwwAvMr' +
  'q8ZuqvKMAiBR8ODqfTplc+q7HfE/5BTjIk6jTsvOxbj4T7RmIZoh2A==';
const KEY = createPrivateKey({
  key: Buffer.from(
    'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWbi+DzHISPpx/gg2KLOz1OdNWDqX9wwAueT3bkc1PU2h' +
      'RANCAAQvoWD8qOhpTtYyARvzQwUKEwYwY+JF3CVS5jHI3Y6TVH1nHKuTExyHs/auku5gPIPJDvk8Gj24S4/WKnE0IhE5',
    'base64',
  ),
  format: 'der',
  type: 'pkcs8',
});
const ISSUER = 'CN=LPA CA,O=Operator';
const PATH = '/gsma/rsp2/es9plus/initiateAuthentication';
const { SMDP_ADDRESSES: smdp } = laboratory['edge-smdp'];
const { OPERATOR_TOKEN: token } = laboratory['net-policy-worker'];

let runtime;
let body;

/** The fields by which an LPA proves that it holds the key, for a POST of `text`. */
function signed(text, { host = smdp, lpa = LPA, created = Math.floor(Date.now() / 1000) } = {}) {
  const digest = `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;
  const certificate = `:${lpa}:`;
  const input = `("@method" "@authority" "@path" "content-digest" "client-cert");created=${created}`;
  const base = [
    '"@method": POST', `"@authority": ${host}`, `"@path": ${PATH}`, `"content-digest": ${digest}`,
    `"client-cert": ${certificate}`, `"@signature-params": ${input}`,
  ].join('\n');
  const signature = sign('sha256', Buffer.from(base), { key: KEY, dsaEncoding: 'ieee-p1363' });
  return {
    'content-digest': digest,
    'client-cert': certificate,
    'signature-input': `lpa=${input}`,
    signature: `lpa=:${signature.toString('base64')}:`,
  };
}

/** What the platform says of a client that presented a good certificate. */
const presented = (more = {}) => ({
  tlsClientAuth: {
    certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0', certIssuerDNRFC2253: ISSUER,
    certFingerprintSHA256: '00'.repeat(32), ...more,
  },
});

const post = (options) => runtime.ask('edge-smdp', 'POST', PATH, {
  body: JSON.stringify(body), host: smdp, ...options,
});

before(async () => {
  runtime = await start(['edge-smdp', 'net-policy-worker'], {
    'edge-smdp': {
      LPA_ADMISSION: 'certificate', LPA_CA: CA, LPA_MTLS_ISSUER: ISSUER,
      // What is longer than a value of the platform goes on in the next.
      SMDP_CRLS: '', SMDP_CRLS_2: LIST,
      SMDP_CREDENTIALS: '{"sets":[]}', SMDP_CREDENTIALS_2: laboratory['edge-smdp'].SMDP_CREDENTIALS,
      SMDP_TRANSPORT_KEYS: `operator-1:${'00'.repeat(32)}`,
    },
  });
  const health = await runtime.ask('edge-smdp', 'GET', '/operator/health');
  assert.equal(health.body.admission, 'certificate');
  body = initiate(health.body.credentials[0].ciPkId);
});

after(async () => {
  await runtime?.close();
});

test('without a proof nobody gets in, and is told what is wanted', async () => {
  const { status, headers, body: problem } = await post();
  assert.equal(status, 401);
  assert.match(headers.get('www-authenticate'), /^Signature/);
  assert.match(headers.get('accept-signature'), /"client-cert"\);created/);
  assert.match(problem.detail, /has no client-cert/);
  const preflight = await runtime.ask('edge-smdp', 'OPTIONS', PATH);
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers'), /signature-input/);
});

test('a signed request gets in, and only as it was signed', async () => {
  const text = JSON.stringify(body);
  executed(await post({ headers: signed(text) }));
  assert.equal((await post({ headers: signed(`${text} `) })).status, 401);
  assert.equal((await post({ headers: signed(text, { host: 'other.example' }) })).status, 401);
  assert.equal((await post({ headers: signed(text, { created: 1_700_000_000 }) })).status, 401);
  assert.equal((await post({ headers: signed(text), host: 'other.example' })).status, 401);
  const { 'client-cert': certificate } = signed(text);
  assert.equal((await post({ headers: { 'client-cert': certificate } })).status, 401);
});

test('a revoked LPA is refused, and the list is shown', async () => {
  const refused = await post({ headers: signed(JSON.stringify(body), { lpa: REVOKED }) });
  assert.equal(refused.status, 401);
  assert.match(refused.body.detail, /it is revoked/);
  const { body: health } = await runtime.ask('edge-smdp', 'GET', '/operator/health');
  const [list] = health.revocationLists;
  assert.deepEqual([list.issuer, list.revoked], ['LPA CA 1', 1]);
  assert.deepEqual(health.warnings, []);
});

test('a certificate that the platform saw in TLS gets in, and no header passes for one', async () => {
  executed(await post({ cf: presented() }));
  for (const wrong of [
    { certPresented: '0' }, { certVerified: 'NONE' }, { certVerified: 'FAILED:self signed' },
    { certRevoked: '1' }, { certRevoked: '' }, { certIssuerDNRFC2253: 'CN=Other' },
  ]) {
    assert.equal((await post({ cf: presented(wrong) })).status, 401, JSON.stringify(wrong));
  }
  const forged = {
    'cf-client-cert-verified': 'SUCCESS', 'x-ssl-client-verify': 'SUCCESS', 'x-client-cert': LPA,
    'tlsclientauth': JSON.stringify(presented()),
  };
  assert.equal((await post({ headers: forged })).status, 401);
});

test('a signed request gets through the network’s gateway as it is', async () => {
  const ask = (method, path, options) => runtime.ask('net-policy-worker', method, path, options);
  const k = '000102030405060708090a0b0c0d0e0f';
  const imsi = '001010000009201';
  const record = { algorithm: 'xor', k, class: 'provisioning' };
  assert.equal((await ask('PUT', `/network/subscribers/${imsi}`, { token, body: record })).status, 201);
  const { attachId, rand } = (await ask('POST', '/network/attach', { body: { imsi, apn: 'x' } })).body;
  const res = Buffer.from(Buffer.from(rand, 'hex').map((byte, at) => byte ^ at)).toString('hex');
  const session = await ask('POST', `/network/attach/${attachId}/response`, { body: { res } });
  assert.equal(session.status, 200, JSON.stringify(session.body));
  const path = `/network/sessions/${session.body.sessionId}/http/${smdp}${PATH}`;
  const text = JSON.stringify(body);
  executed(await ask('POST', path, { body: text, headers: signed(text) }));
  const without = await ask('POST', path, { body: text });
  assert.equal(without.status, 401);
  assert.match(without.headers.get('accept-signature'), /"client-cert"/);
  // What the platform says of the terminal's connection is nothing that the SM sees.
  assert.equal((await ask('POST', path, { body: text, cf: presented() })).status, 401);
});
