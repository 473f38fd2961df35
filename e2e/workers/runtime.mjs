// The services' workers in their runtime, as `cargo xtask build` made them, with the variables
// of a laboratory that `cargo xtask test` hands over.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { createTestHarness } from 'wrangler';

/** Variables of the laboratory by the worker's name. */
export const laboratory = JSON.parse(process.env.LABORATORY ?? 'null');
assert.ok(laboratory, 'there is no laboratory: run `cargo xtask test --only workers`');

/**
 * Starts workers, each with its own wrangler.jsonc, but for where it lies and what it is told:
 * the laboratory's variables, and `more` by the worker's name. `change` sees each configuration.
 * `played` are workers beside them, by name: their `script` and the `services` that they bind.
 */
export async function start(names, more = {}, change = () => {}, played = {}) {
  const root = mkdtempSync(join(tmpdir(), 'workers-test-'));
  const workers = names.map((name) => {
    const member = resolve(import.meta.dirname, '../..', name);
    const text = readFileSync(join(member, 'wrangler.jsonc'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
    const configuration = JSON.parse(text);
    configuration.main = join(member, configuration.main);
    if (configuration.assets) configuration.assets.directory = join(member, configuration.assets.directory);
    Object.assign(configuration.vars, laboratory[name], more[name]);
    change(configuration);
    // What is not started is not bound.
    const started = ({ service }) => names.includes(service) || service in played;
    configuration.services = configuration.services?.filter(started);
    const configPath = join(root, name, 'wrangler.json');
    mkdirSync(join(root, name));
    writeFileSync(configPath, JSON.stringify(configuration), { mode: 0o600 });
    return { configPath };
  });
  for (const [name, { script, services = [] }] of Object.entries(played)) {
    const folder = join(root, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'index.js'), script);
    const configuration = { name, main: join(folder, 'index.js'), compatibility_date: '2026-11-01', services };
    writeFileSync(join(folder, 'wrangler.json'), JSON.stringify(configuration));
    workers.push({ configPath: join(folder, 'wrangler.json') });
  }
  const server = createTestHarness({ root, workers });
  try {
    await server.listen();
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
  return {
    /**
     * A request to a worker; `body` that is no string is sent as JSON, `cf` is what the platform
     * says of the connection.
     */
    async ask(name, method, path, { token, body, headers = {}, host = name, cf } = {}) {
      const response = await server.getWorker(name).fetch(`https://${host}${path}`, {
        method,
        ...(cf === undefined ? {} : { cf }),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: body === undefined || typeof body === 'string' || body instanceof ReadableStream ? body : JSON.stringify(body),
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      });
      const text = await response.text();
      const json = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
    },
    /** Ends every running object of a class; what they know afterwards they have from their storage. */
    async evict(name, binding) {
      const worker = server.getWorker(name);
      const ids = await worker.listDurableObjectIds(binding);
      assert.notEqual(ids.length, 0, `${name} has objects behind ${binding}`);
      for (const id of ids) {
        try {
          await worker.evictDurableObject(binding, { id });
        } catch (error) {
          // One at rest has been ended by the runtime itself.
          if (!/not currently running/.test(error.message)) throw error;
        }
      }
    },
    /** Starts the runtime of the same workers again over the same storage. */
    async restart() {
      await server.update((options) => ({ ...options }));
    },
    async close() {
      await server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/**
 * Starts one worker whose requests go out into the network as they are, which those of `start` do not: there
 * a program stands in between. `said` is every line that the worker writes to its log.
 */
export async function startOutgoing(name, more = {}) {
  const member = resolve(import.meta.dirname, '../..', name);
  const text = readFileSync(join(member, 'wrangler.jsonc'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  const { compatibility_date: compatibilityDate, vars, durable_objects: { bindings } } = JSON.parse(text);
  const build = join(member, 'build');
  const said = [];
  const server = new Miniflare(convertV4MiniflareOptions({
    name,
    modulesRoot: build,
    modules: [
      { type: 'ESModule', path: join(build, 'index.js') },
      { type: 'CompiledWasm', path: join(build, 'index_bg.wasm') },
    ],
    compatibilityDate,
    bindings: { ...vars, ...laboratory[name], ...more },
    durableObjects: Object.fromEntries(
      bindings.map(({ name: binding, class_name: className }) => [binding, { className, useSQLite: true }]),
    ),
    handleStructuredLogs: ({ message }) => said.push(message),
  }));
  await server.ready;
  return {
    said,
    ask: async (path, init) => {
      const response = await server.dispatchFetch(`https://${name}${path}`, init);
      const body = await response.text();
      const json = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, body: json ? JSON.parse(body) : body };
    },
    close: () => server.dispose(),
  };
}

/** A data object in DER: tag and contents in hexadecimal; lengths up to 65,535. */
export function tlv(tag, ...contents) {
  const bytes = Buffer.concat(contents.map((part) => Buffer.from(part, 'hex')));
  assert.ok(bytes.length < 65536);
  const long = bytes.length < 256 ? [0x81, bytes.length] : [0x82, bytes.length >> 8, bytes.length & 255];
  const length = Buffer.from(bytes.length < 128 ? [bytes.length] : long);
  return Buffer.concat([Buffer.from(tag, 'hex'), length, bytes]).toString('hex');
}

export const base64 = (hex) => Buffer.from(hex, 'hex').toString('base64');

/** EUICCInfo1 (SGP.22 §4.3) of a chip of version 2.2.2 that trusts one CI. */
export const euiccInfo1 = (ci) =>
  tlv('bf20', tlv('82', '020202'), tlv('a9', tlv('04', ci)), tlv('aa', tlv('04', ci)));

/** What an LPA sends first. */
export const initiate = (ci, smdpAddress = laboratory['edge-smdp'].SMDP_ADDRESSES) => ({
  smdpAddress,
  euiccChallenge: base64('00112233445566778899aabbccddeeff'),
  euiccInfo1: base64(euiccInfo1(ci)),
});

/** That an answer is the standard's refusal with these codes (SGP.22 §5.2.6). */
export function refusedWith({ status, body }, subjectCode, reasonCode) {
  assert.equal(status, 200);
  const execution = body.header.functionExecutionStatus;
  assert.equal(execution.status, 'Failed');
  const { subjectCode: subject, reasonCode: reason } = execution.statusCodeData;
  assert.deepEqual([subject, reason], [subjectCode, reasonCode]);
}

/** That an answer is the standard's success. */
export function executed({ status, body }) {
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.header.functionExecutionStatus.status, 'Executed-Success', JSON.stringify(body));
  return body;
}
