// The page as a person uses it: the phone, and the views beside it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { type Locator, type Page, expect } from '@playwright/test';

/** The views, by the page's own names for them. */
export const VIEWS = ['phone', 'trace', 'chip', 'operator', 'network', 'bench'] as const;
export type ViewName = (typeof VIEWS)[number];

export type Language = 'en' | 'ja';
export type Colours = 'light' | 'dark';

/** A phone's screen and a desk's. */
export const WIDTHS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } } as const;

/** Where a picture for the documentation goes; with SCREENSHOTS=1 into docs/. */
export function picture(name: string): string {
  const folder = process.env.SCREENSHOTS ? '../../docs/' : '../test-results/';
  return fileURLToPath(new URL(folder + name, import.meta.url));
}

/** A view beside the phone. */
abstract class View {
  abstract readonly name: ViewName;

  constructor(readonly page: Page) {}

  /** Goes there by the navigation. */
  async go(): Promise<void> {
    const link = this.page.locator(`nav.views a[data-view="${this.name}"]`);
    await link.click();
    await expect(link).toHaveAttribute('aria-current', 'page');
  }
}

/** A file that the page saved. */
export interface Saved {
  name: string;
  bytes: Buffer;
}

/** Does something that saves a file; the file. */
async function saved(page: Page, act: () => Promise<void>): Promise<Saved> {
  if (page.context().browser()?.browserType().name() !== 'firefox') {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  }
  // This browser's driver tells of no download: the file is taken where the page hands it over.
  await page.evaluate(() => {
    const taken = ((window as any).taken = {} as { blob?: Blob; name?: string });
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      taken.blob = blob as Blob;
      URL.createObjectURL = create;
      return create.call(URL, blob);
    };
    const click = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () {
      taken.name = this.download;
      HTMLAnchorElement.prototype.click = click;
    };
  });
  await act();
  await page.waitForFunction(() => (window as any).taken.name !== undefined);
  const { name, bytes } = await page.evaluate(async () => {
    const { blob, name } = (window as any).taken;
    const all = new Uint8Array(await blob.arrayBuffer());
    let text = '';
    for (let at = 0; at < all.length; at += 0x8000) text += String.fromCharCode(...all.subarray(at, at + 0x8000));
    return { name: name as string, bytes: btoa(text) };
  });
  return { name, bytes: Buffer.from(bytes, 'base64') };
}

/** The page as a person uses it. */
export class Person {
  readonly phone: Phone;
  readonly trace: TraceView;
  readonly chip: ChipView;
  readonly network: NetworkView;
  readonly operator: OperatorView;
  readonly bench: BenchView;

  constructor(readonly page: Page) {
    this.phone = new Phone(page);
    this.trace = new TraceView(page);
    this.chip = new ChipView(page);
    this.network = new NetworkView(page);
    this.operator = new OperatorView(page);
    this.bench = new BenchView(page);
  }

  /** Opens the page and waits until the phone has settled. */
  async open(fragment = ''): Promise<void> {
    await this.page.goto(`/${fragment}`);
    await this.phone.settled();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.phone.settled();
  }

  /** Goes to a view by the navigation. */
  async view(name: ViewName): Promise<void> {
    await this[name].go();
  }

  /** The step of the four. */
  step(number: number): Locator {
    return this.page.locator(`.step[data-step="${number}"]`);
  }

  /** The EID of the phone's chip; the chip's view stays open. */
  async eid(): Promise<string> {
    await this.chip.go();
    await this.hideNumbers(false);
    const eid = (await this.chip.eid.textContent())!.replaceAll(/\s/g, '');
    await this.hideNumbers(true);
    expect(eid).toMatch(/^\d{32}$/);
    return eid;
  }

  async speak(language: Language): Promise<void> {
    await this.page.getByRole('combobox', { name: /^(Language|言語)$/ }).selectOption(language);
    await expect(this.page.locator('html')).toHaveAttribute('lang', language);
  }

  async colours(colours: Colours): Promise<void> {
    await this.page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' });
  }

  /** Shows numbers of chips and subscribers, or hides them. */
  async hideNumbers(hide: boolean): Promise<void> {
    await this.page.getByRole('checkbox', { name: /^(Hide numbers|番号を隠す)$/ }).setChecked(hide);
  }

