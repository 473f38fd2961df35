// What the stories share: the person at the page, and the operator at the services' doors.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type APIRequestContext, type BrowserContext, type Page, test as base, expect } from '@playwright/test';
import { Person, picture } from './person';

export { expect, Person, picture };

/** A file of the published material beside the repository, or nothing where it is not. */
export function published(name: string): Buffer | undefined {
  const path = fileURLToPath(new URL(`../../../shared/spec/data/${name}`, import.meta.url));
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** A profile that was ordered. */
export interface Order {
  name: string;
  provider: string;
  iccid: string;
  imsi: string;
  code: string;
  /** What the network was told of the subscriber. */
  record: Record<string, unknown>;
}

/** How a profile is ordered. */
export interface OrderOptions {
  confirmationCode?: string;
  /** For this chip alone, which asks without a code. */
  eid?: string;
  profileClass?: 'operational' | 'test' | 'provisioning';
  /** Profile policy rules. */
  rules?: ('ppr1' | 'ppr2')[];
  /** Its USIM conceals who it is under the key of the laboratory's home network (3GPP TS 33.501 Annex C). */
  concealed?: boolean;
}

/** The public keys of the laboratory's home network, as the SM-DP+ is told them. */
function homeNetworkKeys(): unknown {
  const keys = process.env.HOME_NETWORK_PUBLIC_KEYS;
  if (!keys) throw new Error('HOME_NETWORK_PUBLIC_KEYS is not set: run the stories by `cargo xtask test`');
  return JSON.parse(keys);
}

/** The operator's customer system. */
export class Operator {
  constructor(private readonly request: APIRequestContext) {}

  private async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, data?: unknown): Promise<any> {
    const token = process.env.OPERATOR_TOKEN;
    if (!token) throw new Error('OPERATOR_TOKEN is not set: run the stories by `cargo xtask test`');
    const answer = await this.request.fetch(path, {
      method,
      data: JSON.stringify(data),
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-admin-protocol': 'gsma/rsp/v2.2.0',
      },
    });
    const text = await answer.text();
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${text}`).toBeTruthy();
    return text ? JSON.parse(text) : null;
  }

  private async es2(call: string, body: Record<string, unknown>): Promise<any> {
    const header = { functionRequesterIdentifier: '2.999.1', functionCallIdentifier: randomBytes(8).toString('hex') };
    const answer = await this.send('POST', `/gsma/rsp2/es2plus/${call}`, { header, ...body });
    expect(answer.header.functionExecutionStatus.status, JSON.stringify(answer)).toBe('Executed-Success');
    return answer;
  }

  /** A new subscriber with a contract: profile ordered and released, and so known to the network. */
  async order(name: string, options: OrderOptions = {}): Promise<Order> {
    const number = Date.now().toString().slice(-9) + Math.floor(Math.random() * 10);
    const imsi = `00101${number}`;
    const iccid = luhn(`8900000${'0'.repeat(2)}${number}`);
    // A test profile holds a test key: the algorithm and key of 3GPP TS 34.108.
    const keys = options.profileClass === 'test'
      ? { algorithm: 'testXor', k: '000102030405060708090a0b0c0d0e0f' }
      : { algorithm: 'milenage', k: randomBytes(16).toString('hex'), opc: randomBytes(16).toString('hex') };
    const provider = 'Story Mobile';
    const subscription = {
      class: 'operational',
      contract: { apns: ['internet'], defaultApn: 'internet', voice: true, sms: true, data: true },
    };
    await this.send('POST', '/operator/profiles', {
      metadata: {
        serviceProviderName: provider, profileName: name, profileClass: options.profileClass ?? 'operational',
        // Who may bring rules is told by the owner (SGP.22 §2.9.2.1).
        ...(options.rules && { profilePolicyRules: options.rules, profileOwner: { mcc: '001', mnc: '01' } }),
      },
      subscriber: { iccid, imsi, spn: provider, ...keys, ...(options.concealed && { homeNetworkKeys: homeNetworkKeys() }) },
      subscription,
    });
    // What the network has then, in its own words.
    const record = { ...keys, ...(keys.algorithm === 'testXor' && { algorithm: 'xor' }), ...subscription };
    return { name, provider, iccid, imsi, record, code: await this.release(iccid, options) };
  }

  /** Writes a subscriber anew, which otherwise the SM-DP+ does: the network's record, with its number. Of a card
   * that it has the network takes no lower number: it has to forget it first. */
  async subscriber(imsi: string, record: Record<string, unknown>): Promise<void> {
    await this.send('DELETE', `/network/subscribers/${imsi}`);
    await this.send('PUT', `/network/subscribers/${imsi}`, record);
  }

  /** Whether a profile was ordered here before. */
  async knows(iccid: string): Promise<boolean> {
    const answer = await this.request.get(`/operator/orders/${iccid}`, {
      headers: { authorization: `Bearer ${process.env.OPERATOR_TOKEN}` },
    });
    return answer.ok();
  }

  /** How a profile stands at the SM-DP+, and what happened to it. */
  async detail(iccid: string): Promise<any> {
    return this.send('GET', `/operator/orders/${iccid}`);
  }

  /** Brings a ready-made package, and what the network is to know of its subscriber. */
  async upload(
    name: string, provider: string, iccid: string, bytes: Buffer, profileClass: string, subscription?: unknown,
  ): Promise<void> {
    await this.send('POST', '/operator/profiles', {
      metadata: { iccid, serviceProviderName: provider, profileName: name, profileClass },
      package: bytes.toString('base64'),
      ...(subscription !== undefined && { subscription }),
    });
  }

  /** Orders and releases an uploaded profile; returns its activation code. */
  async release(iccid: string, options: Pick<OrderOptions, 'confirmationCode' | 'eid'> = {}): Promise<string> {
    const { confirmationCode, eid } = options;
    await this.es2('downloadOrder', { iccid, ...(eid && { eid }) });
    const confirmed = await this.es2('confirmOrder', {
      // Without a matching id the server finds it by the chip that asks.
      iccid, releaseFlag: true, ...(eid && { eid, matchingId: '' }), ...(confirmationCode && { confirmationCode }),
    });
    // Its network is told at once, but not by the call itself.
    await expect.poll(async () => (await this.detail(iccid)).network, { timeout: 20_000 }).toMatch(/^(fed|off)$/);
    const address = confirmed.smdpAddress ?? 'smdp.example';
    return `LPA:1$${address}$${confirmed.matchingId ?? ''}${confirmationCode ? '$$1' : ''}`;
  }
}

/** Digits with the check digit of ISO/IEC 7812-1 behind them. */
export function luhn(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return digits + ((10 - (sum % 10)) % 10);
}

/** A name for bytes. */
export function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What browsers say of a page that something is wrong with, and which other sites it spoke to. */
export class Watch {
  readonly #complaints: string[] = [];
  readonly #excused: RegExp[] = [];

  /** `isOver`: whether the story has failed already. What comes then comes of looking at it: for its
   *  screenshot Playwright puts a style into the page, which the page's policy forbids and Firefox
   *  complains of. What came before the failure is told beside it. */
  constructor(readonly origin: string, private readonly isOver: () => boolean = () => false) {}

  #complain(what: string): void {
    if (!this.isOver()) this.#complaints.push(what);
  }

  /** Listens to every page of a browser's context, and to their workers. */
  async listen(context: BrowserContext): Promise<void> {
    context.on('console', (message) => {
      if (message.type() === 'error') this.#complain(message.text());
    });
    context.on('weberror', (error) => this.#complain(String(error.error())));
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (/^(https?|wss?):$/.test(url.protocol) && url.origin !== this.origin) {
        this.#complain(`a request to another site: ${request.url()}`);
      }
    });
    await context.exposeBinding('policyBroken', (_, what: string) => {
      this.#complain(`the page's policy was broken: ${what}`);
    });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        (window as any).policyBroken(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
      });
    });
  }

  /** What the story does on purpose and the browser then complains of. */
  excuse(...patterns: RegExp[]): void {
    this.#excused.push(...patterns);
  }

  /** What is left to complain of. */
  get complaints(): string[] {
    return this.#complaints.filter((text) => !this.#excused.some((pattern) => pattern.test(text)));
  }
}

/** A browser says so when a server answers with an error, or when there is no network. */
export const HTTP_ERROR = /Failed to load resource/;

/** A story: a person with a new chip, the operator, and somebody who watches the browser. */
export const test = base.extend<{ person: Person; operator: Operator; watch: Watch }>({
  watch: [
    async ({ context, baseURL }, use, testInfo) => {
      const watch = new Watch(new URL(baseURL!).origin, () => testInfo.errors.length > 0);
      await watch.listen(context);
      await use(watch);
      expect(watch.complaints, 'nothing for the browser to complain of').toEqual([]);
    },
    { auto: true },
  ],
  person: async ({ page }, use) => {
    await use(new Person(page));
  },
  operator: async ({ playwright, baseURL }, use) => {
    const context = await playwright.request.newContext({ baseURL });
    await use(new Operator(context));
    await context.dispose();
  },
});
