// The PC/SC stack of a desktop: pcscd with a virtual reader, and the bridge in front of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect } from '@playwright/test';

const { EUICC_PROGRAM, CARD_BRIDGE } = process.env;

// pcscd has a socket of its own here; its virtual reader and the bridge are on this machine's loopback.
// What other programs do, stands in lines on standard input.
const SCRIPT = `
set -eu
mkdir -p /run/pcscd
mount -t tmpfs none /run/pcscd
start() {
  pcscd --foreground >>pcscd.log 2>&1 & reader=$!
  for _ in $(seq 100); do test -S /run/pcscd/pcscd.comm && break; sleep 0.1; done
}
finish() {
  kill $reader
  wait $reader || true
  rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid
}
trap 'kill $reader 2>/dev/null || true' EXIT
start
"$@" & bridge=$!
# Until the story is over.
while read -r line; do eval "$line" || true; done
kill $bridge 2>/dev/null || true
`;

export class Desktop {
  private readonly program: ChildProcess;
  private readonly lines: string[] = [];

  /** In a folder of its own, for pages of an origin. */
  constructor(private readonly folder: string, origin: string, ...options: string[]) {
    const bridge = [CARD_BRIDGE!, '--listen', '127.0.0.1:0', '--origin', origin, ...options];
    this.program = spawn('unshare', ['-m', 'sh', '-c', SCRIPT, 'sh', ...bridge], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.program.stdout! }).on('line', (line) => this.lines.push(line));
  }

  /** What a line of the bridge's terminal says. */
  async says(pattern: RegExp): Promise<string> {
    const found = () => this.lines.map((line) => pattern.exec(line)?.[1]).find((part) => part !== undefined);
    await expect.poll(found, { message: `${pattern} on the bridge's terminal` }).toBeTruthy();
    return found()!;
  }

  /** Another program of the desktop: what it says goes where the bridge's lines go. */
  run(command: string): void {
    this.program.stdin!.write(`${command}\n`);
  }

  /** Puts a card into the virtual reader; returns how it is pulled out. */
  insert(options: string[]): () => Promise<void> {
    const card = spawn(EUICC_PROGRAM!, ['vpcd', ...options], { cwd: this.folder, stdio: 'ignore' });
    return () => new Promise((resolve) => {
      // It may have ended with the service.
      if (card.exitCode !== null || card.signalCode !== null) return resolve();
      card.once('exit', () => resolve());
      card.kill('SIGKILL');
    });
  }

  /** The smart card service is ended. */
  async endService(): Promise<void> {
    this.run('finish; echo service: ended');
    await this.says(/^(service: ended)$/);
  }

  /** There is a smart card service again. */
  startService(): void {
    this.run('start');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => { this.program.once('exit', resolve); });
    this.program.stdin!.end();
    await ended;
  }
}
