// What the assistant (LPA) can do: each procedure as a person goes through it.
import { HTTP_ERROR, type Order, expect, test } from './laboratory';

test('a chip’s default server is set, checked, asked, and taken away', async ({ person, operator, page }) => {
  const { phone } = person;
  await person.open();
  const eid = await person.eid();
  const order = await operator.order('Default', { eid });
  await phone.housekeeping();
  await page.getByLabel('Default SM-DP+').fill('smdp.example');
  await page.getByRole('button', { name: 'Check the server' }).click();
  await expect(phone.notice).toContainText('smdp.example');
  await phone.idle();
  await phone.setDefault('smdp.example');
  await expect(phone.notice).toHaveAttribute('role', 'status');
  await expect(person.chip.section).toContainText('smdp.example');

  await page.getByRole('button', { name: 'Ask smdp.example' }).click();
  await expect(phone.dialog).toContainText(order.name);
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
  // Nothing else waits there for this chip.
  await phone.idle();
  await page.getByRole('button', { name: 'Ask smdp.example' }).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await phone.idle();
  await phone.setDefault('');
  await expect(page.getByRole('button', { name: 'Ask smdp.example' })).toHaveCount(0);
});

test('profiles are switched, switched off, renamed and deleted, and the servers are told each time @core', async ({
  person, operator, page,
}) => {
  const { phone } = person;
  const [one, two] = [await operator.order('One'), await operator.order('Two')];
  await person.open();
  await phone.fetch(one.code);
  await phone.fetch(two.code);
  await expect(phone.profiles).toHaveCount(3);
  const events = async ({ iccid }: Order) =>
    (await operator.detail(iccid)).notifications.map(({ event }: { event: string }) => event);

  await test.step('from one operator’s to another’s', async () => {
    await phone.switchTo('One');
    await phone.switchTo('Two');
    await expect(phone.switchOf('One')).not.toBeChecked();
    await expect(phone.service('data')).toContainText('works');
    await expect.poll(() => events(one)).toEqual(['installed', 'enabled', 'disabled']);
    await expect.poll(() => events(two)).toEqual(['installed', 'enabled']);
  });

  await test.step('none is on', async () => {
    await phone.switchOff('Two');
    await expect(phone.operator).toHaveText('No profile is on');
    // There is no network to tell it by: it is kept, and goes out by itself when there is one.
    await phone.switchTo('Setup');
    await expect.poll(() => events(two)).toEqual(['installed', 'enabled', 'disabled']);
    await expect(phone.kept).toHaveCount(0);
    await phone.idle();
  });

  await test.step('renamed, and back to the operator’s name', async () => {
    await phone.rename('One', 'Holiday <b>&amp;');
    await person.reload();
    await phone.rename('Holiday <b>&amp;', '');
    await expect(phone.switchOf('One')).toBeVisible();
  });

  await test.step('a profile that is on can’t be deleted; another is, when its name was typed', async () => {
    await expect(page.getByRole('button', { name: 'Delete Setup' })).toHaveCount(0);
    await page.getByRole('button', { name: 'Delete One' }).click();
    await expect(phone.dialog).toContainText('cannot be undone');
    await person.inOrderNow('asked before a profile is deleted');
    await expect(phone.dialog.getByRole('button', { name: 'Delete', exact: true })).toBeDisabled();
    await phone.dialog.getByTestId('confirm-name').fill('Two');
    await expect(phone.dialog.getByRole('button', { name: 'Delete', exact: true })).toBeDisabled();
    await phone.dialog.getByRole('button', { name: 'Keep it' }).click();
    await phone.delete('One');
    await expect(phone.notice).toContainText('One is deleted');
    await expect.poll(() => events(one)).toEqual(['installed', 'enabled', 'disabled', 'deleted']);
    await expect.poll(async () => (await operator.detail(one.iccid)).state).toBe('Deleted');
  });

  await test.step('the memory is reset: what is lost is said first', async () => {
    await phone.setDefault('smdp.example');
    await page.getByRole('button', { name: 'Delete test profiles' }).click();
    await expect(phone.dialog).toBeVisible();
    await expect(phone.dialog).not.toContainText('Two');
    await phone.dialog.getByRole('button', { name: 'Cancel' }).click();
    await phone.idle();
    await page.getByRole('button', { name: 'Reset the eUICC' }).click();
    await expect(phone.dialog).toContainText('Two');
    await expect(phone.dialog).toContainText('smdp.example');
    await person.inOrderNow('asked before the memory is reset');
    await phone.dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(phone.switchOf('Two')).toBeVisible();
    await phone.idle();
    await page.getByRole('button', { name: 'Reset the eUICC' }).click();
    await phone.dialog.getByRole('button', { name: 'Reset', exact: true }).click();
    await expect(phone.switchOf('Two')).toHaveCount(0);
    await phone.settled();
    await expect(phone.switchOf('Setup')).toBeVisible();
    await expect.poll(() => events(two)).toEqual(['installed', 'enabled', 'disabled', 'deleted']);
  });
});

