// The chip behind PC/SC: pcscd with vpcd in namespaces of their own, our card in its reader,
// and a PC/SC program of somebody else's (scriptor, of pcsc-tools).
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ATR, EID, ISD_R, folder, packageFolder, program } from './card.mjs';
import { missing } from './pcsc.mjs';

// vpcd listens on every address, and one pcscd owns the socket that programs look for: both
// are kept to themselves. The reader cuts the card's power some 5 s after a program has ended.
const SCRIPT = `
set -eu
ip link set lo up
mkdir -p /run/pcscd
mount -t tmpfs none /run/pcscd
pcscd --foreground >pcscd.log 2>&1 & reader=$!
"$@" 2>card.log & card=$!
trap 'kill $reader $card 2>/dev/null || true' EXIT
for _ in $(seq 100); do grep -q 'in the reader' card.log && break; sleep 0.1; done
for script in first second; do
  test $script = first || sleep 7
  for _ in $(seq 20); do
    if scriptor -r 'Virtual PCD 00 00' -p T=0 "$script.apdu" >"$script.log" 2>&1; then break; fi
    sleep 0.5
  done
done
`;

const spaced = (digits) => digits.replace(/../g, '$& ').trim();

for (const [name, card] of [
  ['native', [program]],
  ['Node', [process.execPath, join(packageFolder, 'cli.mjs')]],
]) {
  test(`PC/SC selects the ISD-R and reads the EID (${name})`, { skip: missing() }, (t) => {
    const home = folder();
    const select = `00 70 00 00 01\n01 A4 04 00 10 ${spaced(ISD_R)}\n`;
    // GetEID (SGP.22 §5.7.20); then SetDefaultDpAddress (§5.7.4), which the next program finds.
    writeFileSync(
      join(home, 'first.apdu'),
      `reset\n${select}81 E2 91 00 06 BF 3E 03 5C 01 5A\n81 C0 00 00 15\n81 E2 91 00 0C BF 3F 09 80 07 64 70 2E 74 65 73 74\n`,
    );
    writeFileSync(join(home, 'second.apdu'), `${select}81 E2 91 00 03 BF 3C 00\n81 C0 00 00 0E\n`);
    writeFileSync(join(home, 'script.sh'), SCRIPT);
    const run = spawnSync('unshare', ['-n', '-m', 'sh', 'script.sh', ...card, 'vpcd'], { cwd: home, encoding: 'utf8', timeout: 90_000 });
    const log = (file) => execFileSync('sh', ['-c', `cat ${file}.log 2>/dev/null || true`], { cwd: home, encoding: 'utf8' });
    /** Answers as scriptor shows them: `< 90 00 : Normal processing.`, long ones on several lines. */
    const answers = (file) =>
      [...log(file).matchAll(/^< (?:OK: ([0-9A-F ]+)$|([0-9A-F \n]+) : )/gm)].map(([, atr, answer]) => (atr ?? answer).replace(/\s/g, ''));
    const all = `${run.stderr}${log('pcscd')}${log('card')}${log('first')}${log('second')}`;
    const [atr, channel, selected, waiting, eid] = answers('first');
    assert.equal(atr, ATR, all);
    assert.equal(channel, '019000', all);
    assert.match(selected, /^61/);
    assert.equal(waiting, '6115');
    assert.equal(eid, `BF3E125A10${EID}9000`);
    // The power was cut between the programs: channel 1 is free, what was set is kept.
    assert.equal(answers('second')[0], '019000', all);
    assert.match(answers('second').at(-1), /64702E74657374/, all);
    t.diagnostic(log('card').split('\n')[0]);
  });
}
