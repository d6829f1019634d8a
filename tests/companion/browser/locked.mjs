// The box is locked while the page is open, and while a note is written: it says so, and the note is sent later.
import { hand, open, pair, scene } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  await page.locator(".vital").first().waitFor();
  await hand("lock");
  const away = page.locator(".banner.away", { hasText: "locked" }); // before, for a moment, it is out of reach
  await away.waitFor({ timeout: 60000 });
  const banner = await away.innerText();
  const vitals = await page.locator(".vital").count();
  const top = await page.locator(".reach").textContent();
  await page.reload();
  await away.waitFor({ timeout: 60000 });
  const again = await away.innerText();
  await open(page, "ask");
  await page.locator("textarea").fill("Was anything unusual today?");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator(".answer .trouble, .answer [role=alert]").first().waitFor();
  const asked = await page.locator(".answer").innerText();
  await page.getByLabel("A note").click();
  await page.locator("textarea").fill("Slept badly");
  await page.getByRole("button", { name: "Keep the note" }).click();
  await page.locator(".notes.waiting li").waitFor();
  await hand("unlock");
  await page.locator(".notes.waiting li").waitFor({ state: "detached", timeout: 60000 });
  return { banner, again, vitals, top, asked };
});