test('test profiles go by a reset of their own', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Trial', { profileClass: 'test' });
  await person.open();
  await phone.fetch(order.code);
  await phone.housekeeping();
  await page.getByRole('button', { name: 'Delete test profiles' }).click();
  await expect(phone.dialog).toContainText('Trial');
  await phone.dialog.getByRole('button', { name: 'Reset', exact: true }).click();
  await expect(phone.switchOf('Trial')).toHaveCount(0);
  await expect(phone.switchOf('Setup')).toBeVisible();
});

test('notifications are kept while the server is away, sent one by one, and removed after a warning', async ({
  person, operator, page, watch,
}) => {
  watch.excuse(HTTP_ERROR);
  const { phone } = person;
  const order = await operator.order('Kept');
  await person.open();
  await phone.fetch(order.code);
  await page.route('**/handleNotification', (route) => route.fulfill({ status: 503, body: '' }));
  await phone.switchTo('Kept');
  await phone.switchTo('Setup');
  await expect(phone.kept).toHaveCount(2);
  await expect(phone.kept.first()).toContainText('kept on the chip');
  // A reload forgets nothing of it.
  await person.reload();
  await expect(phone.kept).toHaveCount(2);
  await page.unroute('**/handleNotification');

  await phone.kept.first().getByRole('button', { name: /^Send notification/ }).click();
  await expect(phone.kept).toHaveCount(1);
  await phone.idle();
  await phone.kept.getByRole('button', { name: /^Remove notification/ }).click();
  await expect(phone.dialog).toContainText('Remove this notification?');
  await person.inOrderNow('asked before a notification is removed');
  await phone.dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect(phone.kept).toHaveCount(1);
  await phone.idle();
  await phone.kept.getByRole('button', { name: /^Remove notification/ }).click();
  await phone.dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(phone.kept).toHaveCount(0);
  const { notifications } = await operator.detail(order.iccid);
  // The server heard of the install, and of one of the two acts.
  expect(notifications).toHaveLength(2);
});

test('what a server could not be told is told when somebody comes back to the page', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const { phone } = person;
  const order = await operator.order('Away');
  await person.open();
  await page.route('**/handleNotification', (route) => route.abort());
  await phone.fetch(order.code);
  await expect(phone.kept).toHaveCount(1);
  await page.unroute('**/handleNotification');
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await expect(phone.kept).toHaveCount(0);
  // What the phone has said stands: nobody has asked for this.
  await expect(phone.notice).toContainText('is installed');
  await expect.poll(async () => (await operator.detail(order.iccid)).state).toBe('Installed');
});

