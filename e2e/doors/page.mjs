// A page's half of the bridge's protocol (docs/card-bridge.md), for its tests: a WebSocket that
// says where it comes from, as a browser would.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

export const ORIGIN = 'http://127.0.0.1:8787';
export const SUBPROTOCOL = 'card-bridge.v1';

/** The program on a port that is free, and what it says on its terminal. */
export async function bridge(program, ...options) {
  const child = spawn(program, ['--listen', '127.0.0.1:0', ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  const waiting = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const check of [...waiting]) check();
  });
  /** The first line that is there, or comes, and was not taken yet. */
  const line = (pattern) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${pattern} in: ${lines.join(' | ')}`)), 20_000);
      const check = () => {
        const at = lines.findIndex((line) => pattern.test(line));
        if (at < 0) return;
        clearTimeout(late);
        waiting.splice(waiting.indexOf(check), 1);
        resolve(pattern.exec(lines.splice(at, 1)[0]));
      };
      waiting.push(check);
      check();
    });
  const [, url, port] = await line(/^listening: (ws:\/\/127\.0\.0\.1:(\d+)\/)$/);
  return {
    url,
    port,
    line,
    /** The code on the terminal. */
    code: async () => (await line(/^code: (\d{4} \d{4}) /))[1],
    /** Enter in the terminal. */
    enter: () => child.stdin.write('\n'),
    stop: () =>
      new Promise((resolve) => {
        child.on('exit', (code) => resolve(code));
        child.kill('SIGTERM');
      }),
  };
}

/** A page at the bridge. */
export async function page(url, { origin = ORIGIN, host, protocols = [SUBPROTOCOL] } = {}) {
  const headers = host ? { host } : {};
  const socket = new WebSocket(url, protocols, { origin, headers, handshakeTimeout: 10_000 });
  const told = [];
  const waiting = [];
  let number = 0;
  const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
  socket.on('message', (data, isBinary) => {
    assert.ok(!isBinary);
    const tell = JSON.parse(data.toString());
    // Only the last list of the readers says how they are.
    const isList = (told) => told.tell === 'readers' && told.id === undefined;
    const before = isList(tell) ? told.findIndex(isList) : -1;
    if (before >= 0) told.splice(before, 1);
    told.push(tell);
    for (const check of [...waiting]) check();
  });
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.on('error', reject);
  });
  /** The first thing that is told, or was, and fits. */
  const hears = (what, fits) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${what} in ${JSON.stringify(told)}`)), 30_000);
      const check = () => {
        const at = told.findIndex(fits);
        if (at < 0) return;
        clearTimeout(late);
        waiting.splice(waiting.indexOf(check), 1);
        resolve(told.splice(at, 1)[0]);
      };
      waiting.push(check);
      check();
    });
  const ask = (question, values = {}) => {
    number += 1;
    const id = number;
    socket.send(JSON.stringify({ id, ask: question, ...values }));
    return hears(`answer to ${question}`, (tell) => tell.id === id);
  };
  return { socket, closed, ask, told: (tell, fits = () => true) => hears(tell, (told) => told.tell === tell && told.id === undefined && fits(told)) };
}
