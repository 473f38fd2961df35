// Every view is in order for everybody: at a phone's width and a desk's, light and dark, in both languages.
import { type Language, VIEWS, WIDTHS } from './person';
import { expect, test } from './laboratory';
import { untranslated } from './language';

test('every view is accessible, fits the screen, and speaks the language chosen', async ({ person, operator, page }) => {
  test.setTimeout(240_000);
  const { phone, trace } = person;
  const order = await operator.order('Views');
  await person.open();
  await phone.fetch(order.code);
  await phone.switchTo(order.name);
  for (const language of ['en', 'ja'] as Language[]) {
    await person.speak(language);
    for (const view of VIEWS) {
      await test.step(`${view}, ${language}`, async () => {
        await page.setViewportSize(WIDTHS.desk);
        await person.view(view);
        if (view === 'trace') await trace.messages.last().getByRole('link').click();
        await person.inOrder(`${view}, ${language}`);
        if (language === 'ja') expect.soft(await untranslated(page), view).toEqual([]);
      });
    }
  }
  await person.speak('en');
});
