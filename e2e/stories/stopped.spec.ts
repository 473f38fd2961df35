// A network that really stops: its worker's process is ended and started again. `cargo xtask test` tells these
// stories to a laboratory whose network runs in a process of its own, and says by which command.
import { type ChildProcess, spawn } from 'node:child_process';
import { HTTP_ERROR, expect, test as base } from './laboratory';

base.skip(!process.env.NETWORK_COMMAND, 'the network of this laboratory runs in one process with the site');

/** The process of the network's worker. */
class Service {
  #child?: ChildProcess;

  constructor(private readonly site: string) {}

  async start(): Promise<void> {
    const { program, arguments: given, environment } = JSON.parse(process.env.NETWORK_COMMAND!);
    // A group of its own: it starts the runtime, and both are to be ended.
    this.#child = spawn(program, given, { env: { ...process.env, ...environment }, detached: true, stdio: 'ignore' });
    await expect.poll(() => this.health(), { timeout: 60_000 }).toBe(200);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-child.pid!, 'SIGTERM');
    await gone;
    await expect.poll(() => this.health(), { timeout: 30_000 }).toBe(503);
  }

  /** What the site says when it is asked for the network. */
  private async health(): Promise<number> {
    const answer = await fetch(`${this.site}/network/health`).catch(() => undefined);
    await answer?.arrayBuffer();
    return answer?.status ?? 0;
  }
}

const test = base.extend<{ service: Service }>({
  service: async ({ baseURL }, use) => {
    const service = new Service(baseURL!);
    await service.start();
    await use(service);
    await service.stop();
  },
});

test('a network that stops in the middle of things is told, and when it is back all goes on', async ({ service, person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Gone');
  const { phone, network } = person;
  await person.open();
  await expect(phone.operator).toHaveText('Bootstrap');

  await service.stop();
  await phone.enter(order.code);
  // The site's own word, or what its runtime says of a worker that is not there: a phone can't tell from a server.
  await expect(phone.notice).toContainText(/can't be reached|is out of order/);
  await expect(phone.notice).toContainText('Nothing is lost');
  await network.go();
  await network.press('Attach again');
  await expect(phone.operator).toContainText('no service');
  await expect(page.getByTestId('status')).toContainText('Try to attach again under Network');
  await person.inOrderNow('the network is gone');
  await person.view('chip');
  await expect(person.chip.eid).not.toBeEmpty();
  // Also a page that begins without a network is whole.
  await person.reload();
  await expect(phone.operator).toContainText('no service');
  await expect(phone.profiles).toHaveCount(1);

  await service.start();
  await network.go();
  await network.press('Attach again');
  await expect(phone.operator).toHaveText('Bootstrap');
  await person.view('phone');
  await phone.fetch(order.code);
  await expect(phone.profiles).toHaveCount(2);
  await phone.switchTo(order.name);
  await expect(phone.operator).toHaveText(order.provider);
});

test('while a profile is switched to, the network stops: the switch holds, and service comes with the network', async ({ service, person, operator, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Dark');
  const { phone, network } = person;
  await person.open();
  await phone.fetch(order.code);
  await service.stop();
  await phone.switchTo(order.name);
  await expect(phone.notice).toContainText('is on, but has no service');
  await service.start();
  await network.go();
  await network.press('Attach again');
  await expect(phone.operator).toHaveText(order.provider);
  await person.view('phone');
  await expect(phone.service('voice')).toContainText('works');
});
