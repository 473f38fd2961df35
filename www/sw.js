// The service worker: without a network the page opens, and the chips in it are as they were.
// `cargo xtask build` fills in what belongs to this version.
//
//   /app/…, /chip/…                 named by content: from the cache, always
//   / and the other files           from the network, else from the cache
//   /gsma /network /operator /lab   the world outside: never touched here
const VERSION = '{{version}}';
const FILES = {{files}};
const PAGE = '/';
const HASHED = /^\/(app|chip)\//;
/** How long the network may take for the page before the one in the cache is shown, in milliseconds. */
const PATIENCE = 4000;

addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(`site-${VERSION}`);
    // What another version brought already need not come again.
    await Promise.all(FILES.map(async (path) => {
      const there = HASHED.test(path) && (await caches.match(path));
      const response = there || (await fetch(path, HASHED.test(path) ? {} : { cache: 'reload' }));
      if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
      await cache.put(path, response);
    }));
    // Between two versions the page may be of the next one already: then not yet.
    const page = await (await cache.match(PAGE)).text();
    if (!FILES.filter((path) => path.endsWith('/boot.js')).every((path) => page.includes(path))) {
      await caches.delete(`site-${VERSION}`);
      throw new Error('the page is of another version');
    }
  })());
});

addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    // A tab that is still open may need something more of the version before.
    const old = (await caches.keys()).filter((name) => name.startsWith('site-') && name !== `site-${VERSION}`);
    await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
  })());
});

// A page says of which files it is: one that is of this version already has nothing to wait
// for; another is told that there is something newer, and says when it is wanted.
addEventListener('message', ({ data, source }) => {
  const same = Array.isArray(data) && data.every((path) => FILES.includes(path));
  if (same || data === 'take over') skipWaiting();
  else source?.postMessage('newer');
});

addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (HASHED.test(pathname)) event.respondWith(kept(request));
  else if (pathname === PAGE || FILES.includes(pathname)) event.respondWith(fresh(request, pathname));
});

async function kept(request) {
  const there = await caches.match(request, { ignoreSearch: true });
  if (!there) return fetch(request);
  if (!new URL(request.url).search) return there;
  // Which chip a worker is stands behind its name: an answer with an address of its own would take that away.
  return new Response(there.body, { status: there.status, headers: there.headers });
}

async function fresh(request, pathname) {
  const cached = async () => (await caches.open(`site-${VERSION}`)).match(pathname);
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, PATIENCE); }).then(cached);
  const asked = fetch(request);
  try {
    const first = await Promise.race([asked, late]);
    // Nothing was kept, and the network is slow.
    const response = first ?? (await asked);
    if (response.status < 500) return response;
    return (await cached()) ?? response;
  } catch (error) {
    const page = await cached();
    if (page) return page;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
