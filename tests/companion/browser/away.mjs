// Away from home the page opens with the last state and its age, and keeps a note until it is back.
import { hand, open, pair, scene } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  await page.locator(".vital").first().waitFor();
  await open(page, "days");
  await page.locator(".summary .number").first().waitFor();
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await hand("leave");
  await page.goto(page.url().replace(/#.*/, "#now"));
  await page.reload();
  await page.locator(".banner.away").waitFor();
  const banner = await page.locator(".banner.away").innerText();
  const vitals = await page.locator(".vital").count();
  const top = await page.locator(".reach").textContent();
  await open(page, "days");
  await page.locator(".banner.away").waitFor();
  const day = await page.locator(".summary").innerText();
  await open(page, "ask");
  await page.getByLabel("A note").click();
  await page.locator("textarea").fill("Walked up the hill");
  await page.getByRole("button", { name: "Keep the note" }).click();
  await page.locator(".notes.waiting li").waitFor();
  const waits = await page.locator(".notes.waiting").innerText();
  await hand("return");
  await page.locator(".notes.waiting li").waitFor({ state: "detached", timeout: 60000 });
  // The box takes this one, and its answer is lost after a while: sent again it is the same note.
  let lost = 0;
  await page.route("**/api/v1/notes", async (route) => {
    if (lost++) return route.continue();
    await route.fetch();
    await new Promise((over) => setTimeout(over, 12000));
    return route.abort();
  });
  await page.locator("textarea").fill("Came down again");
  await page.getByRole("button", { name: "Keep the note" }).click();
  await page.locator(".notes.waiting li").waitFor({ timeout: 60000 });
  await page.locator(".notes.waiting li").waitFor({ state: "detached", timeout: 60000 });
  return { banner, vitals, top, day, waits, sent: lost };
});
