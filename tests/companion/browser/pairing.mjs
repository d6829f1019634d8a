// A phone is paired, stays so, speaks the language that is chosen, and forgets all when it is revoked.
import { given, hand, pair, scene, tabs } from "./stage.mjs";

await scene(async (page) => {
  const told = await pair(page);
  const first = await tabs(page);
  const extractable = await page.evaluate(async () => {
    const kept = await import("/kept.js");
    return (await kept.get("key")).private.extractable;
  });
  const address = page.url();
  await page.reload();
  await page.locator("#tabs a").first().waitFor();
  const again = await tabs(page);
  await page.evaluate(() => localStorage.setItem("healthslm language", "de"));
  await page.reload();
  await page.locator("#tabs a").first().waitFor();
  const german = await tabs(page);
  const lang = await page.locator("html").getAttribute("lang");
  await hand("revoke", told);
  await page.goto(`${given.base}/`);
  await page.getByRole("heading", { name: "Dieses Telefon koppeln" }).waitFor();
  const left = await page.evaluate(async () => {
    const kept = await import("/kept.js");
    return [await kept.get("key"), await kept.get("now"), await kept.get("who")].filter(Boolean).length;
  });
  return { ...told, extractable, address, first, again, german, lang, left };
});
