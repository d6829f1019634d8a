// Values change while one looks at them; an alert is marked as seen; a question is answered with its numbers.
import { hand, open, pair, scene } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  const heart = page.locator('.vital[data-kind="heart_rate"]');
  await heart.waitFor();
  const before = await heart.locator(".value").textContent();
  const ages = [await heart.locator(".age").textContent()];
  await page.waitForTimeout(2200);
  ages.push(await heart.locator(".age").textContent());
  await hand("measure");
  await heart.locator(".value", { hasText: "171" }).waitFor();
  const worn = await page.locator('.vital[data-kind="respiratory_rate"]').innerText();

  const alert = page.locator("article.alert").first();
  const severity = await alert.locator(".severity").textContent();
  const said = await page.locator("#said").textContent();
  await alert.getByRole("button", { name: "Remind me later" }).click();
  await page.locator("dialog").getByRole("button", { name: "in 15 min" }).click();
  await alert.getByText(/quiet until/).waitFor();
  await alert.getByRole("button", { name: "I have seen it" }).click();
  await alert.getByText(/seen by/).waitFor();
  await page.waitForTimeout(1500);
  const badge = await page.locator('#tabs a[href="#now"]').getAttribute("data-count");

  await heart.click();
  await page.locator("dialog .pairs").waitFor();
  const reading = await page.locator("dialog").innerText();
  await page.keyboard.press("Escape");

  await open(page, "ask");
  await page.locator("textarea").fill("What was my lowest oxygen saturation today?");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator(".answer .number").first().waitFor();
  const answer = await page.locator(".answer").first().innerText();
  await page.locator("textarea").fill("I can't breathe and my chest hurts");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  const loud = await page.locator('.loud[role="alert"]').innerText();
  return { before, ages, worn, severity, said, badge, reading, answer, loud };
});
