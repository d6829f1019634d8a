// The phone as a radio: hears a wearable near it over Web Bluetooth, and hands its bytes to the box as they are.
// What they mean is decided there. While the box is out of reach they wait here, as long as the page is open.
import * as api from "./api.js";
import { packed } from "./key.js";

const SERVICES = { 0x180d: [0x2a37], 0x1822: [0x2a5f, 0x2a5e], 0x1810: [0x2a35], 0x1809: [0x2a1c] };
const EVERY_MS = 1000;
const AT_ONCE = 500; // as many as the box takes in one request
const MOST = 20000; // about five hours of a strap; then the oldest go
const LONGEST_MS = 30000;

/** Fires "change" whenever something of `ears` changed. */
export const radio = new EventTarget();

/** The wearables that are listened to, each with how it stands: "connecting", "connected" or "lost". */
export const ears = [];

export const canHear = () => "bluetooth" in navigator;

const followed = new WeakSet();

/** Lets the person choose a wearable, and listens to it until `stop`. Does nothing where none is chosen. */
export async function listen() {
  let device;
  try {
    const filters = Object.keys(SERVICES).map((one) => ({ services: [Number(one)] }));
    device = await navigator.bluetooth.requestDevice({ filters });
  } catch (error) {
    if (error.name === "NotFoundError") return; // nobody chose one
    throw error;
  }
  if (ears.some((one) => one.device.id === device.id)) return;
  const ear = { device, state: "connecting", waiting: [], taken: 0, lost: 0, problem: "", open: true, wait: EVERY_MS };
  ears.push(ear);
  device.addEventListener("gattserverdisconnected", () => again(ear));
  changed();
  await connect(ear);
}

export function stop(ear) {
  ear.open = false;
  ear.device.gatt.disconnect();
  ears.splice(ears.indexOf(ear), 1);
  changed();
}

async function connect(ear) {
  try {
    const server = await ear.device.gatt.connect();
    for (const service of await server.getPrimaryServices()) await subscribe(ear, service);
    ear.wait = EVERY_MS;
    stand(ear, "connected");
  } catch {
    again(ear);
  }
}

async function subscribe(ear, service) {
  const known = SERVICES[parseInt(service.uuid.slice(0, 8), 16)] || [];
  for (const one of await service.getCharacteristics()) {
    const number = parseInt(one.uuid.slice(0, 8), 16);
    if (!known.includes(number)) continue;
    const characteristic = number.toString(16).toUpperCase().padStart(4, "0");
    // Some browsers give the same object again after a link was lost: twice heard would be twice sent.
    if (!followed.has(one)) one.addEventListener("characteristicvaluechanged", ({ target }) => heard(ear, characteristic, target.value));
    followed.add(one);
    await one.startNotifications();
  }
}

function again(ear) {
  if (!ear.open || ear.state === "lost") return;
  stand(ear, "lost");
  setTimeout(() => {
    if (!ear.open) return;
    ear.state = "connecting";
    connect(ear);
  }, ear.wait);
  ear.wait = Math.min(2 * ear.wait, LONGEST_MS);
}

function heard(ear, characteristic, view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  ear.waiting.push({ at: new Date().toISOString(), characteristic, value: packed(bytes) });
  if (ear.waiting.length > MOST) {
    ear.waiting.shift();
    ear.lost += 1;
  }
}

/** Sends what waits. What does not get through goes on waiting, and why is kept to be shown. */
async function send(ear) {
  const some = ear.waiting.slice(0, AT_ONCE);
  if (!some.length) return;
  const { id, name } = ear.device;
  try {
    const told = await api.post("/api/v1/radio", { sent: new Date().toISOString(), device: id, name: name || "", heard: some });
    ear.waiting.splice(0, some.length);
    ear.taken += told.taken;
    ear.problem = told.refused[0] || "";
  } catch (error) {
    ear.problem = error.message;
  }
  changed();
}

function stand(ear, state) {
  ear.state = state;
  changed();
}

const changed = () => radio.dispatchEvent(new Event("change"));

let sending;
setInterval(() => {
  sending ||= Promise.all(ears.map(send)).finally(() => { sending = undefined; });
}, EVERY_MS);
