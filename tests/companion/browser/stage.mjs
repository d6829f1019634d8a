// What every scene has: a browser of its own, a page at phone size, and what went wrong in it.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const PHONE = { width: 390, height: 844 };

/** What pytest gave: `{base, chromium, secret, ...}`. */
export const given = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Tells pytest how far the scene is, and waits until it did its part. */
export async function hand(step, told = {}) {
  console.log(JSON.stringify({ step, ...told }));
  const { value } = await lines.next();
  return JSON.parse(value);
}

/** Plays a scene: `play(page, context)` returns what pytest is to look at. */
export async function scene(play, { scheme = "light", viewport = PHONE, locale = "en-GB", ...more } = {}) {
  const browser = await chromium.launch({
    executablePath: given.chromium,
    // The worker is refused over a certificate that the browser does not know; a phone knows it by then.
    args: ["--ignore-certificate-errors", "--no-sandbox", "--disable-dev-shm-usage"],
  });
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, viewport, deviceScaleFactor: 2, hasTouch: true, isMobile: true,
    colorScheme: scheme, locale, timezoneId: "America/New_York", ...more,
  });
  const wrong = [];
  const elsewhere = [];
  context.on("console", (message) => {
    if (!["error", "warning"].includes(message.type()) || given.expected?.some((one) => message.text().includes(one))) return;
    wrong.push(`${message.text()} ${message.location().url}`);
  });
  context.on("weberror", (error) => wrong.push(String(error.error())));
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(given.base) && !/^(blob|data):/.test(url)) elsewhere.push(url);
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20000);
    const told = await play(page, context);
    console.log(JSON.stringify({ step: "end", wrong, elsewhere, ...told }));
  } catch (error) {
    console.log(JSON.stringify({ step: "failed", error: String(error.stack || error), wrong }));
  } finally {
    await browser.close();
    process.exit(0);
  }
}

/** Pairs the page's browser, and waits until it is signed in. Returns the digits that were shown. */
export async function pair(page, secret = given.secret) {
  await page.goto(`${given.base}/pair#${secret}`);
  await page.locator("form button.main").click();
  const digits = await page.locator(".digits").getAttribute("data-digits");
  const answer = await hand("digits", { digits });
  await page.locator("#tabs a").first().waitFor();
  return { digits, ...answer };
}

export const tabs = (page) => page.locator("#tabs a span").allTextContents();

/** Opens a view as a tap on its tab does. */
export async function open(page, view) {
  await page.locator(`#tabs a[href="#${view}"]`).click();
  await page.locator(`main[data-view="${view}"]`).waitFor();
}
