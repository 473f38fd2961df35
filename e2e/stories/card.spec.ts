// Real cards: the roads that lead to them, each with our chip at its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from '@playwright/test';
import { missing } from '../doors/pcsc.mjs';
import { Desktop } from './desktop';
import { type Operator, expect, test } from './laboratory';

const { EUICC_PROGRAM, READER_PROGRAM, CARD_BRIDGE } = process.env;
test.skip(!EUICC_PROGRAM || !READER_PROGRAM, 'the programs are not named: run the stories by `cargo xtask test`');

/** What a removable eUICC that the laboratory has certified is made of: a file's path. */
async function factory(page: Page, of: 'watch' | 'chip' = 'watch'): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'card-')), 'factory.json');
  writeFileSync(path, await (await page.request.get(`/lab/${of}.json`)).body());
  return path;
}

/** Such a card: its memory is kept when it loses power. */
async function card(page: Page): Promise<string[]> {
  const path = await factory(page);
  return ['--factory', path, '--state', join(dirname(path), 'chip')];
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
        readable: null as ReadableStream | null,
        writable: undefined as WritableStream | undefined,
      };
      line.modemSays = (bytes: number[]) => ear?.enqueue(new Uint8Array(bytes));
      line.modemGoes = () => {
        port.readable = null;
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
    this.program = spawn(EUICC_PROGRAM!, ['modem', ...this.options], { stdio: ['pipe', 'pipe', 'inherit'] });
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

/** A reader at USB: `navigator.usb` as a browser with WebUSB has it, and behind it a program that is a
 *  model of the reader, with a card in it. */
class Reader {
  private readonly program: ChildProcess;
  private readonly asked = new Map<number, (became: any) => void>();
  private next = 0;

  private constructor(private readonly page: Page, [first, other]: [string, string], level: string, readonly interfaceClass: number) {
    this.program = spawn(READER_PROGRAM!, [first, level, String(interfaceClass), other], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.program.stdout! }).on('line', (line) => {
      const became = JSON.parse(line);
      this.asked.get(became.id)?.(became);
      this.asked.delete(became.id);
    });
    // The page asks on while the program ends: what it asks then nobody answers.
    this.program.stdin!.on('error', () => {});
  }

  private ask(what: object): Promise<any> {
    if (this.program.exitCode !== null || this.program.signalCode !== null) return Promise.resolve({ gone: true });
    this.next += 1;
    const id = this.next;
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      this.program.stdin!.write(`${JSON.stringify({ id, ...what })}\n`);
    });
  }

  static async at(page: Page, level: 'tpdu' | 'short' | 'extended', interfaceClass = 0xff): Promise<Reader> {
    const cards: [string, string] = [await factory(page), await factory(page, 'chip')];
    const reader = new Reader(page, cards, level, interfaceClass);
    await page.exposeFunction('readerDoes', (what: object) => reader.ask(what));
    await page.addInitScript((protectedClass) => {
      const { readerDoes } = globalThis as any;
      const hex = (data: BufferSource) => {
        const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
        return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      };
      const gone = () => new DOMException('The device was disconnected.', 'NotFoundError');
      // What was asked of a device before it was unplugged never comes from the one that is plugged in again.
      let current = { gone: false };
      let claimed = false;
      const transfer = async (mine: { gone: boolean }, what: object, waits = false): Promise<any> => {
        for (;;) {
          if (mine.gone) throw gone();
          const became = await readerDoes(what);
          if (became.gone || mine.gone) throw gone();
          if (became.nothing && waits) {
            await new Promise((resolve) => { setTimeout(resolve, 100); });
            continue;
          }
          if (became.nothing) await new Promise(() => {});
          if (became.stall) return { status: 'stall' };
          const bytes = (became.data?.match(/../g) ?? []).map((pair: string) => Number.parseInt(pair, 16));
          return { status: 'ok', bytesWritten: 0, data: new DataView(new Uint8Array(bytes).buffer) };
        }
      };
      const needs = () => { if (!claimed) throw new DOMException('The interface is not claimed.', 'NotFoundError'); };
      const kind = ({ requestType, recipient, request, value, index }: any) => ({ type: requestType, recipient, request, value, index });
      const device = (mine = current) => ({
        productName: 'Model reader', vendorId: 0x1209, productId: 1, opened: false,
        async open() { if (mine.gone) throw gone(); this.opened = true; },
        async close() { this.opened = false; claimed = false; },
        async selectConfiguration() {},
        async claimInterface() {
          if (protectedClass) throw new DOMException('The requested interface implements a protected class.', 'SecurityError');
          claimed = true;
        },
        async selectAlternateInterface() {},
        controlTransferIn: (setup: any, length: number) => transfer(mine, { do: 'controlIn', ...kind(setup), length }),
        controlTransferOut: (setup: any, data: BufferSource) => transfer(mine, { do: 'controlOut', ...kind(setup), data: hex(data) }),
        async transferIn(endpoint: number, length: number) { needs(); return transfer(mine, { do: 'in', endpoint, length }, endpoint === 3); },
        async transferOut(endpoint: number, data: BufferSource) { needs(); return transfer(mine, { do: 'out', endpoint, data: hex(data) }); },
        async clearHalt(_direction: string, endpoint: number) { await transfer(mine, { do: 'clearHalt', endpoint }); },
      });
      let plugged = device();
      const usb = Object.assign(new EventTarget(), {
        async requestDevice({ filters }: { filters: any[] }) {
          if (!navigator.userActivation.isActive) throw new DOMException('no gesture', 'SecurityError');
          if (!filters.length) throw new TypeError('no filters');
          // The browser's list has only what a filter names, by its ids or by its interface's class.
          const named = filters.some(({ vendorId, productId, classCode }) => (
            (vendorId === undefined || vendorId === plugged.vendorId)
            && (productId === undefined || productId === plugged.productId)
            && (classCode === undefined || classCode === (protectedClass ? 0x0b : 0xff))));
          if (!named) throw new DOMException('No device selected.', 'NotFoundError');
          return plugged;
        },
      });
      const tell = (name: string) => usb.dispatchEvent(Object.assign(new Event(name), { device: plugged }));
      (globalThis as any).readerPlug = (now: boolean) => {
        if (now) {
          current = { gone: false };
          plugged = device();
          tell('connect');
        } else {
          current.gone = true;
          claimed = false;
          tell('disconnect');
        }
      };
      Object.defineProperty(navigator, 'usb', { value: usb });
    }, interfaceClass === 0x0b);
    return reader;
  }

  /** The whole reader is unplugged: the card in it loses its power. */
  async unplug(): Promise<void> {
    await this.ask({ do: 'unplug' });
    await this.page.evaluate(() => (globalThis as any).readerPlug(false));
  }

  async plugIn(): Promise<void> {
    await this.ask({ do: 'plug' });
    await this.page.evaluate(() => (globalThis as any).readerPlug(true));
  }

  /** The card is taken out of it, or put in again, which it may answer or not; or another one is. */
  async hold(card: 'remove' | 'insert' | 'insertMute' | 'insertOther'): Promise<void> {
    await this.ask({ do: card });
  }

  /** It takes no more commands for the card, until one is put in. */
  async stall(): Promise<void> {
    await this.ask({ do: 'stalls' });
  }

  /** What the reader was asked to do so far. */
  get transfers(): number { return this.next; }

  /** The person chooses it in the page. */
  async choose(): Promise<void> {
    await this.page.getByRole('button', { name: 'Use a real card' }).click();
    await this.page.getByRole('button', { name: 'Choose the reader' }).click();
    await expect(this.page.getByRole('radio', { name: 'The card' })).toBeChecked();
    await expect(this.page.getByRole('dialog')).toHaveCount(0);
  }

  async stop(): Promise<void> {
    this.program.kill('SIGKILL');
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
    await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
    await phone.idle();
    await phone.enter(order.code);
    await expect(page.getByTestId('consent-device')).toHaveText('The real card in the modem');
    await phone.install.click();
    await expect(phone.doing.getByRole('progressbar')).toBeVisible();
    await modem.pullOut();
    await expect(page.locator('.banner[data-device="card"]')).toContainText('The modem is gone.');
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

test('a port without a modem, and a browser without ports, say what to do', async ({ person, page, watch }) => {
  watch.excuse(/WebSocket connection to 'ws:\/\/127\.0\.0\.1/);
  await page.addInitScript(() => Object.defineProperty(navigator, 'serial', { value: undefined }));
  await person.open();
  await page.getByRole('button', { name: 'Use a real card' }).click();
  await expect(page.locator('[data-road="modem"]')).toContainText('This browser gives pages no serial ports.');
  await page.getByRole('button', { name: 'Look for the bridge' }).click();
  await expect(page.getByRole('alert')).toContainText('card-bridge --origin http://127.0.0.1');
});

for (const level of ['tpdu', 'short', 'extended'] as const) {
  test(`a card in a USB reader that takes ${level} gets a profile and is switched`, async ({ person, operator, page }) => {
    const { phone } = person;
    const reader = await Reader.at(page, level);
    try {
      const order = await operator.order(`By USB ${level}`);
      await person.open();
      await page.getByRole('button', { name: 'Use a real card' }).click();
      await page.getByRole('button', { name: 'Choose the reader' }).click();
      await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
      await phone.idle();
      await phone.fetch(order.code);
      await phone.switchTo(order.name);
      await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);
    } finally {
      await reader.stop();
    }
  });
}

test('a USB reader is unplugged in the middle of an install, plugged in again, and the install goes on', async ({ person, operator, page }) => {
  const { phone } = person;
  const reader = await Reader.at(page, 'tpdu');
  try {
    const order = await operator.order('Unplugged');
    await person.open();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByRole('button', { name: 'Choose the reader' }).click();
    await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
    await phone.idle();
    await phone.enter(order.code);
    await phone.install.click();
    await expect(phone.doing.getByRole('progressbar')).toBeVisible();
    await reader.unplug();
    await expect(page.locator('.banner[data-device="card"]')).toContainText('The reader is unplugged.');
    await reader.plugIn();
    await expect(phone.install.or(phone.switchOf(order.name)).first()).toBeVisible();
    if (await phone.install.isVisible()) await phone.install.click();
    await expect(phone.switchOf(order.name)).toHaveCount(1);
    await phone.idle();

    // The card alone is taken out, and put in again.
    await reader.hold('remove');
    const banner = page.locator('.banner[data-device="card"]');
    await expect(banner).toContainText('The card is out.');
    // The wrong way round: the page says that it has tried, and what to do.
    await reader.hold('insertMute');
    await expect(banner).toContainText('The card can’t be used.', { timeout: 15_000 });
    await expect(banner).toContainText('Take it out and put it in again');
    await reader.hold('remove');
    await expect(banner).toContainText('The card is out.');
    await reader.hold('insert');
    await expect(banner).toHaveCount(0);
    await phone.idle();
    await phone.switchTo(order.name);
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);
  } finally {
    await reader.stop();
  }
});

