// The npm package as a user gets it: packed, installed, imported.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import { ATR, EID, ISD_R, address, bytes, eid, folder, hex, packageFolder, program, setAddress, terminal, tlv } from './card.mjs';

const home = folder();
let Euicc;
let exposeTestPki;

before(async () => {
  const npm = (...words) => execFileSync('npm', words, { cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const archive = npm('pack', packageFolder, '--silent').trim();
  writeFileSync(join(home, 'package.json'), '{"private":true,"type":"module"}');
  npm('install', '--offline', '--no-audit', '--no-fund', '--loglevel', 'error', `./${archive}`);
  // As a file of the user's would import it.
  writeFileSync(join(home, 'user.mjs'), "export * from 'wasm-euicc';");
  ({ Euicc, exposeTestPki } = await import(join(home, 'user.mjs')));
});

const speak = (chip) => terminal((command) => chip.transmit(command));

test('a chip needs no options, answers its ATR, and has an EID', async () => {
  const chip = await Euicc.create();
  assert.equal(hex(await chip.reset()), ATR);
  assert.equal(await eid(await speak(chip)), EID);
  // Whatever comes in, at least a status word comes back.
  assert.equal(hex(await chip.transmit(new Uint8Array())), '6700');
  await assert.rejects(chip.transmit('00A4'), TypeError);
  await chip.close();
  await assert.rejects(chip.transmit(bytes('0070000001')), /closed/);
});

test('options make another chip; what is no option is told', async () => {
  const other = '89049032123451234512345678901235';
  const chip = await Euicc.create({ eid: other, memory: 100_000, isdrAid: 'A0000005591010FFFFFFFF8900000177' });
  assert.equal(hex(await chip.transmit(bytes(`00A4040010${ISD_R}`))), '6A82');
  const selected = await chip.transmit(bytes('00A4040010A0000005591010FFFFFFFF8900000177'));
  assert.equal(selected.at(-2), 0x61);
  for (const [options, told] of [
    [{ sead: 'x' }, /no option sead/],
    [{ eid: '8904' }, /^eid: /],
    [{ isdrAid: 'A0' }, /^isdrAid: /],
    [{ factory: {} }, /eid/],
    [{ factory: {}, seed: 'x' }, /^seed: /],
    [{ storage: 'disk' }, /storage is/],
    [{ snapshot: bytes('00112233445566778899AABB') }, /snapshot/],
    [{ sgp26: home }, /CERT_CI_ECDSA_NIST/],
  ]) {
    await assert.rejects(Euicc.create(options), (error) => told.test(error.message), JSON.stringify(options));
  }
});

test('a seed is a chip, and its issuer is the one of the test PKI', async () => {
  const signedBy = async (options) => {
    const es10 = await speak(await Euicc.create(options));
    // EUICCInfo1 (§5.7.8): the identifiers of the trusted issuers' keys.
    return hex(await es10(bytes('BF2000')));
  };
  assert.equal(await signedBy({ seed: 'a' }), await signedBy({ seed: 'a' }));
  assert.notEqual(await signedBy({ seed: 'a' }), await signedBy({ seed: 'b' }));
  const pki = await exposeTestPki({ seed: 'a' });
  const certificate = join(home, 'ci.der');
  writeFileSync(certificate, pki['CERT_CI.der']);
  const printed = execFileSync('openssl', ['x509', '-inform', 'der', '-in', certificate, '-noout', '-ext', 'subjectKeyIdentifier']);
  const identifier = printed.toString().match(/((?:[0-9A-F]{2}:){19}[0-9A-F]{2})/)[1].replaceAll(':', '');
  assert.ok((await signedBy({ seed: 'a' })).includes(identifier));
  assert.match(Buffer.from(pki['SK_DPauth.pem']).toString(), /BEGIN PRIVATE KEY/);
});

test('APDU events have both sides and a time; the trace names the rule and no bytes', async () => {
  const chip = await Euicc.create();
  const seen = [];
  const told = [];
  const stop = chip.on('apdu', (event) => seen.push(event));
  const deaf = chip.on('trace', ({ text }) => told.push(text));
  const es10 = await speak(chip);
  const pin = '31323334FFFFFFFF';
  await chip.transmit(bytes(`0020000108${pin}`));
  assert.equal(seen.length, 3);
  assert.deepEqual([hex(seen[0].command), hex(seen[0].response)], ['0070000001', '019000']);
  assert.ok(seen.every(({ ms }) => ms >= 0 && ms < 60_000));
  await chip.transmit(bytes('81E2910003BF3800'));
  assert.ok(told.every((line) => typeof line === 'string' && !line.includes(pin)), told.join('\n'));
  // PrepareDownload (§5.7.5) without a session: an error, and the trace says which.
  const { 'CERT_DPpb.der': certificate } = await exposeTestPki();
  const signed = tlv('30', tlv('80', bytes('0123456789ABCDEF')), bytes('010100'));
  const request = tlv('BF21', signed, tlv('5F37', new Uint8Array(64)), certificate);
  assert.match(hex(await es10(request)), /^BF21..A1/, 'downloadResponseError');
  assert.match(told.at(-1), /PrepareDownload/);
  stop();
  deaf();
  const heard = seen.length;
  await es10(bytes('BF2E00'));
  assert.equal(seen.length, heard);
  assert.throws(() => chip.on('aplu', () => {}), TypeError);
});

test('a snapshot is the chip: it lives on in another', async () => {
  const chip = await Euicc.create({ seed: 'snapshot' });
  await setAddress(await speak(chip), 'before.example');
  const snapshot = await chip.snapshot();
  await chip.reset();
  await setAddress(await speak(chip), 'after.example');

  const copy = await Euicc.create({ snapshot });
  assert.equal(await address(await speak(copy)), 'before.example');
  assert.deepEqual(await copy.snapshot(), snapshot);
  // Into a file that is not there yet; not over a chip that is.
  const file = join(home, 'restored.nvm');
  const kept = await Euicc.create({ snapshot, storage: { file } });
  await kept.close();
  await assert.rejects(Euicc.create({ snapshot, storage: { file } }), /lives in that storage/);
  const again = await Euicc.create({ storage: { file } });
  assert.equal(await address(await speak(again)), 'before.example');
  await again.close();
  // A file that something else has changed is left alone, until a snapshot takes its place.
  const damaged = readFileSync(file);
  damaged[80] ^= 1;
  writeFileSync(file, damaged);
  await assert.rejects(Euicc.create({ storage: { file } }), /damaged/);
  assert.deepEqual(readFileSync(file), damaged);
  const mended = await Euicc.create({ snapshot, storage: { file } });
  assert.equal(await address(await speak(mended)), 'before.example');
  await mended.close();
});

test('recorded chance comes again', async () => {
  const challenge = async (options) => {
    const es10 = await speak(await Euicc.create(options));
    return hex(await es10(bytes('BF2E00')));
  };
  assert.equal(await challenge({ randomSeed: '1' }), await challenge({ randomSeed: '1' }));
  assert.notEqual(await challenge({ randomSeed: '1' }), await challenge({ randomSeed: '2' }));
  assert.notEqual(await challenge({}), await challenge({}));
});

test('a file keeps the chip, from one owner at a time, for its owner only', async () => {
  const file = join(home, 'kept.nvm');
  const first = await Euicc.create({ storage: { file }, eid: '89049032123451234512345678901235' });
  await setAddress(await speak(first), 'kept.example');
  await assert.rejects(Euicc.create({ storage: { file } }), /in use by process/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await first.close();
  assert.ok(!existsSync(`${file}.lock`));
  await assert.rejects(Euicc.create({ storage: { file }, eid: EID }), /holds the chip 89049032123451234512345678901235/);
  const again = await Euicc.create({ storage: { file } });
  assert.equal(await eid(await speak(again)), '89049032123451234512345678901235');
  await again.close();

  // Another kind of file is refused and left as it is.
  const other = join(home, 'letter.txt');
  writeFileSync(other, 'Dear customer,\n');
  await assert.rejects(Euicc.create({ storage: { file: other } }), /does not hold the memory of a chip/);
  assert.equal(readFileSync(other, 'utf8'), 'Dear customer,\n');
  await assert.rejects(Euicc.create({ storage: { file: join(home, 'no/such/folder.nvm') } }), /its folder must be there/);
});

test('a program that is killed while it writes loses nothing that was answered', async (t) => {
  const file = join(home, 'killed.nvm');
  writeFileSync(
    join(home, 'writer.mjs'),
    `import { Euicc } from 'wasm-euicc';
     import { writeSync } from 'node:fs';
     import { setAddress, terminal } from ${JSON.stringify(join(import.meta.dirname, 'card.mjs'))};
     const chip = await Euicc.create({ storage: { file: ${JSON.stringify(file)} } });
     const es10 = await terminal((command) => chip.transmit(command));
     for (let number = Number(process.argv[2]); ; number += 1) {
       await setAddress(es10, 'a' + number + '.' + 'x'.repeat(number % 50) + '.example');
       writeSync(1, number + '\\n');
     }`,
  );
  let next = 0;
  for (let round = 0; round < 6; round += 1) {
    const writer = spawn(process.execPath, [join(home, 'writer.mjs'), String(next)], { cwd: home, stdio: ['ignore', 'pipe', 'inherit'] });
    let answered = -1;
    // Somewhere in the middle of the writes that follow.
    const enough = next + 40 + 97 * round;
    for await (const line of createInterface({ input: writer.stdout })) {
      answered = Number(line);
      if (answered === enough) writer.kill('SIGKILL');
    }
    if (writer.signalCode === null) await once(writer, 'exit');
    assert.ok(answered >= enough, `the writer ended early, after ${answered}`);
    // Its lock is that of a process that is no more.
    assert.ok(existsSync(`${file}.lock`));
    const chip = await Euicc.create({ storage: { file } });
    const found = Number((await address(await speak(chip))).match(/^a(\d+)\./)[1]);
    await chip.close();
    assert.ok(found === answered || found === answered + 1, `${found} is kept, ${answered} was answered`);
    next = found + 1;
  }
  t.diagnostic(`${next} writes, 6 kills`);
});

test('native program and package read each other’s files', async () => {
  const file = join(home, 'shared.nvm');
  const native = (lines) => execFileSync(program, ['stdio', '--state', file], { input: lines, encoding: 'utf8' }).trim().split('\n');
  native('reset\n');
  const chip = await Euicc.create({ storage: { file } });
  await setAddress(await speak(chip), 'from-node.example');
  await chip.close();
  const select = `0070000001\n01A4040010${ISD_R}\n81E2910003BF3C00\n81C0000000\n`;
  assert.match(native(select).at(-1), new RegExp(hex(Buffer.from('from-node.example'))));
  // As one chip made by either: nothing but the seed decides.
  const fresh = join(home, 'native.nvm');
  execFileSync(program, ['stdio', '--state', fresh], { input: '' });
  const [twin, other] = [await Euicc.create(), await Euicc.create({ storage: { file: fresh } })];
  assert.equal(hex(await other.snapshot()), hex(await twin.snapshot()));
  await other.close();
});

test('TypeScript accepts good use and refuses bad, strictly', () => {
  const tsc = join(import.meta.dirname, '../node_modules/typescript/bin/tsc');
  copyFileSync(join(import.meta.dirname, 'consumer.ts'), join(home, 'consumer.ts'));
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022'];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, 'consumer.ts'], { cwd: home, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
