// A terminal's half of the APDU protocol, for the tests of the doors. What is expected of the
// chip stands in the tests, in the words of SGP.22, ISO 7816-4 and the tools' own formats.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export const bytes = (text) => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));
export const hex = (data) => Buffer.from(data).toString('hex').toUpperCase();
export const text = (string) => new TextEncoder().encode(string);

export const ISD_R = 'A0000005591010FFFFFFFF8900000100';
/** The EID of a chip that nobody has chosen one for (crate `lab`). */
export const EID = '89049032000000000000000000000163';
/** Answer to reset: T=0 offered, eUICC bit in the global interface byte (ETSI TS 102 221 §6.3). */
export const ATR = '3B9F96803F87828031E073FE211F574543753130136502';

/** The folder of the package, as `cargo xtask build --npm` made it. */
export const packageFolder = process.env.EUICC_PACKAGE;
assert.ok(packageFolder, 'there is no package: run `cargo xtask test --only doors`');
/** The native command line. */
export const program = process.env.EUICC_PROGRAM;
assert.ok(program, 'there is no program: run `cargo xtask test --only doors`');

/** A folder that is gone after the tests. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'doors-test-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Opens channel 1, selects the ISD-R there; then ES10 requests can be made. */
export async function terminal(transmit) {
  assert.equal(hex(await transmit(bytes('0070000001'))), '019000');
  const selected = await transmit(bytes(`01A4040010${ISD_R}`));
  assert.equal(selected.at(-2), 0x61, hex(selected));

  /** One ES10 request in blocks of STORE DATA; its whole answer. */
  return async function es10(request) {
    let answer;
    for (let at = 0, block = 0; at < request.length; at += 255, block += 1) {
      const data = request.slice(at, at + 255);
      const last = at + 255 >= request.length;
      answer = await transmit(Uint8Array.of(0x81, 0xe2, last ? 0x91 : 0x11, block, data.length, ...data));
    }
    const parts = [];
    while (answer.at(-2) === 0x61) {
      parts.push(...answer.slice(0, -2));
      answer = await transmit(Uint8Array.of(0x81, 0xc0, 0x00, 0x00, answer.at(-1)));
    }
    assert.equal(hex(answer.slice(-2)), '9000', hex(request));
    return Uint8Array.from([...parts, ...answer.slice(0, -2)]);
  };
}

/** A BER-TLV data object; `tag` in hexadecimal. */
export function tlv(tag, ...parts) {
  const value = parts.flatMap((part) => [...part]);
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([...bytes(tag), ...size, ...value]);
}

/** ES10c.GetEID (SGP.22 §5.7.20). */
export const eid = async (es10) => hex(await es10(bytes('BF3E035C015A'))).replace(/^BF3E125A10/, '');

/** ES10a.SetDefaultDpAddress (§5.7.4): a change that must be durable when it is answered. */
export async function setAddress(es10, address) {
  const value = text(address);
  const answer = await es10(Uint8Array.of(0xbf, 0x3f, value.length + 2, 0x80, value.length, ...value));
  assert.equal(hex(answer), 'BF3F03800100', 'setDefaultDpAddressResult ok(0)');
}

/** ES10a.GetEuiccConfiguredAddresses (§5.7.3): the default SM-DP+ address. */
export async function address(es10) {
  const answer = await es10(bytes('BF3C00'));
  assert.equal(hex(answer.slice(0, 2)), 'BF3C');
  return answer[3] === 0x80 ? Buffer.from(answer.slice(5, 5 + answer[4])).toString() : undefined;
}