test('a card that is changed for another is named, and nothing of the first is done to it', async ({ person, operator, page }) => {
  const { phone } = person;
  const reader = await Reader.at(page, 'tpdu');
  try {
    const order = await operator.order('Of the first');
    await person.open();
    await person.hideNumbers(false);
    await reader.choose();
    await phone.idle();
    await phone.fetch(order.code);
    await person.chip.go();
    const first = (await person.chip.eid.textContent())!.replaceAll(/\s/g, '');
    await phone.go();

    // Between two tasks.
    await reader.hold('remove');
    const banner = page.locator('.banner[data-device="card"]');
    await expect(banner).toContainText('The card is out.');
    await reader.hold('insertOther');
    await expect(phone.notice).toContainText('This is another card:');
    await phone.idle();
    await expect(phone.switchOf(order.name)).toHaveCount(0);
    await person.chip.go();
    const second = (await person.chip.eid.textContent())!.replaceAll(/\s/g, '');
    expect(second).not.toEqual(first);
    await phone.go();
    const said = (await phone.notice.textContent())!.replaceAll(/\s/g, '');
    expect(said).toContain(`anothercard:${second}`);
    expect(said).toContain(`beforewas${first}`);
    await expect(phone.notice.getByRole('button', { name: 'Try again' })).toHaveCount(0);

    // In the middle of a download, which is of the second one.
    const other = await operator.order('Of the second');
    await phone.enter(other.code);
    await phone.install.click();
    await expect(phone.doing.getByRole('progressbar')).toBeVisible();
    await reader.hold('remove');
    await expect(banner).toContainText('The card is out.');
    await reader.hold('insertOther');
    await expect(phone.notice).toContainText('This is another card:');
    await phone.idle();
    await expect(phone.notice.getByRole('button', { name: 'Try again' })).toHaveCount(0);
    await expect(phone.switchOf(order.name)).toHaveCount(1);
    await expect(phone.switchOf(other.name)).toHaveCount(0);
    // It waits for its card.
    await reader.hold('remove');
    await expect(banner).toContainText('The card is out.');
    await reader.hold('insertOther');
    await expect(phone.install.or(phone.switchOf(other.name)).first()).toBeVisible();
    if (await phone.install.isVisible()) await phone.install.click();
    await expect(phone.switchOf(other.name)).toHaveCount(1);
    await expect(phone.switchOf(order.name)).toHaveCount(0);
    await phone.idle();
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed']);
    await expect.poll(() => told(operator, other.iccid)).toEqual(['installed']);
  } finally {
    await reader.stop();
  }
});

