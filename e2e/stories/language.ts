// What of a page is not in Japanese.
import type { Page } from '@playwright/test';

/** Names, and words of the standards that Japanese uses as they are. */
const NAMES = new Set([
  // Companies, programs, formats.
  'Apache', 'Wireshark', 'Chromium', 'Firefox', 'Java', 'Milenage', 'Tuak', 'English', 'Postman', 'curl', 'pySim', 'lpac', 'vpcd',
  // The laboratory's profiles and operators.
  'Bootstrap', 'Setup', 'Story', 'Mobile', 'Views', 'Travel',
  // Words of the standards.
  'eSIM', 'eUICC', 'ms', 'internet', 'provisioning',
]);

/** Where the standards' own names, addresses, digits and bytes stand. */
const ELSEWHERE = [
  'code', 'pre', 'kbd', 'samp', 'small', 'bdi', 'script', 'style', 'option[lang="en"]', '[lang="en"]', '.digits', '.dump', '.tree',
  // The network's own log is as the network wrote it.
  '.log .what',
  '.function', '.detail-head h3', '.http', '.reference', '.result', '.aid', '.path', 'input', 'textarea', 'iframe',
];

/** The texts with Latin words that are neither names nor terms: not translated. */
export async function untranslated(page: Page): Promise<string[]> {
  const texts = await page.evaluate((elsewhere) => {
    const found: string[] = [];
    const skipped = elsewhere.join(',');
    // The text beside a node where nothing but a possible break of the line stands between.
    const beside = (node: Node, way: 'previousSibling' | 'nextSibling'): Node | null => {
      let breaks = false;
      for (let other = node[way]; other; other = other[way]) {
        if (other.nodeName === 'WBR') breaks = true;
        else if (other.nodeType === Node.TEXT_NODE) return breaks ? other : null;
        else if (other.nodeType !== Node.COMMENT_NODE) return null;
      }
      return null;
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const element = node.parentElement!;
      if (element.closest(skipped) || !element.checkVisibility() || beside(node, 'previousSibling')) continue;
      let text = '';
      for (let part: Node | null = node; part; part = beside(part, 'nextSibling')) text += part.textContent;
      found.push(text.trim());
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
      if (element.closest('.function, .tree, .dump, .detail-head h3') || !element.checkVisibility()) continue;
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(element.getAttribute(name)?.trim() ?? '');
    }
    return found.filter((text) => text !== '');
  }, ELSEWHERE);
  const wrong = texts.filter((text) => {
    // Addresses, names of functions, abbreviations, numbers with a letter are the same in every language.
    const words = text
      .replaceAll(/https?:\S+/g, ' ')
      .replaceAll(/[0-9a-f…]*(:[0-9a-f]*){2,}/gi, ' ')
      .replaceAll(/[\w+%-]+([.:/@$][\w+%-]+)+/g, ' ')
      .match(/[A-Za-z][A-Za-z’'+-]*/g) ?? [];
    return words.some((word) => /^[A-Z]?[a-z’']{2,}$/.test(word) && !NAMES.has(word));
  });
  return [...new Set(wrong)];
}
