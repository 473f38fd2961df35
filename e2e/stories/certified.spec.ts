// A server that serves certified LPAs only: the page's is one. `cargo xtask test` tells these stories to a
// laboratory of their own.
import { expect } from '@playwright/test';
import { test } from './laboratory';

test.skip(!process.env.CERTIFIED, 'the SM-DP+ of this laboratory serves every LPA');

test('an LPA that the laboratory has certified signs what it asks', async ({ person, operator }) => {
  const order = await operator.order('Certified');
  await person.open();
  await person.install(order.code);
  await person.switchTo(order.name);
});

test('one that nobody has certified is refused, and says so', async ({ person, operator, page }) => {
  const order = await operator.order('Uncertified');
  await page.route('**/lab/lpa.json', (route) => route.fulfill({ status: 404, body: '' }));
  await person.open();
  await person.enter(order.code);
  await expect(person.notice).toContainText('401');
  await expect(person.profiles).toHaveCount(1);
});
