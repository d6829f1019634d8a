// How long a year's charts take, from the tap to their being drawn.
import { open, pair, scene } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  await open(page, "days");
  await page.locator(".summary .number").first().waitFor();
  await page.waitForTimeout(1500);
  const spent = [];
  for (let n = 0; n < 5; n += 1) {
    await page.getByLabel("Week", { exact: true }).click();
    await page.waitForTimeout(1000);
    spent.push(await page.evaluate(async () => {
      performance.clearMarks("charts drawn");
      const tapped = performance.now();
      [...document.querySelectorAll("label")].find((one) => one.textContent === "Year").click();
      while (!performance.getEntriesByName("charts drawn").length) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame); // what was drawn is on the screen with the next frame
      return performance.now() - tapped;
    }));
  }
  const told = await page.locator(".period").textContent();
  return { spent, told };
});