  /** No accessibility rule is broken, and the page is not wider than the screen; at both widths,
   *  light and dark. */
  async inOrder(what: string): Promise<void> {
    for (const [place, size] of Object.entries(WIDTHS)) {
      await this.page.setViewportSize(size);
      for (const colours of ['light', 'dark'] as const) {
        await this.colours(colours);
        await this.inOrderNow(`${what}, ${place}, ${colours}`);
      }
    }
  }

  /** The same for what is on the screen as it is now. */
  async inOrderNow(what: string): Promise<void> {
    // What is in a frame is a page of its own, with stories of its own.
    const { violations } = await new AxeBuilder({ page: this.page }).exclude('iframe').analyze();
    const told = violations.map(({ id, nodes }) => [id, nodes.map((node) => `${node.html.slice(0, 300)} ${node.failureSummary}`)]);
    expect.soft(told, what).toEqual([]);
    const wide = await this.page.evaluate(() => {
      if (document.documentElement.scrollWidth <= innerWidth) return [];
      return [...document.querySelectorAll('body *')]
        .filter((element) => element.getBoundingClientRect().right > innerWidth)
        .slice(0, 5).map((element) => `${element.tagName} .${element.className}`);
    });
    expect.soft(wide, `${what}: wider than the screen`).toEqual([]);
  }
}

/** The phone's screen: beside every view where there is room, else a view itself. */
export class Phone extends View {
  readonly name = 'phone';

  get screen(): Locator { return this.page.locator('section.phone'); }
  get operator(): Locator { return this.page.getByTestId('operator'); }
  get notice(): Locator { return this.page.getByTestId('notice'); }
  get doing(): Locator { return this.page.getByTestId('doing'); }
  get code(): Locator { return this.page.getByLabel('Activation code', { exact: true }); }
  get codeHelp(): Locator { return this.page.locator('#code-help'); }
  get add(): Locator { return this.page.getByRole('button', { name: /^(Add eSIM|eSIM を追加)$/ }); }
  get install(): Locator { return this.page.getByRole('button', { name: 'Install', exact: true }); }
  get profiles(): Locator { return this.page.locator('.profile'); }
  get notifications(): Locator { return this.page.locator('.notifications'); }
  /** Those that the server has not been told of. */
  get kept(): Locator { return this.page.locator('.notifications .waiting'); }
  /** Downloads that were given up, where the server does not know it. */
  get untold(): Locator { return this.page.locator('.untold > li'); }
  get dialog(): Locator { return this.page.getByRole('dialog'); }

  /** Unfolds the codes behind what the phone says. */
  async showCodes(): Promise<void> {
    await this.notice.getByText('Codes', { exact: true }).click();
  }

  /** The switch of a profile. */
  switchOf(name: string): Locator { return this.page.getByRole('switch', { name, exact: true }); }
  service(kind: 'data' | 'voice' | 'sms'): Locator { return this.page.locator(`[data-service="${kind}"]`); }

  /** The phone is doing nothing, and the profiles of the chip were read. */
  async settled(): Promise<void> {
    await expect(this.profiles.first()).toBeVisible();
    await this.idle();
  }

  /** The phone is doing nothing. */
  async idle(): Promise<void> {
    await expect(this.add).toBeEnabled();
  }

  /** Enters a code and presses the button. */
  async enter(code: string): Promise<void> {
    await this.code.fill(code);
    await this.add.click();
  }

  /** Installs the profile of a code; returns when it is installed. */
  async fetch(code: string): Promise<void> {
    await this.enter(code);
    await this.install.click();
    await expect(this.notice).toContainText('is installed');
    await this.settled();
  }

  /** Switches a profile on and waits until that is over. */
  async switchTo(name: string): Promise<void> {
    await this.switchOf(name).click();
    await expect(this.switchOf(name)).toBeChecked();
    await this.settled();
  }

  /** Begins to delete a profile of an operator, and says so when asked: by its name. */
  async beginDelete(name: string): Promise<void> {
    await this.page.getByRole('button', { name: `Delete ${name}` }).click();
    await this.dialog.getByTestId('confirm-name').fill(name);
    await this.dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  }

