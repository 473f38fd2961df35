// The page is served under the policy it promises, and starts under it.
import { expect, test } from '@playwright/test';

test('the page starts under the strict policy and breaks none of it', async ({ page }) => {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));

  const response = await page.goto('/');
  const policy = response!.headers()['content-security-policy'];
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).not.toContain('unsafe-inline');

  await expect(page.getByRole('heading').first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test('nobody may frame the page', async ({ page, baseURL }) => {
  await page.setContent(`<iframe src="${baseURL}/"></iframe>`);
  const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
  await page.reload().catch(() => {});
  await page.setContent(`<iframe src="${baseURL}/"></iframe>`);
  await refused;
});
