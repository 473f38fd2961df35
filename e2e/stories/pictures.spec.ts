// The pictures of the documentation, made by the page itself: SCREENSHOTS=1 puts them into docs/.
import { type Colours, type Language, WIDTHS, picture } from './person';
import { expect, test } from './laboratory';

test.skip(!process.env.SCREENSHOTS, 'only when pictures are wanted');

test('the pictures', async ({ person, operator, page }) => {
  test.setTimeout(240_000);
  const { phone, trace } = person;
  const order = await operator.order('Travel');
  const shot = async (name: string) => {
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: picture(`${name}.png`) });
  };
  const desk = async (colours: Colours) => {
    await page.setViewportSize(WIDTHS.desk);
    await person.colours(colours);
  };
  await desk('light');
  await person.open('#trace');
  await phone.fetch(order.code);
  await phone.notice.getByRole('button', { name: `Switch to ${order.name}` }).click();
  await expect(phone.notice).toContainText('You are now on');
  await phone.idle();
  // On a phone's screen the tour comes first.
  await phone.go();
  await page.getByRole('button', { name: 'Leave the tour' }).click();

  await test.step('phone and desk, light and dark, in both languages', async () => {
    for (const [language, suffix] of [['en', ''], ['ja', '-ja']] as [Language, string][]) {
      await person.speak(language);
      for (const [colours, shade] of [['light', ''], ['dark', '-dark']] as [Colours, string][]) {
        await desk(colours);
        await trace.go();
        await shot(`screenshot${shade}${suffix}`);
        await page.setViewportSize(WIDTHS.phone);
        await phone.go();
        await shot(`screenshot-phone${shade}${suffix}`);
      }
    }
    await person.speak('en');
  });

  await test.step('a message down to its bytes, the diagram, the files, the bench', async () => {
    await desk('light');
    await trace.go();
    await trace.read('ES10b.PrepareDownload');
    await trace.side('Request').getByRole('button', { name: 'Open all' }).click();
    await trace.field('Request', 'smdpSignature2').first().click();
    await shot('trace-message');
    await trace.detail.getByRole('button', { name: 'Close the message' }).click();
    await page.getByRole('button', { name: 'Show all' }).click();
    await trace.choose('Step', '3 Install');
    await trace.as('Diagram');
    await shot('trace-diagram');
    await person.chip.go();
    await person.chip.readFiles();
    await shot('chip-files');
    await person.bench.go();
    await shot('bench');
  });
});
