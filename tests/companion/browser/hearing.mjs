// The phone hears a strap, also after it was gone for a moment; the wearer sets quiet hours and takes back a phone.
import { hand, open, pair, scene } from "./stage.mjs";

// What a browser with Bluetooth has, as far as the page asks for it: a strap that sends a heart rate of 72.
function standIn() {
  const measurement = new EventTarget();
  Object.assign(measurement, { uuid: "00002a37-0000-1000-8000-00805f9b34fb", startNotifications: async () => {} });
  const service = { uuid: "0000180d-0000-1000-8000-00805f9b34fb", getCharacteristics: async () => [measurement] };
  const device = new EventTarget();
  let connected = 0;
  const server = { getPrimaryServices: async () => [service] };
  const gatt = { connect: async () => { connected += 1; return server; }, disconnect: () => {} };
  Object.assign(device, { id: "abc123==", name: "Strap", gatt });
  const beat = () => {
    measurement.value = new DataView(new Uint8Array([0, 72]).buffer);
    measurement.dispatchEvent(new Event("characteristicvaluechanged"));
  };
  Object.defineProperty(navigator, "bluetooth", { value: {
    requestDevice: async (asked) => { window.asked = asked; setInterval(beat, 200); return device; },
  } });
  window.strap = { drop: () => device.dispatchEvent(new Event("gattserverdisconnected")), connects: () => connected };
}

await scene(async (page, context) => {
  await context.addInitScript(standIn);
  const { client } = await pair(page);
  await open(page, "more");
  await page.getByRole("button", { name: "Listen to a wearable" }).click();
  const card = page.locator("li", { hasText: "values handed on" });
  await card.getByText(/[1-9]\d* values handed on/).waitFor();
  await page.evaluate(() => window.strap.drop());
  await page.waitForFunction(() => window.strap.connects() === 2);
  const asked = await page.evaluate(() => window.asked.filters.length);
  await hand("gone");
  await card.getByText(/not at work/).waitFor();
  await hand("back");
  await card.getByText(/not at work/).waitFor({ state: "detached" }).catch(() => {});
  await page.waitForTimeout(2500);
  const waits = await card.innerText();
  await card.getByRole("button", { name: "Stop listening" }).click();
  const left = await card.count();

  const [from, to] = await page.locator('input[type="time"]').all();
  await from.fill("22:15");
  await to.fill("06:45");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await page.getByRole("button", { name: "No quiet hours" }).waitFor();
  page.on("dialog", (dialog) => dialog.accept());
  const others = page.getByRole("button", { name: "Take back" });
  const before = await others.count();
  await page.locator("li", { hasText: "somebody else's phone" }).getByRole("button", { name: "Take back" }).click();
  await page.waitForFunction((count) => [...document.querySelectorAll("button")].filter((one) => one.textContent === "Take back").length < count, before);
  return { asked, waits, left, client, took: before - (await others.count()) };
});
