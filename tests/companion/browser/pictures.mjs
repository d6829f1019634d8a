// Pictures of what each role sees.
import { given, hand, open, pair, scene } from "./stage.mjs";

const { folder, scheme, language } = given;

await scene(async (page) => {
  page.setDefaultTimeout(60000);
  const shot = (name, more = {}) => page.screenshot({ path: `${folder}/${name}-${scheme}.png`, ...more });
  await page.addInitScript((chosen) => localStorage.setItem("healthslm language", chosen), language);
  await page.goto(`${given.base}/pair#${given.secret}`);
  await page.locator("details.trust summary").click();
  await page.waitForTimeout(300);
  await shot("trust", { fullPage: true });
  await pair(page);
  const links = await page.locator("#tabs a").evaluateAll((all) => all.map((one) => one.getAttribute("href").slice(1)));
  const role = links.includes("ask") ? "" : `${links[0] === "now" ? "carer" : "clinician"}-`;
  for (const view of links) {
    await open(page, view);
    if (view === "days") await page.locator(".chart").first().waitFor();
    await page.waitForTimeout(2500);
    const whole = view === "more";
    // In a picture that is longer than the screen the bar would lie across the middle.
    await page.locator("#tabs").evaluate((bar, away) => { bar.hidden = away; }, whole);
    await shot(`${role}${view}`, { fullPage: whole });
    await page.locator("#tabs").evaluate((bar) => { bar.hidden = false; });
  }
  if (role) return {};
  await open(page, "days");
  await page.locator(".summary .number").nth(3).waitFor();
  await page.getByRole("button").nth(0).click(); // the day before, which has none
  await page.locator(".chart").first().waitFor();
  await page.waitForTimeout(2500);
  await page.evaluate(() => scrollTo(0, 390));
  await page.waitForTimeout(300);
  await shot("yesterday");
  await page.evaluate(() => { location.hash = "#days"; });
  await page.locator(".summary .number").nth(3).waitFor();
  await page.waitForTimeout(800);
  await page.locator(".summary .number").nth(3).click();
  await page.waitForTimeout(900);
  await shot("evidence");
  await page.keyboard.press("Escape");
  for (const length of ["day", "week", "month", "year"]) {
    await page.locator(`.panel input[value="${length}"]`).click();
    await page.locator(".panel .choices").evaluate((one) => one.scrollIntoView());
    await page.waitForTimeout(3000);
    if (length === "day") {
      const { x, y, width, height } = await page.locator(".chart canvas").nth(1).boundingBox();
      await page.mouse.click(x + width * 0.6, y + height / 2);
      await page.waitForTimeout(200);
    }
    await shot(`charts-${length}`);
  }
  await open(page, "more");
  await page.locator(".adding > button").click();
  await page.locator("li.found").first().waitFor();
  await page.locator(".adding").evaluate((one) => one.scrollIntoView());
  await page.waitForTimeout(300);
  await shot("adding");
  await open(page, "ask");
  for (const [name, text] of [["answer", "What was my lowest oxygen saturation today?"], ["loud", "I can't breathe and my chest hurts"]]) {
    await page.locator("textarea").fill(text);
    await page.locator("form button.main").click();
    await page.locator(".answer > p[lang], .loud").first().waitFor();
    await page.waitForTimeout(1200);
    await shot(name);
  }
  await page.locator('input[value="note"]').click();
  await page.locator("textarea").fill("Dizzy since lunch");
  await page.locator("form button.main").click();
  await page.locator("article.alert").waitFor();
  await shot("note");
  await open(page, "now");
  const locked = page.waitForResponse((answer) => answer.status() === 423, { timeout: 60000 });
  for (const [name, known] of [["locked", locked], ["away", null]]) {
    await hand(name);
    await known;
    await page.locator(".banner.away").waitFor({ timeout: 60000 });
    await page.waitForTimeout(300);
    await shot(name);
    await hand("back");
    await page.locator(".banner.away").waitFor({ state: "detached", timeout: 60000 });
  }
  return {};
}, { scheme, deviceScaleFactor: 1.5 });
