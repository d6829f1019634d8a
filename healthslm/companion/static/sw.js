// Keeps the page itself, so that it opens without the box. What the box tells (/api) never passes through here.
// The box puts `SHELL` before these lines: the page's files, and a mark that changes when one of them does.

const CACHE = `healthslm ${SHELL.version}`;

self.addEventListener("install", (event) => {
  const all = caches.open(CACHE).then((cache) =>
    cache.addAll(SHELL.files.map((file) => new Request(file, { cache: "no-cache" }))),
  );
  event.waitUntil(all.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) =>
    Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))),
  );
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  const view = request.mode === "navigate" && (pathname === "/" || pathname === "/pair");
  if (!view && !SHELL.files.includes(pathname)) return;
  event.respondWith(
    caches.open(CACHE).then(async (cache) => (await cache.match(view ? "/" : pathname)) || fetch(request)),
  );
});
