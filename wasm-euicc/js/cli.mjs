#!/usr/bin/env node
// The chip for programs that are not written in JavaScript: on standard input and output, or
// in a virtual PC/SC reader. What is on the wire is Rust's affair (wasm-euicc/src/host), so
// that the native command line (`cargo xtask euicc`) says the same.
import { readFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Euicc } from './node.mjs';
import { LineDoor, VpcdDoor } from './wasm_euicc.js';

const HELP = `An eUICC for tests: SGP.22, all in software, test certificates only.

wasm-euicc stdio [options]   one command APDU in hexadecimal a line in, one response APDU a line
                             out; the line \`reset\` answers the ATR; lines of lpac's stdio JSON are
                             answered in JSON
wasm-euicc vpcd [options]    a card in a virtual PC/SC reader: connects to vpcd (Debian: apt-get
                             install pcscd vsmartcard-vpcd) and stays until stopped

stdio:
  --lpac              take lpac's JSON only
vpcd:
  --host HOST         where pcscd with vpcd runs (127.0.0.1)
  --port PORT         35963 is vpcd's first slot, 35964 its second (35963)
the chip:
  --state FILE        keep the chip in this file between runs; it holds the chip's secrets
  --sgp26 DIR         give a new chip the identity of GSMA's published test certificates (SGP.26,
                      NIST P-256) in this folder
  --factory FILE      make a new chip as this JSON says (such as /lab/chip.json of cargo xtask dev)
  --eid DIGITS        the EID of a new chip: 32 digits
  --seed TEXT         what the certificates and keys of a new chip are made from: 64 hexadecimal
                      digits or any text
  --memory BYTES      memory of a new chip
  --isdr-aid HEX      AID of a new chip's ISD-R
  --bootstrap         give a new chip a bootstrap profile, enabled
  --trace             show every APDU and what the chip has to say on standard error; APDUs can
                      hold PINs and keys
`;

const OPTIONS = {
  lpac: { type: 'boolean' },
  host: { type: 'string' },
  port: { type: 'string' },
  state: { type: 'string' },
  sgp26: { type: 'string' },
  factory: { type: 'string' },
  eid: { type: 'string' },
  seed: { type: 'string' },
  memory: { type: 'string' },
  'isdr-aid': { type: 'string' },
  bootstrap: { type: 'boolean' },
  trace: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

const say = (line) => process.stderr.write(`${line}\n`);
const hex = (bytes) => Buffer.from(bytes).toString('hex').toUpperCase();

class Mistake extends Error {}

function whole(text, name, most) {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > most) throw new Mistake(`${name} ${text}: a number up to ${most} is wanted`);
  return number;
}

/** The chip that is kept, else a new one; what the doors want of it. */
async function start(given) {
  let factory;
  if (given.factory !== undefined) {
    try {
      factory = JSON.parse(readFileSync(given.factory, 'utf8'));
    } catch (error) {
      throw new Mistake(`--factory ${given.factory}: ${error.message}`);
    }
  }
  let euicc;
  try {
    euicc = await Euicc.create({
      eid: given.eid,
      seed: given.seed,
      memory: given.memory === undefined ? undefined : whole(given.memory, '--memory', 0xffff_ffff),
      isdrAid: given['isdr-aid'],
      bootstrap: given.bootstrap,
      factory,
      sgp26: given.sgp26,
      storage: given.state === undefined ? 'memory' : { file: given.state },
    });
  } catch (error) {
    if (given.state === undefined || error instanceof Mistake) throw error;
    throw new Mistake(
      `--state ${given.state}: ${error.message}; it was left as it is. Name a file of this chip's, or one that is not there yet`,
    );
  }
  if (!given.trace) return { transmit: (apdu) => euicc.transmitSync(apdu), reset: () => euicc.resetSync() };
  euicc.on('trace', ({ text }) => say(`# ${text}`));
  euicc.on('apdu', ({ response, ms }) => say(`< ${hex(response)} (${ms.toFixed(1)} ms)`));
  return {
    transmit(apdu) {
      say(`> ${hex(apdu)}`);
      return euicc.transmitSync(apdu);
    },
    reset() {
      const atr = euicc.resetSync();
      say(`= ${hex(atr)}`);
      return atr;
    },
  };
}

/** Lines on standard input and output, until there are no more. */
async function stdio(given, card) {
  const door = new LineDoor(given.lpac ?? false);
  // An answer is out before the next command is looked at, whatever standard output is.
  const out = (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(1, bytes, at);
      } catch (error) {
        if (error.code === 'EPIPE') process.exit(0);
        if (error.code !== 'EAGAIN') throw error;
      }
    }
  };
  for await (const piece of process.stdin) out(door.feed(piece, card));
  out(door.finish(card));
}

/** The card in the reader; when the reader goes it is waited for. */
async function vpcd(given, card) {
  const host = given.host ?? '127.0.0.1';
  const port = given.port === undefined ? 35963 : whole(given.port, '--port', 65535);
  let told = false;
  for (;;) {
    const gone = await inReader(host, port, card, () => {
      say(`in the reader at ${host}:${port}`);
      told = false;
    });
    if (gone.was) {
      say(`out of the reader: ${gone.because}`);
      // Pulled out of a reader, a card loses its power.
      card.reset();
    } else if (gone.code !== 'ECONNREFUSED') {
      throw new Mistake(`--host ${host} --port ${port}: ${gone.because}`);
    } else if (!told) {
      say(
        `no reader at ${host}:${port}: start pcscd with vpcd (Debian: \`apt-get install pcscd vsmartcard-vpcd\`, ` +
          '`systemctl start pcscd`); waiting for it',
      );
      told = true;
    }
    await pause(1000);
  }
}

const inReader = (host, port, card, inside) =>
  new Promise((resolve) => {
    const door = new VpcdDoor();
    const socket = connect({ host, port, noDelay: true });
    let was = false;
    let error;
    socket.on('connect', () => {
      was = true;
      inside();
    });
    socket.on('data', (piece) => {
      const out = door.feed(piece, card);
      if (out.length) socket.write(out);
    });
    socket.on('error', (seen) => {
      error = seen;
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve({ was, code: error?.code, because: error?.message ?? 'it closed' }));
  });

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [door, ...more] = positionals;
  if (values.help || door === undefined) {
    process.stdout.write(HELP);
    return;
  }
  if (more.length || !['stdio', 'vpcd'].includes(door)) {
    throw new Mistake(`there is no ${positionals.join(' ')}: wasm-euicc stdio or wasm-euicc vpcd; --help tells more`);
  }
  const card = await start(values);
  await (door === 'stdio' ? stdio : vpcd)(values, card);
}

// Ending by a signal lets go of the state as any other end does.
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
  process.on(signal, () => process.exit(128 + number));
}
main().then(
  () => process.exit(),
  (error) => {
    say(`error: ${error instanceof Mistake || error.code?.startsWith('ERR_PARSE_ARGS') ? error.message : (error.message ?? error)}`);
    process.exit(1);
  },
);
