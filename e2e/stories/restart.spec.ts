// What a chip outlives: the end of the browser, a browser that is killed, a page that crashes.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, BrowserType } from '@playwright/test';
import { Person, Watch, expect, test } from './laboratory';

/** A browser that keeps what it has in a folder: each start is the same browser again. */
class Kept {
  readonly folder = mkdtempSync(join(tmpdir(), 'esim-browser-'));

  constructor(private readonly type: BrowserType, private readonly options: object, private readonly origin: string) {}

  /** Starts it. */
  async start(): Promise<{ context: BrowserContext; person: Person; watch: Watch }> {
    const context = await this.type.launchPersistentContext(this.folder, this.options);
    const watch = new Watch(this.origin);
    await watch.listen(context);
    return { context, person: new Person(context.pages()[0] ?? (await context.newPage())), watch };
  }

  /** Its own process, which all others of it are children of. */
  private get process(): number {
    const own = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes(this.folder) && !line.includes('--type=') && !line.includes('crashpad');
      } catch {
        return false;
      }
    });
    expect(own, 'one browser runs in its folder').toHaveLength(1);
    return Number(own[0]);
  }

  /** Kills it: nothing is closed, nothing is written any more. */
  async kill(context: BrowserContext): Promise<void> {
    const gone = new Promise<void>((resolve) => context.once('close', () => resolve()));
    process.kill(this.process, 'SIGKILL');
    await gone;
  }

  forget(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

const browsers = test.extend<{ kept: Kept }>({
  kept: async ({ playwright, browserName, launchOptions, baseURL }, use) => {
    test.skip(process.platform !== 'linux', 'its process is looked for in /proc');
    const kept = new Kept(playwright[browserName], { ...launchOptions, baseURL, serviceWorkers: 'block' }, new URL(baseURL!).origin);
    await use(kept);
    kept.forget();
  },
});

browsers('a chip outlives the end of its browser', async ({ kept, operator }) => {
  const order = await operator.order('Evening');
  const evening = await kept.start();
  await evening.person.open();
  await evening.person.phone.fetch(order.code);
  await evening.person.phone.switchTo(order.name);
  await evening.context.close();

  const morning = await kept.start();
  await morning.person.open();
  await expect(morning.person.phone.switchOf(order.name)).toBeChecked();
  await expect(morning.person.phone.operator).toHaveText(order.provider);
  expect(morning.watch.complaints).toEqual([]);
  await morning.context.close();
});

browsers('a browser that is killed while the chip is fed leaves a chip that goes on', async ({ kept, operator }) => {
  const order = await operator.order('Killed');
  const first = await kept.start();
  const { phone } = first.person;
  await first.person.open();
  await phone.enter(order.code);
  await phone.install.click();
  await expect(phone.doing.getByRole('progressbar')).toBeVisible();
  await kept.kill(first.context);

  const second = await kept.start();
  const again = second.person.phone;
  await second.person.page.goto('/');
  // It goes on by itself; where the server has to be asked anew, so has the person.
  await expect(again.install.or(again.switchOf(order.name)).first()).toBeVisible();
  if (await again.install.isVisible()) await again.install.click();
  await expect(again.switchOf(order.name)).toBeVisible();
  await again.settled();
  await expect(again.profiles).toHaveCount(2);
  await again.switchTo(order.name);
  await kept.kill(second.context);

  // What was answered is written: also what was done just before.
  const third = await kept.start();
  await third.person.open();
  await expect(third.person.phone.switchOf(order.name)).toBeChecked();
  const { events } = await operator.detail(order.iccid);
  expect(events.filter(({ event }: { event: string }) => event === 'installed')).toHaveLength(1);
  expect(third.watch.complaints).toEqual([]);
  await third.context.close();
});

browsers('a page that crashes leaves its chip to the next', async ({ kept, operator }) => {
  const order = await operator.order('Crashed');
  const { context, person, watch } = await kept.start();
  await person.open();
  await person.phone.fetch(order.code);
  const next = new Person(await context.newPage());
  const crashed = person.page.waitForEvent('crash');
  void person.page.goto('chrome://crash').catch(() => {});
  await crashed;
  await next.open();
  await expect(next.phone.switchOf(order.name)).toBeVisible();
  await next.phone.switchTo(order.name);
  await person.page.close();
  expect(watch.complaints).toEqual([]);
  await context.close();
});