test('the confirmation code is asked for when the server wants it, and again when it is wrong @core', async ({
  person, operator, page,
}) => {
  const { phone } = person;
  const order = await operator.order('Confirmed', { confirmationCode: '4711' });
  await person.open();
  await phone.enter(order.code);
  await expect(phone.dialog).toContainText('confirmation code');
  await phone.install.click();
  const input = phone.dialog.getByLabel('Confirmation code', { exact: true });
  await input.fill('0815');
  await phone.dialog.getByRole('button', { name: 'Continue' }).click();
  await expect(phone.dialog.getByRole('alert')).toContainText('The code before was wrong');
  await person.inOrderNow('asked for the confirmation code again');
  await input.fill('4711');
  await phone.dialog.getByRole('button', { name: 'Continue' }).click();
  await expect(phone.notice).toContainText('is installed');
});

test('rules of the operator are agreed to apart, and then hold', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Bound', { rules: ['ppr2'] });
  await person.open();
  await phone.enter(order.code);
  await expect(phone.dialog).toContainText('It cannot be deleted.');
  const agree = phone.dialog.getByRole('checkbox', { name: 'I agree to these rules.' });
  await expect(phone.install).toBeDisabled();
  await person.inOrderNow('asked to agree to rules');
  await agree.check();
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
  await phone.settled();
  await page.getByRole('button', { name: `Delete ${order.name}` }).click();
  await phone.dialog.getByTestId('confirm-name').fill(order.name);
  await phone.dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(phone.notice).toHaveAttribute('role', 'alert');
  await expect(phone.switchOf(order.name)).toBeVisible();
});

test('an offer is put off, stopped or refused, and the order stands accordingly', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Later');
  const state = async () => (await operator.detail(order.iccid)).state;
  await person.open();

  await test.step('not now', async () => {
    await phone.enter(order.code);
    await phone.dialog.getByRole('button', { name: 'Not now' }).click();
    await expect(phone.notice).toContainText('stopped');
    await expect(phone.profiles).toHaveCount(1);
    await phone.idle();
    await expect.poll(state).toBe('Released');
  });

  await test.step('Escape is “not now” too', async () => {
    await phone.enter(order.code);
    await expect(phone.dialog).toContainText(order.name);
    await page.keyboard.press('Escape');
    await expect(phone.notice).toContainText('stopped');
    await phone.idle();
    await expect.poll(state).toBe('Released');
  });

  await test.step('stopped while the server is asked', async () => {
    let go = () => {};
    const held = new Promise<void>((resolve) => { go = resolve; });
    const asked = page.waitForRequest('**/authenticateClient');
    await page.route('**/authenticateClient', async (route) => {
      await held;
      await route.continue();
    });
    await phone.enter(order.code);
    await asked;
    await phone.doing.getByRole('button', { name: 'Stop' }).click();
    await expect(phone.doing).toContainText('Stopping');
    go();
    // The offer that was on its way is not shown any more.
    await expect(phone.notice).toContainText('stopped');
    await page.unroute('**/authenticateClient');
    await phone.idle();
    await expect.poll(state).toBe('Released');
  });

  await test.step('refused for good', async () => {
    await phone.enter(order.code);
    await phone.dialog.getByRole('button', { name: 'Refuse for good' }).click();
    await expect(phone.notice).toBeVisible();
    await phone.idle();
    await expect(phone.profiles).toHaveCount(1);
    await expect.poll(state).not.toBe('Released');
    await phone.enter(order.code);
    await expect(phone.notice).toHaveAttribute('role', 'alert');
    await expect(phone.dialog).toHaveCount(0);
  });
});

