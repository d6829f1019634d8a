// Puts the page on the phone, so that it opens without the box. Needs that the phone trusts the box's authority.

const WORKER = "/sw.js";

/** Registers the service worker; where the browser refuses, the page works all the same while at home. */
export async function install() {
  if (!("serviceWorker" in navigator)) return;
  // The content security policy takes no plain string for a script's address: this is the only one.
  const policy = self.trustedTypes?.createPolicy("healthslm-worker", {
    createScriptURL: (url) => {
      if (url !== WORKER) throw new TypeError(`${url} is not the page's worker.`);
      return url;
    },
  });
  try {
    await navigator.serviceWorker.register(policy ? policy.createScriptURL(WORKER) : WORKER);
  } catch {
    // Safari and Chrome refuse over a certificate that they do not trust. The view of pairing tells how to.
  }
}
