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
  await page.locator("textarea").fill("Crushing chest pain since noon");
  await page.getByRole("button", { name: "Keep the note" }).click();
  await page.locator(".notes.waiting li").waitFor();
  const waits = await page.locator(".banner.away").last().innerText();
  await open(page, "more"); // it is answered wherever the wearer is by then
  await hand("unlock");
  const answer = page.locator("dialog.sheet .loud");
  await answer.waitFor({ timeout: 60000 });
  const told = await answer.innerText();
  await page.locator("dialog.sheet .close").click();
  await open(page, "now");
  await page.locator(".noted .banner").waitFor();
  const noted = await page.locator(".noted").innerText();
  return { banner, again, vitals, top, asked, waits, told, noted };
});