  /** Begins to reset the chip's memory, and says so when asked. */
  async beginReset(): Promise<void> {
    await this.housekeeping();
    await this.page.getByRole('button', { name: 'Reset the eUICC' }).click();
    await this.dialog.getByRole('button', { name: 'Reset', exact: true }).click();
  }

  /** Deletes a profile. */
  async delete(name: string): Promise<void> {
    await this.beginDelete(name);
    await expect(this.switchOf(name)).toHaveCount(0);
    await this.idle();
  }

  /** Switches a profile off and waits until that is over. */
  async switchOff(name: string): Promise<void> {
    await this.switchOf(name).click();
    await expect(this.switchOf(name)).not.toBeChecked();
    await this.settled();
  }

  /** Opens what is done to the chip as a whole. */
  async housekeeping(): Promise<void> {
    const details = this.page.locator('details.housekeeping');
    if (!(await details.evaluate((element: HTMLDetailsElement) => element.open))) await details.locator('summary').click();
  }

  /** Sets the chip's default server; an empty address takes it away. */
  async setDefault(address: string): Promise<void> {
    await this.housekeeping();
    await this.page.getByLabel('Default SM-DP+').fill(address);
    await this.page.getByRole('button', { name: 'Set as default' }).click();
    await this.idle();
  }

  /** Manages the phone's eSIMs, or the watch's. */
  async manage(device: 'This phone' | 'The watch'): Promise<void> {
    await this.page.getByRole('radio', { name: device }).check();
  }

  /** Shows one of the phone's apps. */
  async app(name: 'eSIM' | 'Calls' | 'SMS' | 'Web' | 'Settings'): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Apps of the phone' }).getByRole('button', { name, exact: true }).click();
  }

  /** Gives a profile a name; with an empty one it has the operator's again. */
  async rename(name: string, to: string): Promise<void> {
    await this.page.getByRole('button', { name: `Rename ${name}` }).click();
    await this.dialog.getByLabel('Name').fill(to);
    await this.dialog.getByRole('button', { name: 'Rename' }).click();
    if (to) await expect(this.switchOf(to)).toBeVisible();
    else await expect(this.switchOf(name)).toHaveCount(0);
    await this.idle();
  }
}

/** The messages between the parties. */
export class TraceView extends View {
  readonly name = 'trace';

  get messages(): Locator { return this.page.locator('.messages .message'); }
  get count(): Locator { return this.page.getByTestId('message-count'); }
  get detail(): Locator { return this.page.getByTestId('message-detail'); }
  get saved(): Locator { return this.page.getByTestId('saved-trace'); }
  get search(): Locator { return this.page.getByRole('searchbox', { name: 'Search messages' }); }

