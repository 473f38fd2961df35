// The page is served under the policy it promises, and starts under it.
import { expect, test } from './laboratory';

test('the page starts under the strict policy and breaks none of it', async ({ page }) => {
  const response = await page.goto('/');
  const policy = response!.headers()['content-security-policy'];
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).not.toContain('unsafe-inline');

  await expect(page.getByRole('heading').first()).toBeVisible();
});

test('nobody may frame the page', async ({ page, baseURL, watch }) => {
  watch.excuse(/frame-ancestors/);
  await page.setContent(`<iframe src="${baseURL}/"></iframe>`);
  const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
  await page.reload().catch(() => {});
  await page.setContent(`<iframe src="${baseURL}/"></iframe>`);
  await refused;
});