test('a reader that stalls each time is left alone with words, until the card is put in again or chosen', async ({ person, page }) => {
  const { phone } = person;
  const reader = await Reader.at(page, 'short');
  try {
    await person.open();
    await reader.choose();
    await phone.idle();
    await reader.stall();
    // Whatever is asked of the card.
    await phone.housekeeping();
    await page.getByLabel('Default SM-DP+').fill('smdp.example.com');
    await page.getByRole('button', { name: 'Set as default' }).click();
    const banner = page.locator('.banner[data-device="card"]');
    await expect(banner).toContainText('was lost again each time', { timeout: 30_000 });
    await expect(banner).toContainText('The reader refused a transfer.');
    await expect(banner).toContainText('Take it out and put it in again');
    await person.inOrderNow('a card that is left out');
    // Only what the reader tells by itself is still asked for.
    await expect(page.getByRole('button', { name: 'Use a real card' })).toBeEnabled();
    const before = reader.transfers;
    await page.waitForTimeout(3_000);
    const alone = reader.transfers;
    expect(alone - before).toBeLessThan(60);
    await expect(banner).toContainText('was lost again each time');

    // The same reader is chosen again: it fails again, and says why.
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByRole('button', { name: 'Choose the reader' }).click();
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect.poll(() => reader.transfers).toBeGreaterThan(alone + 10);
    await expect(banner).toContainText('was lost again each time', { timeout: 30_000 });
    await reader.hold('remove');
    await expect(banner).toContainText('The card is out.');
    await reader.hold('insert');
    await expect(banner).toHaveCount(0);
    await phone.idle();
    await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
  } finally {
    await reader.stop();
  }
});