  /** Lines of a function, with its interface or without: `ES9+.AuthenticateClient`. Only those in sight are in
   *  the page: search first. */
  message(name: string): Locator {
    const [, of, own] = /^(?:(.*)\.)?(.*)$/.exec(name)!;
    // A pattern, as a text would not tell AUTHENTICATE from AuthenticateClient.
    const lines = this.messages.filter({ hasText: new RegExp(own!.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')) });
    return of ? lines.filter({ hasText: of }) : lines;
  }

  /** Searches; the first line of that function. */
  async find(name: string): Promise<Locator> {
    await this.search.fill(name);
    return this.message(name).first();
  }

  /** Opens the first message of a function. */
  async read(name: string): Promise<Locator> {
    await (await this.find(name)).getByRole('link').click();
    await expect(this.detail.getByRole('heading', { level: 3 })).toContainText(name.split('.').at(-1)!);
    return this.detail;
  }

  side(name: 'Request' | 'Response'): Locator { return this.detail.locator(`.side[data-side="${name}"]`); }
  fields(name: 'Request' | 'Response'): Locator { return this.side(name).getByRole('tree'); }
  field(name: 'Request' | 'Response', field: string | RegExp): Locator {
    return this.side(name).getByRole('treeitem').filter({ hasText: field });
  }

  async as(way: 'List' | 'Diagram'): Promise<void> {
    await this.page.getByRole('group', { name: 'Shown as' }).getByRole('button', { name: way }).click();
  }

  async choose(label: 'Party' | 'Interface' | 'Step', option: string): Promise<void> {
    await this.page.getByRole('combobox', { name: label, exact: true }).selectOption({ label: option });
  }

  /** How many messages are shown, by what the view says. */
  async shown(): Promise<number> {
    return Number.parseInt((await this.count.textContent())!, 10);
  }

  /** Saves the messages in one of the forms; the file. */
  async save(form: 'JSON' | 'Text' | 'HAR' | 'GSMTAP', options: { numbers?: boolean; shown?: boolean } = {}): Promise<Saved> {
    await this.page.getByRole('button', { name: 'Save…' }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByRole('radio', { name: new RegExp(`^${form}`) }).check();
    await dialog.getByRole('checkbox', { name: 'With real numbers' }).setChecked(options.numbers ?? false);
    await dialog.getByRole('checkbox', { name: 'Only the' }).setChecked(options.shown ?? false);
    return saved(this.page, () => dialog.getByRole('button', { name: 'Save', exact: true }).click());
  }

  /** Opens a saved trace. */
  async openFile(file: string | { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
    await this.page.getByLabel('A saved trace').setInputFiles(file);
  }
}

/** What the chip says of itself. */
export class ChipView extends View {
  readonly name = 'chip';

  get section(): Locator { return this.page.locator('section.chip'); }
  get eid(): Locator { return this.page.getByTestId('eid'); }

  get files(): Locator { return this.section.locator('.files .tree'); }
  /** A file of the tree, by its name. */
  file(name: string): Locator {
    return this.files.locator('details.file').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** Reads the files of the profile that is on. */
  async readFiles(): Promise<void> {
    await this.section.getByRole('button', { name: 'Read the files' }).click();
    await expect(this.section.getByText(/files and directories\.$/)).toBeVisible();
  }

  /** Puts a new chip in the place of the old one. */
  async replace(): Promise<void> {
    await this.page.getByRole('button', { name: 'New chip' }).click();
    await this.page.getByRole('button', { name: 'Replace' }).click();
  }
}

/** The network. */
export class NetworkView extends View {
  readonly name = 'network';

  get section(): Locator { return this.page.locator('section.network'); }
  get apnAsked(): Locator { return this.page.getByTestId('apn-asked'); }
  get apnGiven(): Locator { return this.page.getByTestId('apn-given'); }
  get decisions(): Locator { return this.page.locator('.decisions'); }
  /** What the network has written down of the session. */
  get log(): Locator { return this.section.getByRole('region', { name: 'The network’s own log' }); }
  get usage(): Locator { return this.page.getByTestId('usage'); }
  get audit(): Locator { return this.page.getByTestId('audit'); }
  get rules(): Locator { return this.page.getByTestId('policy-rules'); }
  /** What the network says to the document in the editor. */
  get said(): Locator { return this.page.getByTestId('policy-said'); }

  async resolve(name: string, record = 'AAAA'): Promise<Locator> {
    await this.section.getByLabel('Name the phone asks for').fill(name);
    await this.section.getByRole('combobox', { name: 'Record' }).selectOption(record);
    await this.section.getByRole('button', { name: 'Resolve' }).click();
    return this.page.getByTestId('resolved');
  }

  async press(name: string): Promise<void> {
    await this.section.getByRole('button', { name, exact: true }).click();
  }

  async attachWith(apn: string): Promise<void> {
    await this.page.getByLabel('APN the phone asks for').fill(apn);
    await this.page.getByRole('button', { name: 'Attach again' }).click();
  }
}

/** The operator's desk in the page. */
export class OperatorView extends View {
  readonly name = 'operator';

  get form(): Locator { return this.page.locator('form.order'); }
  get code(): Locator { return this.page.getByTestId('ordered-code'); }

  /** Orders a profile by the short form; its activation code as it is shown. */
  async order(name: string, options: { confirmation?: string; rules?: ('PPR1' | 'PPR2')[] } = {}): Promise<string> {
    await this.form.getByLabel('Profile name').fill(name);
    await this.form.getByLabel('Confirmation code').fill(options.confirmation ?? '');
    for (const rule of ['PPR1', 'PPR2'] as const) {
      await this.form.getByRole('checkbox', { name: rule }).setChecked(options.rules?.includes(rule) ?? false);
    }
    await this.form.getByRole('button', { name: 'Order', exact: true }).click();
    await expect(this.code).toHaveText(/^LPA:1\$|…/);
    return (await this.code.textContent())!;
  }
}

/** Faults, scenarios, commands by hand. */
export class BenchView extends View {
  readonly name = 'bench';

  get section(): Locator { return this.page.locator('section.bench'); }
  get verdict(): Locator { return this.page.getByTestId('scenario-verdict'); }
  get armed(): Locator { return this.page.getByTestId('armed').getByRole('listitem'); }
  /** The messages that wait for the person. */
  get held(): Locator { return this.page.getByTestId('held'); }
  get answers(): Locator { return this.page.getByTestId('apdu-answers').locator('> li'); }
  /** What is done to the card in the phone; its part is unfolded. */
  get card(): Locator { return this.section.getByRole('group', { name: 'The card in the phone' }); }

  /** Unfolds a part of the bench. */
  async part(name: 'scenarios' | 'faults' | 'hold' | 'apdu' | 'session'): Promise<Locator> {
    const part = this.section.locator(`details.part[data-part="${name}"]`);
    if (!(await part.evaluate((element: HTMLDetailsElement) => element.open))) await part.locator('> summary').click();
    return part;
  }

  /** Runs a scenario to its end. */
  async run(id: string): Promise<void> {
    const part = await this.part('scenarios');
    await part.locator(`[data-scenario="${id}"]`).click();
    await part.getByTestId('scenario-start').click();
    await expect(this.verdict.locator('.said')).toBeVisible({ timeout: 60_000 });
  }

  /** The names of the ready faults. */
  async ready(): Promise<string[]> {
    const part = await this.part('faults');
    return part.locator('[data-fault]').evaluateAll((items) => items.map((item) => (item as HTMLElement).dataset.fault!));
  }

  /** Arms a ready fault. */
  async arm(id: string): Promise<void> {
    const part = await this.part('faults');
    await part.locator(`[data-fault="${id}"]`).getByRole('button').click();
    await expect(this.armed.last()).toContainText('met 0, struck 0');
  }

  /** Takes all faults away, and puts the card back. */
  async clear(): Promise<void> {
    const part = await this.part('faults');
    await part.getByRole('button', { name: 'Take all faults away' }).click();
    await expect(this.armed).toHaveCount(0);
  }

  /** Gives the card its power back; the phone reads it again, and goes on with what was interrupted. */
  async reset(): Promise<void> {
    await this.part('faults');
    await this.card.getByRole('button', { name: 'Reset and read again' }).click();
  }

  /** Puts a new chip of a kind into the phone. */
  async putIn(kind: string): Promise<void> {
    await this.part('faults');
    await this.card.getByLabel('A new chip, made').selectOption({ label: kind });
    await this.card.getByRole('button', { name: 'Put it in' }).click();
    await this.card.getByRole('button', { name: 'Replace', exact: true }).click();
  }

  /** Holds the messages of a function. */
  async hold(name: string, way: 'request' | 'answer'): Promise<void> {
    const part = await this.part('hold');
    await part.getByLabel('Function').fill(name);
    await part.getByLabel('Way').selectOption(way);
    await part.getByRole('button', { name: 'Hold these' }).click();
    await expect(part.locator('.stops')).toContainText(name);
  }

  /** Sends commands by hand; returns when each has its answer. */
  async send(...commands: string[]): Promise<void> {
    const part = await this.part('apdu');
    const before = await this.answers.count();
    await part.getByTestId('apdu-lines').fill(commands.join('\n'));
    await part.getByRole('button', { name: 'Send', exact: true }).click();
    // What the card announces is fetched, and counts as well.
    await expect.poll(() => this.answers.count()).toBeGreaterThanOrEqual(before + commands.length);
  }

  /** Saves the session; the file. */
  async save(): Promise<Saved> {
    const part = await this.part('session');
    return saved(this.page, () => part.getByRole('button', { name: 'Save the session' }).click());
  }
}
