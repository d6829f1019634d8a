// The phone's own key: made here, kept by the browser, never readable by a script. What it signs is a session.
import * as kept from "./kept.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNED = new TextEncoder().encode("healthslm session 1 ");
const PAIRING = new TextEncoder().encode("healthslm pairing 1");

export function packed(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function unpacked(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

/** Makes a key that cannot be taken out of this browser; the public half, as the box wants it, beside it. */
export async function make() {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
  const point = await crypto.subtle.exportKey("raw", pair.publicKey);
  return { private: pair.privateKey, public: packed(point) };
}

/** Signs a challenge with the key that was kept at pairing. */
export async function signature(challenge) {
  const key = await kept.get("key");
  const message = joined(SIGNED, new TextEncoder().encode(challenge));
  return packed(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.private, message));
}

/** The six digits, worked out here as the box does (pairing.code): what the box told is not taken for it. */
export async function code(secret, key, nonce) {
  const whole = joined(PAIRING, unpacked(secret), unpacked(key), unpacked(nonce));
  const digest = new DataView(await crypto.subtle.digest("SHA-256", whole));
  return String(digest.getBigUint64(0) % 1000000n).padStart(6, "0");
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