test('a refusal that the server has not heard of is listed, sent again, and forgotten after a warning', async ({
  person, operator, page, watch,
}) => {
  watch.excuse(HTTP_ERROR);
  const { phone } = person;
  const [told, forgotten] = [await operator.order('Told'), await operator.order('Forgotten')];
  await person.open();
  await page.route('**/cancelSession', (route) => route.fulfill({ status: 503, body: '' }));
  for (const order of [told, forgotten]) {
    await phone.enter(order.code);
    await phone.dialog.getByRole('button', { name: 'Refuse for good' }).click();
    await expect(phone.notice).toContainText('does not know of it yet');
    await phone.idle();
  }
  await expect(phone.untold).toHaveCount(2);
  await expect(phone.untold.first()).toContainText('smdp.example');
  await expect(phone.untold.first()).toContainText('waits for the server');
  await person.inOrder('refusals that no server has heard of');
  // A reload forgets nothing of it.
  await person.reload();
  await expect(phone.untold).toHaveCount(2);
  await page.unroute('**/cancelSession');

  await phone.idle();
  await phone.untold.first().getByRole('button', { name: /^Tell .* again$/ }).click();
  await expect(phone.untold).toHaveCount(1);
  await expect.poll(async () => (await operator.detail(told.iccid)).state).toBe('Error');
  await phone.idle();
  await phone.untold.getByRole('button', { name: /^Forget/ }).click();
  await expect(phone.dialog).toContainText('will never learn that this download was refused');
  await person.inOrderNow('asked before a refusal is forgotten');
  await phone.dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect(phone.untold).toHaveCount(1);
  await phone.untold.getByRole('button', { name: /^Forget/ }).click();
  await phone.dialog.getByRole('button', { name: 'Forget', exact: true }).click();
  await expect(phone.untold).toHaveCount(0);
  expect((await operator.detail(forgotten.iccid)).state).toBe('Released');
  // A yes after it is a yes.
  await phone.fetch(forgotten.code);
});

test('the phone fetches a profile for a watch', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Wrist');
  await person.open();
  await page.getByRole('button', { name: 'Add a watch' }).click();
  await expect(page.getByRole('radio', { name: 'The watch' })).toBeChecked();
  await expect(phone.profiles).toHaveCount(0);
  await phone.idle();
  await phone.enter(order.code);
  await phone.install.click();
  await expect(phone.notice).toContainText('is installed');
  await phone.settled();
  await expect(phone.profiles).toHaveCount(1);
  await phone.switchTo(order.name);
  await person.inOrder('the phone with a watch');

  // The phone's chip has nothing of it, and its radio is as before.
  await phone.manage('This phone');
  await expect(phone.switchOf('Setup')).toBeChecked();
  await expect(phone.switchOf(order.name)).toHaveCount(0);
  await expect(phone.operator).toHaveText('Bootstrap');
  await page.reload();
  await phone.idle();
  await phone.manage('The watch');
  await expect(phone.switchOf(order.name)).toBeChecked();
  await page.getByRole('button', { name: 'Remove the watch' }).click();
  await expect(page.getByRole('button', { name: 'Add a watch' })).toBeVisible();
});

test('calls, messages and pages are refused before there is a contract, and work after', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Talk');
  await person.open();
  const call = async () => {
    await phone.app('Calls');
    await page.getByLabel('Number', { exact: true }).fill('+15550100');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
  };
  await call();
  await expect(phone.notice).toContainText('not yet under contract');
  await phone.app('Web');
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await expect(page.getByTestId('refused-page')).toContainText('This page can’t be opened');
  await person.inOrder('a page that is refused');
  await phone.app('eSIM');
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  await call();
  await expect(phone.notice).toHaveAttribute('role', 'status');
  await phone.app('Web');
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await expect(page.getByTestId('refused-page')).toHaveCount(0);
});

test('the phone is switched off and on, and keeps what it has', async ({ person }) => {
  const { phone } = person;
  const power = person.page.getByRole('switch', { name: 'Power of the phone' });
  await person.open();
  await power.click();
  await expect(phone.operator).toHaveText('Off');
  await expect(power).not.toBeChecked();
  await person.inOrder('the phone without power');
  await power.click();
  await phone.settled();
  await expect(phone.operator).toHaveText('Bootstrap');
});
