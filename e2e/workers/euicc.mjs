// An eUICC and its LPA as far as an SM-DP+ sees them, written from SGP.22 for the runtime tests: what
// they send, signed with the keys of the laboratory's chip. Nothing of the server is verified here.
import { createECDH, createPrivateKey, sign } from 'node:crypto';
import { base64, euiccInfo1, laboratory, tlv } from './runtime.mjs';

const hex = (text) => Buffer.from(text, 'base64').toString('hex');
const text = (value) => Buffer.from(value).toString('hex');
/** EF.ICCID's coding: low nibble first, filled with F. */
const swapped = (digits) => digits.padEnd(20, 'f').replace(/(.)(.)/g, '$2$1');

/** The value of the first data object with this tag among those in a row (SGP.22 uses short ones here). */
function found(objects, tag) {
  let bytes = Buffer.from(objects, 'hex');
  while (bytes.length > 0) {
    const size = (bytes[0] & 0x1f) === 0x1f ? 2 : 1;
    let length = bytes[size];
    let begin = size + 1;
    if (length > 0x80) {
      begin += length & 0x7f;
      length = bytes.readUIntBE(size + 1, length & 0x7f);
    }
    if (bytes.subarray(0, size).toString('hex') === tag) return bytes.subarray(begin, begin + length).toString('hex');
    bytes = bytes.subarray(begin + length);
  }
  throw new Error(`no ${tag} in ${objects}`);
}

/** The contents of an OBJECT IDENTIFIER (X.690 §8.19). */
function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  return Buffer.from([first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc & 0x7f];
    while ((arc = Math.floor(arc / 128)) > 0) septets.unshift((arc & 0x7f) | 0x80);
    return septets;
  })).toString('hex');
}

/** The bits of `NotificationEvent` (SGP.22 §2.4a.1). */
const EVENTS = { install: '0780', enable: '0640', disable: '0520', delete: '0410' };

/** The laboratory's chip. */
export class Euicc {
  #chip = JSON.parse(laboratory.www.LAB_CHIP);
  #key = createPrivateKey({ key: Buffer.from(this.#chip.euiccPrivateKey, 'base64'), format: 'der', type: 'pkcs8' });
  #number = 0;
  eid = this.#chip.eid;

  constructor(ci, address) {
    this.ci = ci;
    this.address = address;
  }

  #signature(...signed) {
    const bytes = Buffer.from(signed.join(''), 'hex');
    return tlv('5f37', sign('sha256', bytes, { key: this.#key, dsaEncoding: 'ieee-p1363' }).toString('hex'));
  }

  get #certificates() {
    return [hex(this.#chip.euiccCertificate), hex(this.#chip.eumCertificate)];
  }

  /** For initiateAuthentication (§5.6.1). */
  initiate() {
    return { smdpAddress: this.address, euiccChallenge: base64('c5'.repeat(16)), euiccInfo1: base64(euiccInfo1(this.ci)) };
  }

  /** For authenticateClient (§5.6.3), to what initiateAuthentication answered. */
  authenticate({ transactionId, serverSigned1 }, matchingId) {
    const server = found(hex(serverSigned1), '30');
    const info2 = tlv(
      'bf22', tlv('81', '020301'), tlv('82', '020202'), tlv('83', '010000'),
      tlv('84', tlv('81', '00'), tlv('82', '00080000'), tlv('83', '2710')), tlv('85', '00ffffff'), tlv('88', '0600'),
      tlv('a9', tlv('04', this.ci)), tlv('aa', tlv('04', this.ci)), tlv('04', '010000'), tlv('0c', text('TEST')),
    );
    const context = tlv('a0', tlv('80', text(matchingId)), tlv('a1', tlv('80', '35290611'), tlv('a1')));
    const signed1 = tlv(
      '30', tlv('80', transactionId), tlv('83', found(server, '83')), tlv('84', found(server, '84')), info2, context,
    );
    const answer = tlv('bf38', tlv('a0', signed1, this.#signature(signed1), ...this.#certificates));
    return { transactionId, authenticateServerResponse: base64(answer) };
  }

  /** For getBoundProfilePackage (§5.6.2), to what authenticateClient answered. */
  prepare({ transactionId, smdpSignature2 }) {
    const otpk = createECDH('prime256v1').generateKeys('hex');
    const signed2 = tlv('30', tlv('80', transactionId), tlv('5f49', otpk));
    const answer = tlv('bf21', tlv('a0', signed2, this.#signature(signed2, hex(smdpSignature2))));
    return { transactionId, prepareDownloadResponse: base64(answer) };
  }

  #metadata(event, iccid) {
    this.#number += 1;
    const number = this.#number.toString(16).padStart(2, '0');
    return tlv('bf2f', tlv('80', number), tlv('81', EVENTS[event]), tlv('0c', text(this.address)), tlv('5a', swapped(iccid)));
  }

  /** For handleNotification (§5.6.4): a success, of the server with this OID. */
  installed({ transactionId }, iccid, server) {
    const success = tlv('a2', tlv('a0', tlv('4f', 'a0000005591010ffffffff8900001100'), tlv('04', '3000')));
    const data = tlv('bf27', tlv('80', transactionId), this.#metadata('install', iccid), tlv('06', oid(server)), success);
    return { pendingNotification: base64(tlv('bf37', data, this.#signature(data))) };
  }

  /** The same: enabled, disabled, deleted. */
  other(event, iccid) {
    const tbs = this.#metadata(event, iccid);
    return { pendingNotification: base64(tlv('30', tbs, this.#signature(tbs), ...this.#certificates)) };
  }
}
