// The two command lines, which must behave the same: native and Node.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ATR, EID, ISD_R, bytes, folder, hex, packageFolder, program } from './card.mjs';

const COMMANDS = {
  native: [program],
  node: [process.execPath, join(packageFolder, 'cli.mjs')],
};

for (const [name, [command, ...first]] of Object.entries(COMMANDS)) {
  describe(`${name} command line`, () => {
    const home = folder();
    const run = (words, input = '') => spawnSync(command, [...first, ...words], { input, encoding: 'utf8', cwd: home });
    const lines = (words, input) => {
      const { status, stdout, stderr } = run(words, input);
      assert.equal(status, 0, stderr);
      return stdout.split('\n').slice(0, -1);
    };

    test('hexadecimal lines, reset, errors that do not end it', () => {
      const said = lines(['stdio'], `reset\n0070000001\n01a40400 10 ${ISD_R}\nnonsense\n\n# a remark\n${'0'.repeat(300_000)}\n81E2910006BF3E035C015A\n81C0000015`);
      assert.deepEqual(said.slice(0, 2), [ATR, '019000']);
      assert.match(said[2], /^61..$/);
      assert.match(said[3], /^error: /);
      assert.match(said[4], /^error: a line is at most/);
      assert.deepEqual(said.slice(5), ['6115', `BF3E125A10${EID}9000`]);
    });

    test('an answer comes before the next question', async () => {
      const child = spawn(command, [...first, 'stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
      for (let time = 0; time < 3; time += 1) {
        child.stdin.write('reset\n');
        const [piece] = await once(child.stdout, 'data');
        assert.equal(piece.toString(), `${ATR}\n`);
      }
      child.stdin.end();
      const [code] = await once(child, 'close');
      assert.equal(code, 0);
    });

    test('lpac on the other end of the pipe', () => {
      const call = (func, param = null) => JSON.stringify({ type: 'apdu', payload: { func, param } });
      const session = [
        call('connect'),
        call('logic_channel_open', ISD_R),
        call('transmit', '81E2910006BF3E035C015A'),
        call('transmit', '81C0000015'),
        '{"type":"lpa","payload":{"code":0,"message":"success","data":null}}',
        call('logic_channel_close', '01'),
        call('disconnect'),
        'reset',
      ];
      for (const words of [['stdio', '--lpac'], ['stdio']]) {
        const said = lines(words, `${session.join('\n')}\n`);
        const payloads = said.slice(0, 6).map((line) => JSON.parse(line)).map(({ type, payload }) => (assert.equal(type, 'apdu'), payload));
        assert.deepEqual(payloads, [
          { ecode: 0 },
          { ecode: 1 },
          { ecode: 0, data: '6115' },
          { ecode: 0, data: `BF3E125A10${EID}9000` },
          { ecode: 0 },
          { ecode: 0 },
        ]);
        // Where only JSON is understood, `reset` is none.
        if (words.length > 1) assert.equal(JSON.parse(said[6]).payload.ecode, -1);
        else assert.equal(said[6], ATR);
      }
    });

    test('a state is kept from run to run, and what is none is left alone', () => {
      const set = `0070000001\n01A4040010${ISD_R}\n81E291000CBF3F09800764702E74657374`;
      lines(['stdio', '--state', 'chip.nvm', '--seed', 'lines'], set);
      const read = `0070000001\n01A4040010${ISD_R}\n81E2910003BF3C00\n81C0000000`;
      const answer = lines(['stdio', '--state', 'chip.nvm'], read).at(-1);
      assert.ok(answer.includes(hex(Buffer.from('dp.test'))), answer);
      assert.ok(!existsSync(join(home, 'chip.nvm.lock')));

      writeFileSync(join(home, 'letter.txt'), 'Dear customer,\n');
      const refused = run(['stdio', '--state', 'letter.txt']);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /letter\.txt.*left as it is/);
      assert.equal(readFileSync(join(home, 'letter.txt'), 'utf8'), 'Dear customer,\n');
    });

    test('two programs do not share a state', async () => {
      const child = spawn(command, [...first, 'stdio', '--state', 'busy.nvm'], { cwd: home, stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.write('reset\n');
      await once(child.stdout, 'data');
      // Whichever the other one is.
      for (const [other, ...words] of Object.values(COMMANDS)) {
        const refused = spawnSync(other, [...words, 'stdio', '--state', 'busy.nvm'], { cwd: home, input: 'reset\n', encoding: 'utf8' });
        assert.equal(refused.status, 1);
        assert.match(refused.stderr, new RegExp(`in use by process ${child.pid}: stop it, or name another file`));
      }
      child.kill('SIGKILL');
      await once(child, 'close');
      for (const [other, ...words] of Object.values(COMMANDS)) {
        const found = execFileSync(other, [...words, 'stdio', '--state', 'busy.nvm'], { cwd: home, input: 'reset\n', encoding: 'utf8' });
        assert.equal(found, `${ATR}\n`);
      }
    });

    test('mistakes are told with what to do', () => {
      for (const [words, told] of [
        [['stdio', '--eid', '12'], /eid/],
        [['stdio', '--state', 'no/folder/chip.nvm'], /its folder must be there/],
        [['stdio', '--factory', 'absent.json'], /--factory absent\.json/],
        [['stdio', '--sgp26', '.'], /CERT_CI_ECDSA_NIST/],
        [['stdio', '--memory', 'much'], /memory/],
        [['stdio', '--nonsense'], /nonsense/],
        [['knock'], /knock/],
      ]) {
        const { status, stdout, stderr } = run(words);
        assert.notEqual(status, 0, words.join(' '));
        assert.match(stderr, told);
        assert.equal(stdout, '');
      }
    });

    test('the trace is on standard error, and only when it is asked for', () => {
      const session = '0070000001\n';
      assert.equal(run(['stdio'], session).stderr, '');
      const { stdout, stderr } = run(['stdio', '--trace'], session);
      assert.equal(stdout, '019000\n');
      assert.match(stderr, /^> 0070000001\n< 019000 \(\d+\.\d ms\)\n$/);
    });

    test('the card finds its reader, answers it, and finds it again', async () => {
      const reader = createServer().listen(0, '127.0.0.1');
      await once(reader, 'listening');
      const { port } = reader.address();
      const card = spawn(command, [...first, 'vpcd', '--port', String(port)], { stdio: ['ignore', 'inherit', 'ignore'] });
      const message = (data) => Buffer.concat([Buffer.from([data.length >> 8, data.length & 0xff]), data]);
      try {
        for (let time = 0; time < 2; time += 1) {
          const [socket] = await once(reader, 'connection');
          let got = Buffer.alloc(0);
          const answer = async () => {
            while (got.length < 2 || got.length < 2 + got.readUInt16BE()) got = Buffer.concat([got, (await once(socket, 'data'))[0]]);
            const length = got.readUInt16BE();
            const whole = got.subarray(2, 2 + length);
            got = got.subarray(2 + length);
            return hex(whole);
          };
          // Power on is not answered; the ATR is.
          socket.write(Buffer.concat([message(Buffer.from([1])), message(Buffer.from([4]))]));
          assert.equal(await answer(), ATR);
          // A new reader sees no channel of the old one.
          const open = message(Buffer.from(bytes('0070000001')));
          socket.write(open.subarray(0, 2));
          socket.write(open.subarray(2));
          assert.equal(await answer(), '019000');
          socket.destroy();
        }
      } finally {
        card.kill();
        reader.close();
      }
      await once(card, 'close');
    });
  });
}
