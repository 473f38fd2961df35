// How an activation code gets in, and that nothing is sent before the person says so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { chromium, type Page } from '@playwright/test';
import { Person, Watch, expect, test } from './laboratory';

const SERVER = 'smdp.example.com';
const picture = (name: string) => fileURLToPath(new URL(`pictures/${name}`, import.meta.url));
const says = (page: Page) => page.getByTestId('code-says');
const help = (page: Page) => page.locator('#code-help');
const choose = (page: Page, name: string) => page.locator('form.add input[type=file]').setInputFiles(picture(name));

/** A clipboard or a hand with these things in it. */
function holding(page: Page, things: { file?: string; text?: Record<string, string> }) {
  const { file, text } = things;
  const content = file && readFileSync(picture(file)).toString('base64');
  return page.evaluateHandle(({ file, content, text }) => {
    const data = new DataTransfer();
    if (file && content) {
      const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
      data.items.add(new File([bytes], file, { type: file.endsWith('png') ? 'image/png' : 'image/jpeg' }));
    }
    for (const [type, value] of Object.entries(text ?? {})) data.setData(type, value);
    return data;
  }, { file, content, text });
}

async function paste(page: Page, things: Parameters<typeof holding>[1]) {
  const data = await holding(page, things);
  await page.evaluate((data) => document.activeElement!.dispatchEvent(
    new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })), data);
}

async function drop(page: Page, selector: string, things: Parameters<typeof holding>[1]) {
  const dataTransfer = await holding(page, things);
  for (const type of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent(selector, type, { dataTransfer });
}

test('a picture of the code is chosen, pasted or dropped, and shown before anything is sent', async ({ person, page }) => {
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  await person.open();
  expect(loaded.filter((path) => path.startsWith('/qr/')), 'the reader is no part of the first load').toEqual([]);
  const shown = async () => {
    await expect(page.getByTestId('code-server')).toHaveText(SERVER);
    await expect(says(page)).toContainText('2.999.10');
    await expect(says(page)).toContainText('will be asked for');
    // Numbers are hidden unless the person wants to see them.
    await expect(says(page)).toContainText('…-0001');
    await expect(page.getByRole('button', { name: 'Add eSIM' })).toBeFocused();
    await says(page).getByRole('button', { name: 'Discard' }).click();
    await expect(says(page)).toHaveCount(0);
  };
  for (const name of ['code.png', 'light-on-dark.png', 'photograph.jpg']) {
    await test.step(name, async () => {
      await choose(page, name);
      await shown();
    });
  }
  await paste(page, { file: 'code.png' });
  await shown();
  await person.phone.code.focus();
  await paste(page, { file: 'code.png' });
  await shown();
  await drop(page, 'section.phone h2', { file: 'code.png' });
  await shown();
  await drop(page, 'section.phone h2', { text: { 'text/plain': `Your code: LPA:1$${SERVER}$QR-STORY-0001$2.999.10$1 Enjoy!` } });
  await shown();
  expect(loaded.filter((path) => path.startsWith('/qr/')).length).toBeGreaterThan(0);
  expect(loaded.filter((path) => path.includes('/gsma/') || path.includes('/http/'))).toEqual([]);
});

test('each way a picture can have no code has its own message', async ({ person, page }) => {
  await person.open();
  const cases: [string, RegExp][] = [
    ['blank.png', /no QR code in the picture/],
    ['covered.png', /can’t be read/],
    ['wifi.png', /the access to a Wi-Fi network, not an activation code/],
    ['link.png', /a link \(“example\.com”\), not an activation code/],
    ['wrong.png', /says “LPA:1\$smdp\.example\.com\$QR_STORY”.*can’t be mended by hand/],
    ['README.md', /not a picture that the browser can open/],
  ];
  for (const [name, told] of cases) {
    await choose(page, name);
    await expect(help(page), name).toContainText(told);
    await expect(help(page)).not.toContainText('secret');
    await expect(says(page)).toHaveCount(0);
  }
  await drop(page, 'section.phone h2', { text: { 'text/uri-list': 'https://example.com/a.png', 'text/plain': 'https://example.com/a.png', 'text/html': '<img src="https://example.com/a.png">' } });
  await expect(help(page)).toContainText('Only the picture’s address came here');

  await choose(page, 'two.png');
  const choice = page.getByTestId('code-choice');
  await expect(choice.getByRole('button')).toHaveCount(2);
  await choice.getByRole('button', { name: 'other.example.com' }).click();
  await expect(page.getByTestId('code-server')).toHaveText('other.example.com');
});

test('a link brings a code, which waits for the person', async ({ person, operator, page }) => {
  const order = await operator.order('Linked');
  const calls: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/http/')) calls.push(request.url());
  });
  await page.goto(`/#phone?code=${encodeURIComponent(`web+lpa:${order.code.slice(4)}`)}`);
  await person.phone.settled();
  await expect(says(page)).toContainText('A link brought this code');
  expect(new URL(page.url()).hash, 'the code does not stay in the address').toBe('#phone');
  expect(calls).toEqual([]);

  // Another one, while the page is open; a damaged one.
  await page.evaluate(() => { location.hash = '#phone?code=lpa:1%2'; });
  await expect(help(page)).toContainText('cut off or damaged');
  await page.evaluate((code) => { location.hash = `#phone?code=${code}`; }, order.code);
  await page.getByRole('button', { name: 'Add eSIM' }).click();
  await expect(page.getByRole('dialog')).toContainText(order.name);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await expect(person.phone.notice).toContainText('is installed');
  await expect(says(page)).toHaveCount(0);
});

