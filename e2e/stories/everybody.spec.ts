// The whole story in Japanese, and by the keys alone.
import { type Locator, type Page, expect } from '@playwright/test';
import { test } from './laboratory';
import { untranslated } from './language';

test('the whole story in Japanese @core', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Travel', { confirmationCode: '4711' });
  const translated = async (where: string) => expect.soft(await untranslated(page), where).toEqual([]);
  await person.open();
  await person.speak('ja');
  await expect(page).toHaveTitle(/[぀-ヿ一-鿿]/);
  await translated('at first');

  await page.getByLabel('アクティベーションコード', { exact: true }).fill('hello');
  await page.getByRole('button', { name: 'eSIM を追加' }).click();
  await expect(phone.codeHelp).toHaveClass(/wrong/);
  await translated('a wrong code');

  await page.getByLabel('アクティベーションコード', { exact: true }).fill(order.code);
  await page.getByRole('button', { name: 'eSIM を追加' }).click();
  await expect(phone.dialog).toContainText('このプロファイルをインストールしますか');
  await translated('asked for consent');
  await phone.dialog.getByRole('button', { name: 'インストール', exact: true }).click();
  await phone.dialog.getByLabel('確認コード', { exact: true }).fill('0815');
  await phone.dialog.getByRole('button', { name: '続ける' }).click();
  await expect(phone.dialog.getByRole('alert')).toBeVisible();
  await translated('asked for the confirmation code again');
  await phone.dialog.getByLabel('確認コード', { exact: true }).fill('4711');
  await phone.dialog.getByRole('button', { name: '続ける' }).click();
  await expect(phone.notice).toHaveAttribute('role', 'status');
  await expect(phone.switchOf(order.name)).toBeVisible();
  await translated('installed');

  await phone.notice.getByRole('button', { name: `${order.name} に切り替える` }).click();
  await expect(phone.switchOf(order.name)).toBeChecked();
  await expect(phone.service('voice')).toContainText('利用可');
  await phone.idle();
  await translated('switched');

  await phone.switchTo('Setup');
  await page.getByRole('button', { name: `${order.name} を削除` }).click();
  await phone.dialog.getByTestId('confirm-name').fill(order.name);
  await translated('asked before a profile is deleted');
  await phone.dialog.getByRole('button', { name: '削除', exact: true }).click();
  await expect(phone.switchOf(order.name)).toHaveCount(0);
  await phone.idle();
  await translated('deleted');

  // The language is kept.
  await person.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
});

/** Goes with the tabulator until something has the focus. */
async function tabTo(page: Page, target: Locator, most = 120): Promise<void> {
  const there = () => target.evaluate((element) => element === document.activeElement);
  for (let presses = 0; presses < most; presses++) {
    await page.keyboard.press('Tab');
    if (await there()) return;
  }
  throw new Error(`the tabulator never comes to ${target}`);
}

test('the whole story by the keys alone @core', async ({ person, operator, page }) => {
  const { phone } = person;
  const order = await operator.order('Keys', { confirmationCode: '4711' });
  await person.open();
  await tabTo(page, phone.code);
  await page.keyboard.type(order.code);
  await page.keyboard.press('Enter');
  await expect(phone.dialog).toContainText(order.name);
  // What is asked has the focus; the answer is given after it was read.
  await expect(phone.dialog.getByRole('heading')).toBeFocused();
  await tabTo(page, phone.install);
  await page.keyboard.press('Enter');
  await expect(phone.dialog.getByLabel('Confirmation code', { exact: true })).toBeFocused();
  await page.keyboard.type('4711');
  await page.keyboard.press('Enter');
  await expect(phone.notice).toContainText('is installed');
  await phone.idle();
  await tabTo(page, phone.switchOf(order.name));
  await page.keyboard.press('Space');
  await expect(phone.switchOf(order.name)).toBeChecked();
  await phone.idle();
  await tabTo(page, phone.switchOf('Setup'));
  await page.keyboard.press('Space');
  await expect(phone.switchOf('Setup')).toBeChecked();
  await phone.idle();
  await tabTo(page, page.getByRole('button', { name: `Delete ${order.name}` }));
  await page.keyboard.press('Enter');
  await expect(phone.dialog.getByTestId('confirm-name')).toBeFocused();
  await page.keyboard.type(order.name);
  await page.keyboard.press('Enter');
  await expect(phone.switchOf(order.name)).toHaveCount(0);
  await phone.idle();
  await tabTo(page, page.locator('nav.views a[data-view="trace"]'));
  await page.keyboard.press('Enter');
  await expect(person.trace.messages.first()).toBeVisible();
});