test('the same reader chosen again leads to the card that is in it', async ({ person, operator, page }) => {
  const { phone } = person;
  const reader = await Reader.at(page, 'tpdu');
  try {
    const order = await operator.order('Chosen again');
    await person.open();
    await reader.choose();
    await phone.idle();
    await phone.fetch(order.code);
    await page.getByRole('button', { name: 'Give the card back' }).click();
    await reader.choose();
    await expect(phone.switchOf(order.name)).toHaveCount(1);
    await phone.idle();
    await phone.switchTo(order.name);
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);
  } finally {
    await reader.stop();
  }
});

test('the same reader chosen again, of which no card answers, has its card back when one is put in', async ({ person, operator, page }) => {
  const { phone } = person;
  const reader = await Reader.at(page, 'tpdu');
  const banner = page.locator('.banner[data-device="card"]');
  const choose = async () => {
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByRole('button', { name: 'Choose the reader' }).click();
  };
  try {
    const order = await operator.order('Answers again');
    await person.open();
    await reader.choose();
    await phone.idle();
    await phone.fetch(order.code);
    for (const [card, says] of [[undefined, 'no card'], ['insertMute', 'does not answer']] as const) {
      await reader.hold('remove');
      await expect(banner).toContainText('The card is out.');
      // One that is mute was tried by itself before.
      if (card) await reader.hold(card);
      await expect(page.getByRole('button', { name: 'Use a real card' })).toBeEnabled({ timeout: 20_000 });
      await choose();
      await expect(page.getByRole('dialog').getByRole('alert')).toContainText(says);
      await expect(banner).toHaveCount(1);
      await page.keyboard.press('Escape');
      if (card) await reader.hold('remove');
      await reader.hold('insert');
      await expect(banner).toHaveCount(0, { timeout: 20_000 });
      await expect(phone.switchOf(order.name)).toHaveCount(1);
      await phone.idle();
    }
    await phone.switchTo(order.name);
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);
  } finally {
    await reader.stop();
  }
});

test('a reader of the class that browsers keep from pages is refused in words', async ({ person, page }) => {
  const reader = await Reader.at(page, 'tpdu', 0x0b);
  try {
    await person.open();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByRole('button', { name: 'Choose the reader' }).click();
    await expect(page.getByRole('alert')).toContainText('which browsers keep from pages');
    await expect(page.getByRole('alert')).toContainText('Use the bridge');
    await expect(page.getByRole('alert')).toContainText('Isolated Web App');
    await person.inOrderNow('a protected reader');
  } finally {
    await reader.stop();
  }
});

