// A chip of the page for the programs of the computer: card-bridge with its virtual reader.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '../doors/pcsc.mjs';
import { Desktop } from './desktop';
import { expect, test } from './laboratory';

const { CARD_BRIDGE } = process.env;
/** GET DATA that no LPA sends, so that it is told apart from what the phone asks. */
const OF_NOBODY_ELSE = '81CA005A00';
const ISD_R = 'A0000005591010FFFFFFFF8900000100';

test('another program of the computer uses the chip of the page, which then has it back', async ({ person, page, baseURL }) => {
  const why = CARD_BRIDGE ? missing() : 'card-bridge is not built here';
  test.skip(!!why, why || '');
  const { phone, chip, trace } = person;
  const folder = mkdtempSync(join(tmpdir(), 'offer-'));
  const desktop = new Desktop(folder, new URL(baseURL!).origin, '--vpcd');
  try {
    const port = await desktop.says(/^listening: ws:\/\/127\.0\.0\.1:(\d+)\/$/);
    await person.open();
    await person.hideNumbers(false);
    await chip.go();
    const eid = (await chip.eid.textContent())!.replaceAll(' ', '');
    const offer = page.getByRole('button', { name: 'Offer to this computer’s programs' });
    await expect(offer).toBeDisabled();
    await expect(page.locator('.offer')).toContainText('start card-bridge --vpcd');
    await phone.go();
    await page.getByRole('button', { name: 'Use a real card' }).click();
    await page.getByLabel('Port', { exact: true }).fill(port);
    await page.getByRole('button', { name: 'Look for the bridge' }).click();
    await page.getByLabel('Code on the bridge’s terminal').fill(await desktop.says(/^code: (\d{4} \d{4}) /));
    await page.getByRole('button', { name: 'Pair' }).click();
    await expect(page.getByRole('list', { name: 'Readers' })).toBeVisible();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();

    await chip.go();
    await offer.click();
    await expect(phone.doing).toContainText('The programs of this computer have the chip');
    await desktop.says(/^(a chip of the page is in the virtual reader)$/);
    // Another LPA, that knows nothing but PC/SC.
    const call = (func: string, param: string | null = null) => JSON.stringify({ type: 'apdu', payload: { func, param } });
    const lines = [
      call('connect'),
      call('logic_channel_open', ISD_R),
      call('transmit', '81E2910006BF3E035C015A'),
      call('transmit', '81C0000015'),
      call('transmit', OF_NOBODY_ELSE),
      call('disconnect'),
    ];
    const questions = join(folder, 'questions');
    writeFileSync(questions, `${lines.join('\n')}\n`);
    // The reader needs a moment to see that there is a card.
    desktop.run(`for _ in 1 2 3 4 5 6 7 8 9 10; do ${CARD_BRIDGE} --stdio < ${questions} > answers; grep -q BF3E answers && break; sleep 0.5; done; cat answers`);
    expect(await desktop.says(/"data":"BF3E125A10([0-9]{32})9000"/)).toEqual(eid);
    await person.inOrderNow('a chip that is offered');
    // It is on the record as everything is.
    await trace.go();
    await trace.search.fill(OF_NOBODY_ELSE);
    await expect(trace.messages).toHaveCount(1);

    await phone.doing.getByRole('button', { name: 'Stop' }).click();
    await phone.idle();
    await expect(phone.notice).toContainText('The phone has its chip again.');
    await expect(phone.operator).toHaveText('Bootstrap');
    // The reader is gone while somebody else has the chip: the phone takes it back by itself.
    await chip.go();
    await offer.click();
    await expect(phone.doing).toContainText('The programs of this computer have the chip');
    desktop.run('kill $reader');
    await expect(phone.notice).toContainText('The virtual reader is gone.');
    await phone.idle();
    await expect(phone.operator).toHaveText('Bootstrap');
  } finally {
    await desktop.stop();
  }
});
