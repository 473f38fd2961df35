// An SM-DS for the stories: the model of crate testkit in a program of its own, with a certificate of
// this laboratory's issuer. The laboratory has no SM-DS yet, and so its gateway knows no way to one: what
// the page sends there is taken where it leaves the page.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Page } from '@playwright/test';
import type { Order } from './laboratory';

const { SMDS_PROGRAM, LABORATORY_STATE } = process.env;

export class Smds {
  private readonly program: ChildProcess;
  private readonly asked = new Map<number, (answer: any) => void>();
  private next = 0;
  /** The functions that were called, by their hosts. */
  readonly calls: string[] = [];

  private constructor() {
    if (!SMDS_PROGRAM || !LABORATORY_STATE) throw new Error('SMDS_PROGRAM and LABORATORY_STATE are not set: run the stories by `cargo xtask test`');
    this.program = spawn(SMDS_PROGRAM, [LABORATORY_STATE], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.program.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line);
      this.asked.get(answer.id)?.(answer);
      this.asked.delete(answer.id);
    });
  }

  /** One that a page finds under these names. */
  static async at(page: Page, ...hosts: string[]): Promise<Smds> {
    const smds = new Smds();
    // What an SM-DP+ is asked has the same shape, and an LPA asks an SM-DS as one where an event leads to it.
    await page.route(/\/network\/sessions\/[^/]+\/http\//, async (route) => {
      const request = route.request();
      const [, host, path] = /\/http\/([^/]+)(\/.*)$/.exec(new URL(request.url()).pathname)!;
      if (!hosts.includes(host)) return route.fallback();
      smds.calls.push(`${host} ${path.split('/').at(-1)}`);
      const { status, type, body } = await smds.do('call', { host, path, body: request.postData() });
      return route.fulfill({ status, contentType: type, body });
    });
    return smds;
  }

  private do(what: string, values: object): Promise<any> {
    this.next += 1;
    const id = this.next;
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      this.program.stdin!.write(`${JSON.stringify({ id, do: what, ...values })}\n`);
    });
  }

  /** ES12.RegisterEvent: at one of its names, that a server has this order for a chip. */
  async register(at: string, eid: string, order: Order, rspServerAddress = 'smdp.example'): Promise<void> {
    await this.do('register', { at, eid, eventId: Smds.eventOf(order), rspServerAddress });
  }

  /** ES12.DeleteEvent. */
  async delete(at: string, eid: string, order: Order): Promise<void> {
    await this.do('delete', { at, eid, eventId: Smds.eventOf(order) });
  }

  /** An event has the order's matching id (SGP.22 §3.6.1). */
  static eventOf({ code }: Order): string {
    return code.split('$')[2];
  }

  async stop(): Promise<void> {
    const ended = once(this.program, 'exit');
    this.program.kill();
    await ended;
  }
}
