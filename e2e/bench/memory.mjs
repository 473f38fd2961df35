// node memory.mjs PORT: what a worker under workerd's inspector holds once everything that can be
// collected has been: JSON with `heap` (JavaScript's objects) and `wasm` (memories of WebAssembly), in bytes.
const [port] = process.argv.slice(2);
// A runtime that does not answer is an error, not a reason to wait for ever.
setTimeout(() => { throw new Error('the inspector does not answer'); }, 60_000).unref();
const [worker] = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
const inspector = new WebSocket(worker.webSocketDebuggerUrl);
await new Promise((opened, failed) => {
  inspector.onopen = opened;
  inspector.onerror = failed;
});

let number = 0;
let context;
const waiting = new Map();
inspector.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  // Workers have no default context: what is evaluated names it.
  if (message.method === 'Runtime.executionContextCreated') context = message.params.context.id;
  waiting.get(message.id)?.(message);
};
async function call(method, params = {}) {
  number += 1;
  const answered = new Promise((resolve) => waiting.set(number, resolve));
  inspector.send(JSON.stringify({ id: number, method, params }));
  const { result, error } = await answered;
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

await call('Runtime.enable');
await call('HeapProfiler.collectGarbage');
const { usedSize: heap } = await call('Runtime.getHeapUsage');
const memory = await call('Runtime.evaluate', { contextId: context, expression: 'WebAssembly.Memory.prototype' });
const { objects } = await call('Runtime.queryObjects', { prototypeObjectId: memory.result.objectId });
const sum = await call('Runtime.callFunctionOn', {
  objectId: objects.objectId,
  functionDeclaration: 'function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }',
  returnByValue: true,
});
console.log(JSON.stringify({ heap, wasm: sum.result.value }));
inspector.close();
