// What a role is offered, and that each of its views opens.
import { open, pair, scene, tabs } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  const names = await tabs(page);
  const views = {};
  for (const link of await page.locator("#tabs a").all()) {
    const view = (await link.getAttribute("href")).slice(1);
    await open(page, view);
    await page.waitForTimeout(1200);
    views[view] = await page.locator("main").innerText();
  }
  const buttons = await page.locator("button.vital").count();
  return { names, views, buttons };
});
