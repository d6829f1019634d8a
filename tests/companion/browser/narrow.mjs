// Nothing is cut off on the narrowest phone with twice as large a text, in any language.
import { given, open, pair, scene } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  const wide = [];
  for (const language of given.languages) {
    await page.evaluate((chosen) => localStorage.setItem("healthslm language", chosen), language);
    await page.reload();
    await page.locator("#tabs a").first().waitFor();
    await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
    for (const view of ["now", "days", "ask", "more"]) {
      await open(page, view);
      await page.waitForTimeout(700);
      const sizes = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      if (sizes[0] > sizes[1]) wide.push(`${language} ${view}: ${sizes}`);
    }
  }
  return { wide };
}, { viewport: { width: 320, height: 640 } });
