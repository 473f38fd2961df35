// The whole story: attach on the provisioning profile, reach the SM-DP+, install, switch.
import { expect, picture, test } from './laboratory';

test('a person adds an eSIM, switches to it, and has service @core', async ({ person, operator, page }) => {
  const { phone, trace, network } = person;
  const order = await operator.order('Story Travel');

  await test.step('1: the phone attaches with the provisioning profile', async () => {
    await person.open();
    await expect(phone.operator).toHaveText('Bootstrap');
    await expect(person.step(1)).toContainText('done');
    for (const kind of ['data', 'voice', 'sms'] as const) {
      await expect(phone.service(kind)).toContainText('refused');
      await expect(phone.service(kind)).toContainText('not yet under contract');
    }
    await network.go();
    await expect(network.apnGiven).toHaveText('sm.provisioning');
    await trace.go();
    await expect(await trace.find('AUTHENTICATE')).toContainText('9000');
  });

  await test.step('2 and 3: the profile is shown, agreed to, and installed', async () => {
    await phone.enter(order.code);
    await expect(phone.dialog).toContainText(order.name);
    await expect(phone.dialog).toContainText(order.provider);
    await expect(phone.profiles).toHaveCount(1);
    await phone.install.click();

    await expect(phone.notice).toContainText(`${order.name} is installed.`);
    await expect(phone.profiles).toHaveCount(2);
    await expect(phone.switchOf(order.name)).not.toBeChecked();
    for (const number of [2, 3]) await expect(person.step(number)).toContainText('done');
    for (const call of ['InitiateAuthentication', 'AuthenticateClient', 'GetBoundProfilePackage']) {
      await expect(await trace.find(`ES9+.${call}`)).toContainText('200');
      await expect(trace.message(`ES9+.${call}`)).toHaveCount(1);
    }
    await expect(await trace.find('ES9+.HandleNotification')).toContainText('204');
    await expect(phone.notifications).toContainText(order.iccid.slice(-6));
    await expect(phone.notifications).toContainText('delivered');
  });

  await test.step('4: the person switches, and is a subscriber', async () => {
    await phone.notice.getByRole('button', { name: `Switch to ${order.name}` }).click();
    await expect(phone.notice).toContainText(`You are now on ${order.name}.`);
    await expect(phone.operator).toHaveText(order.provider);
    await expect(phone.switchOf(order.name)).toBeChecked();
    await expect(phone.switchOf('Setup')).not.toBeChecked();
    await expect(person.step(4)).toContainText('done');
    for (const kind of ['data', 'voice', 'sms'] as const) await expect(phone.service(kind)).toContainText('works');
    await expect(await trace.find('FETCH')).toContainText('9000');
    await network.go();
    await expect(network.apnGiven).toHaveText('internet');
    await person.hideNumbers(false);
    await expect(network.section).toContainText(order.imsi);
    await person.hideNumbers(true);
    await expect(network.section).not.toContainText(order.imsi);
  });

  await test.step('the chip outlives the page', async () => {
    await person.view('chip');
    const eid = await person.chip.eid.textContent();
    await person.reload();
    await expect(person.chip.eid).toHaveText(eid!);
    await expect(phone.profiles).toHaveCount(2);
    await expect(phone.switchOf(order.name)).toBeChecked();
    await expect(phone.operator).toHaveText(order.provider);
  });
});
