// The whole story: attach on the provisioning profile, reach the SM-DP+, install, switch.
import AxeBuilder from '@axe-core/playwright';
import { expect, picture, test } from './laboratory';

test('a person adds an eSIM, switches to it, and has service', async ({ person, operator, page }) => {
  const order = await operator.order('Story Travel');

  await test.step('1: the phone attaches with the provisioning profile', async () => {
    await person.open();
    await expect(person.operator).toHaveText('Bootstrap');
    await expect(person.step(1)).toContainText('done');
    await expect(person.apnGiven).toHaveText('sm.provisioning');
    for (const kind of ['data', 'voice', 'sms'] as const) {
      await expect(person.service(kind)).toContainText('refused');
      await expect(person.service(kind)).toContainText('not yet under contract');
    }
    await expect(person.message('AUTHENTICATE')).toContainText('9000');
  });

  await test.step('2 and 3: the profile is shown, agreed to, and installed', async () => {
    await person.enter(order.code);
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText(order.name);
    await expect(dialog).toContainText(order.provider);
    await expect(dialog).toContainText(order.iccid);
    await expect(person.profiles).toHaveCount(1);
    await dialog.getByRole('button', { name: 'Install', exact: true }).click();

    await expect(person.notice).toContainText(`${order.name} is installed.`);
    await expect(person.notice).toContainText(/The chip took .* in \d+ segments/);
    await expect(person.profiles).toHaveCount(2);
    await expect(person.switchOf(order.name)).not.toBeChecked();
    for (const number of [2, 3]) await expect(person.step(number)).toContainText('done');
    for (const call of ['InitiateAuthentication', 'AuthenticateClient', 'GetBoundProfilePackage']) {
      await expect(person.message(`ES9+.${call}`)).toContainText('HTTP 200');
    }
    await expect(person.message('ES9+.HandleNotification')).toContainText('HTTP 204');
    await expect(page.locator('.notifications')).toContainText(`install …${order.iccid.slice(-6)}`);
    await expect(page.locator('.notifications')).toContainText('delivered');
  });

  await test.step('4: the person switches, and is a subscriber', async () => {
    await person.notice.getByRole('button', { name: `Switch to ${order.name}` }).click();
    await expect(person.notice).toContainText(`You are now on ${order.name}.`);
    await expect(person.operator).toHaveText(order.provider);
    await expect(person.switchOf(order.name)).toBeChecked();
    await expect(person.switchOf('Setup')).not.toBeChecked();
    await expect(person.step(4)).toContainText('done');
    await expect(person.apnGiven).toHaveText('internet');
    await expect(page.locator('section.network')).toContainText(order.imsi);
    for (const kind of ['data', 'voice', 'sms'] as const) {
      await expect(person.service(kind)).toContainText('works');
    }
    await expect(person.message('FETCH')).toContainText('9000');
    await expect(page.locator('.notifications')).toContainText(`enable …${order.iccid.slice(-6)}`);
  });

  await test.step('the page is in order at desk and phone width, light and dark', async () => {
    await person.settled();
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        await page.evaluate(() => scrollTo(0, 0));
        await person.message('ES10b.LoadBoundProfilePackage').evaluate((row) => {
          const list = row.closest('.list')!;
          list.scrollTop += row.getBoundingClientRect().top - list.getBoundingClientRect().bottom + 40;
        });
        const name = `screenshot${width === 390 ? '-phone' : ''}${colorScheme === 'dark' ? '-dark' : ''}.png`;
        // The dark phone is checked like the others; three pictures are enough to keep.
        if (name !== 'screenshot-phone-dark.png') await page.screenshot({ path: picture(name), fullPage: true });
      }
    }
  });

  await test.step('the chip outlives the page', async () => {
    const eid = await person.eid.textContent();
    await page.reload();
    await person.settled();
    await expect(person.eid).toHaveText(eid!);
    await expect(person.profiles).toHaveCount(2);
    await expect(person.switchOf(order.name)).toBeChecked();
    await expect(person.operator).toHaveText(order.provider);
  });

  expect(person.complaints).toEqual([]);
});