test('a card in any reader, by the bridge and PC/SC: install, pulled out, put back, switch', async ({ person, operator, page, baseURL }) => {
  const why = CARD_BRIDGE ? missing() : 'card-bridge is not built here';
  test.skip(!!why, why || '');
  const { phone } = person;
  const options = await card(page);
  const desktop = new Desktop(dirname(options[1]!), new URL(baseURL!).origin);
  let pull = async () => {};
  try {
    const order = await operator.order('By bridge');
    const port = await desktop.says(/^listening: ws:\/\/127\.0\.0\.1:(\d+)\/$/);
    await person.open();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByLabel('Port', { exact: true }).fill(port);
    await page.getByRole('button', { name: 'Look for the bridge' }).click();
    const code = page.getByLabel('Code on the bridge’s terminal');
    await code.fill('0000 0000');
    await page.getByRole('button', { name: 'Pair' }).click();
    await expect(page.getByRole('alert')).toContainText('That is not the code.');
    await code.fill(await desktop.says(/^code: (\d{4} \d{4}) /));
    await page.getByRole('button', { name: 'Pair' }).click();
    const reader = page.getByRole('list', { name: 'Readers' }).getByRole('listitem').first();
    await expect(reader).toContainText('no card');
    pull = desktop.insert(options);
    await expect(reader).toContainText('a card');
    await person.inOrderNow('the readers of the desktop');
    await reader.getByRole('button', { name: /^Use the card in / }).click();
    await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
    await phone.idle();

    await phone.enter(order.code);
    await phone.install.click();
    await expect(phone.doing.getByRole('progressbar')).toBeVisible();
    await pull();
    await expect(page.locator('.banner[data-device="card"]')).toContainText('The card is out.');
    pull = desktop.insert(options);
    await expect(phone.install.or(phone.switchOf(order.name)).first()).toBeVisible({ timeout: 60_000 });
    if (await phone.install.isVisible()) await phone.install.click();
    await expect(phone.switchOf(order.name)).toHaveCount(1, { timeout: 60_000 });
    await phone.idle();
    await phone.switchTo(order.name);
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);

    // The tab is paired: after a reload it is let in without a code.
    await person.reload();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByLabel('Port', { exact: true }).fill(port);
    await page.getByRole('button', { name: 'Look for the bridge' }).click();
    await reader.getByRole('button', { name: /^Use the card in / }).click();
    await expect(phone.switchOf(order.name)).toBeChecked();
  } finally {
    await pull();
    await desktop.stop();
  }
});

test('the smart card service ends under the bridge: the card is out, and back with the next one', async ({ person, operator, page, baseURL }) => {
  const why = CARD_BRIDGE ? missing() : 'card-bridge is not built here';
  test.skip(!!why, why || '');
  const { phone } = person;
  const options = await card(page);
  const desktop = new Desktop(dirname(options[1]!), new URL(baseURL!).origin);
  let pull = async () => {};
  try {
    const order = await operator.order('Restarted');
    const port = await desktop.says(/^listening: ws:\/\/127\.0\.0\.1:(\d+)\/$/);
    pull = desktop.insert(options);
    await person.open();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByLabel('Port', { exact: true }).fill(port);
    await page.getByRole('button', { name: 'Look for the bridge' }).click();
    await page.getByLabel('Code on the bridge’s terminal').fill(await desktop.says(/^code: (\d{4} \d{4}) /));
    await page.getByRole('button', { name: 'Pair' }).click();
    await page.getByRole('button', { name: /^Use the card in / }).click();
    await expect(page.getByRole('radio', { name: 'The card' })).toBeChecked();
    await phone.idle();
    await phone.fetch(order.code);

    // A service that is there again at once has its card back before anybody could read this.
    await desktop.endService();
    const banner = page.locator('.banner[data-device="card"]');
    await expect(banner).toContainText('The reader is gone.');
    await expect(banner).toContainText('start the smart card service again');
    desktop.startService();
    await expect(banner).toHaveCount(0, { timeout: 30_000 });
    await expect(phone.switchOf(order.name)).toHaveCount(1);
    await phone.idle();
    await phone.switchTo(order.name);
    await expect.poll(() => told(operator, order.iccid)).toEqual(['installed', 'enabled']);
  } finally {
    await pull();
    await desktop.stop();
  }
});
