// What a role is offered, that each of its views opens, the clinician's page as a file, and signing out.
import { open, pair, scene, tabs } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  const names = await tabs(page);
  const views = {};
  let opens = 0;
  for (const link of await page.locator("#tabs a").all()) {
    const view = (await link.getAttribute("href")).slice(1);
    await open(page, view);
    await page.waitForTimeout(1200);
    views[view] = await page.locator("main").innerText();
    if (view === "now") opens = await page.locator("button.vital").count();
  }
  const made = page.locator("form button.main");
  let file = "";
  if (await made.count()) {
    const [download] = await Promise.all([page.waitForEvent("download"), made.click()]);
    file = download.suggestedFilename();
  }
  page.on("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Pair this phone", level: 1 }).waitFor();
  const left = await page.evaluate(async () => {
    const kept = await import("/kept.js");
    return [await kept.get("key"), await kept.get("now"), await kept.get("day")].filter(Boolean).length;
  });
  return { names, views, opens, file, left };
});
