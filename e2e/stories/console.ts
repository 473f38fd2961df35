// The operator's console as a person uses it.
import AxeBuilder from '@axe-core/playwright';
import { type Locator, type Page, expect } from '@playwright/test';
import jsqr from 'jsqr';

// A module of the old kind: what it exports may lie one floor deeper.
const decode: typeof jsqr = (jsqr as any).default ?? jsqr;

/** What an operator's own system would have in a table. */
export interface Subscriber {
  iccid: string;
  imsi: string;
  k: string;
  opc: string;
}

export class Console {
  constructor(readonly page: Page) {}

  get heading(): Locator { return this.page.getByRole('heading', { level: 1 }); }
  get token(): Locator { return this.page.getByLabel('Operator’s token'); }
  get code(): Locator { return this.page.getByTestId('activation-code'); }
  get qr(): Locator { return this.page.getByRole('img', { name: 'QR code of the activation code' }); }
  get rows(): Locator { return this.page.locator('tbody tr'); }
  get dialog(): Locator { return this.page.getByRole('dialog'); }
  get standing(): Locator { return this.page.locator('.standing'); }

  /** What of this kind has happened to the profile that is looked at. */
  happened(event: string): Locator {
    return this.page.getByRole('region', { name: 'Time line' }).locator(`li[data-event=${event}]`);
  }

  button(name: string): Locator { return this.page.getByRole('button', { name }); }

  /** Opens the console and enters a token. */
  async open(token = process.env.OPERATOR_TOKEN ?? ''): Promise<void> {
    await this.page.goto('/operator/console/');
    await this.enter(token);
    await expect(this.heading).toHaveText('Orders');
  }

  async enter(token: string): Promise<void> {
    await this.token.fill(token);
    await this.button('Open the console').click();
  }

  /** Goes to a view by the frame's links. */
  async go(name: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true }).click();
  }

  /** Looks at a profile. */
  async look(iccid: string): Promise<void> {
    await this.page.evaluate((to) => { location.hash = to; }, `#/orders/${iccid}`);
    await expect(this.page.getByTestId('iccid')).toHaveText(iccid);
  }

  /** Brings subscribers of a type as a pasted table. */
  async paste(text: string): Promise<void> {
    await this.go('Batch');
    await this.page.getByText('Paste it instead').click();
    await this.page.getByLabel('Subscribers', { exact: true }).fill(text);
    await this.button('Look at it').click();
  }

  /** Orders profiles by ICCID with a matching id that the server makes. */
  async order(iccids: string[]): Promise<void> {
    await this.go('New order');
    await this.page.getByLabel('Certain ones, by ICCID').check();
    await this.page.getByLabel('ICCIDs').fill(iccids.join('\n'));
    await this.button('Order').click();
    await expect(this.button('Order again')).toBeVisible();
  }

  /** Scans what is shown, pixel by pixel, with a reader that knows nothing of its maker. */
  async scan(code: Locator): Promise<string | undefined> {
    const picture = (await code.screenshot()).toString('base64');
    const { data, width, height } = await this.page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      const image = context.getImageData(0, 0, bitmap.width, bitmap.height);
      return { data: Array.from(image.data), width: image.width, height: image.height };
    }, picture);
    return decode(Uint8ClampedArray.from(data), width, height)?.data;
  }

  /** The view is accessible and fits, at desk and phone width, light and dark. */
  async inOrder(): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const width of [390, 1280]) {
        await this.page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
        const { violations } = await new AxeBuilder({ page: this.page }).analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
        const overflow = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      }
    }
  }
}
