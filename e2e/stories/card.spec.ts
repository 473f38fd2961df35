// Real cards: the roads that lead to them, each with our chip at its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { type Operator, expect, test } from './laboratory';

const PROGRAM = process.env.EUICC_PROGRAM;
test.skip(!PROGRAM, 'EUICC_PROGRAM is not set: run the stories by `cargo xtask test`');

/** A removable eUICC that the laboratory has certified: its memory is kept when it loses power. */
async function card(page: Page): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'card-'));
  const factory = join(folder, 'factory.json');
  writeFileSync(factory, await (await page.request.get('/lab/watch.json')).body());
  return ['--factory', factory, '--state', join(folder, 'chip')];
}

/** A modem at a serial port: `navigator.serial` as a browser with Web Serial has it, and behind it a
 *  program that speaks AT. */
class Modem {
  private program?: ChildProcess;

  private constructor(private readonly page: Page, private readonly options: string[]) {}

  static async at(page: Page, options: string[]): Promise<Modem> {
    const modem = new Modem(page, options);
    await page.exposeFunction('modemHears', (bytes: number[]) => { modem.program?.stdin?.write(Buffer.from(bytes)); });
    await page.exposeFunction('modemBegins', () => modem.plugIn());
    await page.addInitScript(() => {
      const line = globalThis as any;
      let ear: ReadableStreamDefaultController | undefined;
      const port = {
        async open({ baudRate }: { baudRate: number }) {
          if (!baudRate) throw new TypeError('no speed');
          await line.modemBegins();
          this.readable = new ReadableStream({ start(controller) { ear = controller; } });
          this.writable = new WritableStream({ write: (chunk: Uint8Array) => line.modemHears([...chunk]) });
        },
        async close() {
          if (this.readable?.locked || this.writable?.locked) throw new TypeError('the port is locked');
          ear = undefined;
        },
        readable: undefined as ReadableStream | undefined,
        writable: undefined as WritableStream | undefined,
      };
      line.modemSays = (bytes: number[]) => ear?.enqueue(new Uint8Array(bytes));
      line.modemGoes = () => {
        ear?.error(new DOMException('The device has been lost.', 'NetworkError'));
        ear = undefined;
      };
      Object.defineProperty(navigator, 'serial', {
        value: {
          async requestPort() {
            if (!navigator.userActivation.isActive) throw new DOMException('no gesture', 'SecurityError');
            return port;
          },
        },
      });
    });
    return modem;
  }

  private plugIn(): void {
    this.program = spawn(PROGRAM!, ['modem', ...this.options], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.program.stdout!.on('data', (bytes: Buffer) => {
      void this.page.evaluate((said) => (globalThis as any).modemSays(said), [...bytes]).catch(() => {});
    });
  }

  /** It is pulled out of its socket: the card in it loses its power. */
  async pullOut(): Promise<void> {
    await this.page.evaluate(() => (globalThis as any).modemGoes());
    await this.stop();
  }

  async stop(): Promise<void> {
    const program = this.program;
    this.program = undefined;
    if (!program || program.exitCode !== null) return;
    const ended = new Promise((resolve) => program.once('exit', resolve));
    program.kill('SIGKILL');
    await ended;
  }
}

/** What the server was told of a profile, without an install that was cut short. */
async function told(operator: Operator, iccid: string): Promise<string[]> {
  const { notifications } = await operator.detail(iccid);
  const events = notifications.map(({ event }: { event: string }) => event);
  return events[0] === 'installationFailed' ? events.slice(1) : events;
}

test('a card in a modem gets a profile, is switched, and gives it up', async ({ person, operator, page }) => {
  const { phone } = person;
  const modem = await Modem.at(page, await card(page));
  try {
    const order = await operator.order('By modem');
    await person.open();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await person.inOrderNow('the roads to a card');
    await page.getByRole('button', { name: 'Choose the port' }).click();
    await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
    await phone.idle();
    await expect(phone.profiles).toHaveCount(0);

    await phone.fetch(order.code);
    await phone.settled();
    await phone.switchTo(order.name);
    await phone.idle();
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);

    // What only a chip in the page can do is not offered.
    await person.chip.go();
    await expect(page.getByRole('button', { name: 'New chip' })).toBeDisabled();
    await phone.go();
    await page.getByRole('button', { name: 'Give the card back' }).click();
    await expect(page.getByRole('radio', { name: 'The card' })).toHaveCount(0);
    await expect(page.getByRole('button', { name: 'Use a real card' })).toBeEnabled();
  } finally {
    await modem.stop();
  }
});

test('a modem is pulled out in the middle of an install, and the card loses nothing', async ({ person, operator, page }) => {
  const { phone } = person;
  const modem = await Modem.at(page, await card(page));
  try {
    const order = await operator.order('Pulled out');
    await person.open();
    const connect = async () => {
      await page.getByRole('button', { name: 'Use a real card' }).click();
      await page.getByRole('button', { name: 'Choose the port' }).click();
    };
    await connect();
    await phone.idle();
    await phone.enter(order.code);
    await phone.install.click();
    await expect(phone.doing.getByRole('progressbar')).toBeVisible();
    await modem.pullOut();
    await expect(page.locator('.banner[data-device="card"]')).toContainText('The card is out.');
    await expect(phone.notice).toHaveAttribute('role', 'alert');
    await connect();
    // What the chip had only a part of is fetched anew, and the person is asked again.
    await expect(phone.install.or(phone.switchOf(order.name)).first()).toBeVisible();
    if (await phone.install.isVisible()) await phone.install.click();
    await expect(phone.switchOf(order.name)).toHaveCount(1);
    await phone.idle();
    await phone.switchTo(order.name);
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);
    const { events } = await operator.detail(order.iccid);
    expect(events.filter(({ event }: { event: string }) => event === 'ordered')).toHaveLength(1);
  } finally {
    await modem.stop();
  }
});

test('a port without a modem, and a browser without ports, say what to do', async ({ person, page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'serial', { value: undefined }));
  await person.open();
  await page.getByRole('button', { name: 'Use a real card' }).click();
  await expect(page.locator('[data-road="modem"]')).toContainText('This browser gives pages no serial ports.');
  await page.getByRole('button', { name: 'Look for the bridge' }).click();
  await expect(page.getByRole('alert')).toContainText('card-bridge --origin http://127.0.0.1');
});
