// The stories: one person, one browser, everything running. `cargo xtask test` starts the
// stack and says where it is; without it, `BASE_URL` names a running `cargo xtask dev`.
import { defineConfig } from '@playwright/test';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

export default defineConfig({
  testDir: 'stories',
  outputDir: 'test-results',
  // One stack, one memory: the stories are told one after another.
  workers: 1,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  // A machine of CI may be slow for a moment: what passes at a second try is told by name at the end of
  // the run (`cargo xtask test`), and is a fault all the same.
  retries: process.env.CI ? 1 : 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env.BASE_URL ?? 'http://127.0.0.1:8787',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    video: 'off',
    // What a service worker answers no story can change on its way; those that are about it allow it.
    serviceWorkers: 'block',
  },
  projects: [
    {
      name: 'chromium',
      use: {
        browserName: 'chromium',
        launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args },
      },
    },
    // The stories that matter most, in a second engine where there is one.
    ...(process.env.FIREFOX
      ? [{
          name: 'firefox',
          grep: /@core/,
          use: {
            browserName: 'firefox' as const,
            channel: 'moz-firefox',
            launchOptions: { executablePath: process.env.FIREFOX },
          },
        }]
      : []),
  ],
});
