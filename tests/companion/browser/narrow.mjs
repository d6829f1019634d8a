// Nothing is cut off on the narrowest phone with twice as large a text, in any language.
import { given, pair, scene } from "./stage.mjs";

/** The first thing that reaches over the edge of the screen. */
function beyond() {
  const edge = innerWidth + 1;
  const over = [...document.querySelectorAll("body *")].filter((one) => {
    const { right, width } = one.getBoundingClientRect();
    return width > 1 && right > edge;
  });
  const first = over.at(-1);
  return first && `${first.tagName} ${first.className} ${first.textContent.slice(0, 40)}`;
}

await scene(async (page) => {
  await pair(page);
  const wide = [];
  for (const language of given.languages) {
    await page.evaluate((chosen) => localStorage.setItem("healthslm language", chosen), language);
    await page.reload();
    await page.locator("#tabs a").first().waitFor();
    await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
    for (const view of ["now", "days", "ask", "more"]) {
      await page.evaluate((name) => { location.hash = `#${name}`; }, view);
      await page.waitForTimeout(700);
      const found = await page.evaluate(beyond);
      if (found) wide.push(`${language} ${view}: ${found}`);
    }
  }
  return { wide };
}, { viewport: { width: 320, height: 640 }, isMobile: false });
