// An install that is interrupted: whatever the moment, there is one profile and one order at the end.
import { HTTP_ERROR, type Operator, type Order, type Person, expect, test } from './laboratory';

/** Enters the code and says yes. */
async function begin(person: Person, order: Order): Promise<void> {
  await person.phone.enter(order.code);
  await person.phone.install.click();
}

/** One profile, which works; one order, handed out once. The server is told of an install that power
 *  cut short as well (installFailedDueToInterruption), where there was one. */
async function once(person: Person, operator: Operator, order: Order): Promise<void> {
  const { phone } = person;
  await expect(phone.switchOf(order.name)).toHaveCount(1);
  await phone.switchTo(order.name);
  await expect(phone.operator).toHaveText(order.provider);
  await expect.poll(async () => {
    const { notifications } = await operator.detail(order.iccid);
    const told = notifications.map(({ event }: { event: string }) => event);
    return told[0] === 'installationFailed' ? told.slice(1) : told;
  }).toEqual(['installed', 'enabled']);
  const { events } = await operator.detail(order.iccid);
  const count = (name: string) => events.filter(({ event }: { event: string }) => event === name).length;
  expect(count('ordered')).toBe(1);
  expect(count('installed')).toBe(1);
}

test('the answer with the package comes to a page that is gone', async ({ person, operator, page }) => {
  const order = await operator.order('Gone page');
  await person.open();
  const handedOut = new Promise<void>((resolve) => {
    void page.route('**/getBoundProfilePackage', async (route) => {
      await route.fetch();
      resolve();
    });
  });
  await begin(person, order);
  await handedOut;
  await page.reload();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  // It goes on by itself; as the server has to be asked anew, so has the person.
  await person.phone.install.click();
  await expect(person.phone.switchOf(order.name)).toBeVisible();
  await person.phone.settled();
  await once(person, operator, order);
});

test('the page is left while the chip is fed @core', async ({ person, operator, page }) => {
  const order = await operator.order('Fed');
  await person.open();
  await begin(person, order);
  await expect(person.phone.doing.getByRole('progressbar')).toBeVisible();
  await page.reload();
  // What the chip had only a part of is fetched anew, and the person is asked again; what it had
  // whole is there.
  const { install } = person.phone;
  await expect(install.or(person.phone.switchOf(order.name)).first()).toBeVisible();
  if (await install.isVisible()) await install.click();
  await expect(person.phone.switchOf(order.name)).toBeVisible();
  await person.phone.settled();
  await once(person, operator, order);
});

test('the answer with the package is lost, and is fetched again', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Lost answer');
  await person.open();
  let lost = 0;
  await page.route('**/getBoundProfilePackage', async (route) => {
    await route.fetch();
    lost += 1;
    await route.abort();
  }, { times: 1 });
  await begin(person, order);
  await expect(person.phone.notice).toHaveAttribute('role', 'alert');
  expect(lost).toBe(1);
  await person.phone.idle();
  await person.phone.notice.getByRole('button', { name: 'Try again' }).click();
  await expect(person.phone.install.or(person.phone.switchOf(order.name)).first()).toBeVisible();
  if (await person.phone.install.isVisible()) await person.phone.install.click();
  await expect(person.phone.switchOf(order.name)).toBeVisible();
  await person.phone.settled();
  await once(person, operator, order);
});

test('the page is left while a profile is deleted, and while the memory is reset', async ({ person, operator }) => {
  const { phone, bench } = person;
  const [one, two] = [await operator.order('One'), await operator.order('Two')];
  const told = async (order: Order): Promise<string[]> => {
    const { notifications } = await operator.detail(order.iccid);
    return notifications.map(({ event }: { event: string }) => event);
  };
  await person.open('#bench');
  await phone.fetch(one.code);
  await phone.fetch(two.code);

  await test.step('the chip has done it, and its answer comes to nobody', async () => {
    await bench.hold('ES10c.DeleteProfile', 'answer');
    await phone.beginDelete('One');
    await expect(bench.held).toContainText('DeleteProfile');
    await person.reload();
    await phone.settled();
    await expect(phone.switchOf('One')).toHaveCount(0);
    await expect(phone.switchOf('Two')).toBeVisible();
    // What the chip has to tell is sent by itself.
    await expect.poll(() => told(one)).toEqual(['installed', 'deleted']);
    await expect.poll(async () => (await operator.detail(one.iccid)).state).toBe('Deleted');
  });

  await test.step('a command that the chip has not heard changes nothing', async () => {
    await bench.hold('ES10c.eUICCMemoryReset', 'request');
    await phone.beginReset();
    await expect(bench.held).toContainText('MemoryReset');
    await person.reload();
    await phone.settled();
    await expect(phone.switchOf('Two')).toBeVisible();
    expect(await told(two)).toEqual(['installed']);
  });

  await test.step('a memory that was reset is shown as it is', async () => {
    await bench.hold('ES10c.eUICCMemoryReset', 'answer');
    await phone.beginReset();
    await expect(bench.held).toContainText('MemoryReset');
    await person.reload();
    await phone.settled();
    await expect(phone.switchOf('Two')).toHaveCount(0);
    await expect(phone.switchOf('Setup')).toBeVisible();
    await expect.poll(() => told(two)).toEqual(['installed', 'deleted']);
  });
});