test('a code can be typed in parts, and pasted with words around it', async ({ person, page }) => {
  await person.open();
  await page.getByRole('button', { name: 'In parts' }).click();
  await page.getByRole('button', { name: 'Add eSIM' }).click();
  await expect(help(page)).toContainText('names no server');
  await page.getByLabel('Server (SM-DP+ address)').fill('https://smdp.example.com');
  await page.getByRole('button', { name: 'Add eSIM' }).click();
  await expect(help(page)).toContainText('Leave https://');
  await expect(page.getByLabel('Server (SM-DP+ address)')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Server (SM-DP+ address)').fill(SERVER);
  await page.getByLabel('Matching ID').fill('QR-STORY-0001');
  await page.getByLabel('A confirmation code comes with it').check();
  await expect(page.getByTestId('code-server')).toHaveText(SERVER);
  await expect(says(page)).toContainText('will be asked for');
  await page.getByRole('button', { name: 'In parts' }).click();

  await person.phone.code.fill(`Hello! Your code is LPA:1$${SERVER}$ABC-1. Bye`);
  await expect(page.getByTestId('code-server')).toHaveText(SERVER);
  await person.phone.code.fill('hello');
  await expect(help(page)).not.toHaveClass(/wrong/);
  await page.getByRole('button', { name: 'Add eSIM' }).click();
  await expect(help(page)).toContainText('This is not an activation code');
  await expect(person.phone.code).toHaveAttribute('aria-invalid', 'true');
});

test('the form is in order in both languages', async ({ person, page }) => {
  await person.open();
  await choose(page, 'code.png');
  await expect(says(page)).toBeVisible();
  for (const language of ['en', 'ja'] as const) {
    await person.speak(language);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(wide, `${language} ${colorScheme} ${width}`).toBeLessThanOrEqual(0);
        const { violations } = await new AxeBuilder({ page }).include('section.phone').analyze();
        expect(violations, `${language} ${colorScheme} ${width}`).toEqual([]);
      }
    }
  }
  await expect(says(page)).toContainText('画像から読み取ったコード');
});

test('a browser without a camera says so', async ({ person, page }) => {
  await person.open();
  await page.getByRole('button', { name: 'Scan' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByTestId('camera-says')).toContainText(/There is no camera|not allowed for this page/);
  await expect(dialog.getByRole('button', { name: 'Try again' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});

/** A film for Chromium's camera: a picture in a grey room, as JPEGs one behind the other. */
async function film(page: Page, name: string): Promise<Buffer> {
  const source = `data:image/png;base64,${readFileSync(picture(name)).toString('base64')}`;
  const frame = await page.evaluate(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const context = canvas.getContext('2d')!;
    context.fillStyle = '#999';
    context.fillRect(0, 0, 640, 480);
    context.translate(320, 240);
    context.rotate(0.1);
    context.drawImage(image, -150, -150, 300, 300);
    return canvas.toDataURL('image/jpeg', 0.8).split(',')[1];
  }, source);
  return Buffer.concat(Array(10).fill(Buffer.from(frame, 'base64')));
}

test('the camera reads the code and is off afterwards', async ({ page, baseURL }) => {
  const folder = mkdtempSync(join(tmpdir(), 'camera-'));
  const look = async (name: string, story: (person: Person, page: Page) => Promise<void>) => {
    const file = join(folder, 'film.mjpeg');
    writeFileSync(file, await film(page, name));
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
        `--use-file-for-fake-video-capture=${file}`,
      ],
    });
    try {
      const context = await browser.newContext({ baseURL, viewport: { width: 390, height: 844 } });
      const filming = await context.newPage();
      const watch = new Watch(new URL(baseURL!).origin);
      await watch.listen(context);
      const person = new Person(filming);
      // Every camera that was opened.
      await filming.addInitScript(() => {
        const streams: MediaStream[] = [];
        Object.assign(window, { streams });
        const devices = navigator.mediaDevices;
        const open = devices.getUserMedia.bind(devices);
        devices.getUserMedia = async (wanted) => {
          const stream = await open(wanted);
          streams.push(stream);
          return stream;
        };
      });
      await person.open();
      await filming.getByRole('button', { name: 'Scan' }).click();
      await story(person, filming);
      const live = () => filming.evaluate(() => (window as any).streams
        .flatMap((stream: MediaStream) => stream.getTracks()).filter((track: MediaStreamTrack) => track.readyState === 'live').length);
      await expect.poll(live).toBe(0);
      expect(watch.complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  };
  try {
    await look('code.png', async (_, filming) => {
      await expect(filming.getByTestId('code-server')).toHaveText(SERVER);
      await expect(says(filming)).toContainText('The camera read this code');
      await expect(filming.getByRole('dialog')).toHaveCount(0);
    });
    await look('wifi.png', async (_, filming) => {
      const told = filming.getByTestId('camera-says');
      await expect(told).toContainText('the access to a Wi-Fi network');
      const { violations } = await new AxeBuilder({ page: filming }).include('dialog').analyze();
      expect(violations).toEqual([]);
      // Hidden, it lets the camera go; seen again, it takes it.
      const hide = (hidden: boolean) => filming.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
      }, hidden);
      const tracks = () => filming.evaluate(() => (window as any).streams
        .map((stream: MediaStream) => stream.getTracks()[0].readyState).join());
      await hide(true);
      await expect.poll(tracks).toBe('ended');
      await hide(false);
      await expect.poll(tracks).toBe('ended,live');
      await expect(told).toContainText('the access to a Wi-Fi network');
      await filming.getByRole('button', { name: 'Close' }).click();
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
