// A server that serves certified LPAs only: the page's is one. `cargo xtask test` tells these stories to a
// laboratory of their own.
import { HTTP_ERROR, expect, test } from './laboratory';

test.skip(!process.env.CERTIFIED, 'the SM-DP+ of this laboratory serves every LPA');

test('an LPA that the laboratory has certified signs what it asks', async ({ person, operator, watch }) => {
  // The server asks first.
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Certified');
  await person.open();
  await person.phone.fetch(order.code);
  await person.phone.switchTo(order.name);
});

test('one that nobody has certified is refused, and says so', async ({ person, operator, page, watch }) => {
  watch.excuse(HTTP_ERROR);
  const order = await operator.order('Uncertified');
  await page.route('**/lab/lpa.json', (route) => route.fulfill({ status: 404, body: '' }));
  await person.open();
  await person.phone.enter(order.code);
  await expect(person.phone.notice).toContainText('401');
  await expect(person.phone.profiles).toHaveCount(1);
});
