// Whether the PC/SC stack can be started here for a test.
import { spawnSync } from 'node:child_process';

/** Why it can't be tried here; nothing if it can. */
export function missing() {
  if (process.getuid?.() !== 0) return 'not root: pcscd needs namespaces of its own';
  const there = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
  for (const command of ['pcscd', 'scriptor', 'unshare', 'ip']) {
    if (!there(command)) return `${command} is not present (Debian: apt-get install pcscd vsmartcard-vpcd pcsc-tools iproute2)`;
  }
  if (spawnSync('sh', ['-c', 'ls /usr/lib/*/libifdvpcd.so* /usr/lib/pcsc/drivers/serial/libifdvpcd.so*']).stdout.length === 0) {
    return 'vpcd is not present (Debian: apt-get install vsmartcard-vpcd)';
  }
  if (spawnSync('unshare', ['-n', '-m', 'true']).status !== 0) return 'this machine gives no namespaces';
  return false;
}
