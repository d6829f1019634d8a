// How heavy the first view is, and how soon something is to be seen, on a processor four times as slow.
import { given, pair, scene } from "./stage.mjs";

await scene(async (page, context) => {
  await pair(page);
  await page.locator(".vital").first().waitFor();
  await page.waitForTimeout(500);
  const tools = await context.newCDPSession(page);
  await tools.send("Network.enable");
  await tools.send("Network.setCacheDisabled", { cacheDisabled: true });
  await tools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  const sizes = new Map();
  const paths = new Map();
  tools.on("Network.responseReceived", ({ requestId, response }) => paths.set(requestId, response.url));
  tools.on("Network.dataReceived", ({ requestId, encodedDataLength }) =>
    sizes.set(requestId, (sizes.get(requestId) || 0) + encodedDataLength));
  tools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength));
  const times = [];
  let bytes = 0;
  for (let n = 0; n < given.times; n += 1) {
    sizes.clear();
    await page.goto("about:blank");
    await page.goto(`${given.base}/`);
    await page.locator(".vital").first().waitFor();
    times.push(await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
      content: performance.getEntriesByName("content")[0]?.startTime,
    })));
    await page.waitForTimeout(800);
    bytes = [...sizes.values()].reduce((sum, one) => sum + one, 0);
  }
  const files = [...paths].map(([id, url]) => [new URL(url).pathname, sizes.get(id)]).filter(([, size]) => size);
  return { bytes, times, files };
}, { serviceWorkers: "block" });
