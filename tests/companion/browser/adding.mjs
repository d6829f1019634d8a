// The wearer looks which wearables are near, adds one with a name of their own, and takes it off again.
import { open, pair, scene } from "./stage.mjs";

await scene(async (page) => {
  await pair(page);
  await open(page, "more");
  await page.getByRole("button", { name: "Add a wearable" }).click();
  const found = page.locator("li.found");
  await found.first().waitFor();
  const near = await found.allInnerTexts();
  const strap = found.filter({ hasText: "Heart Rate" });
  await strap.getByLabel("What you call it").fill("Running strap");
  await strap.getByRole("button", { name: "Add", exact: true }).click();
  const done = strap.getByText("On the list");
  await done.waitFor();
  const added = await done.innerText();
  const card = page.locator(".devices > li", { has: page.getByRole("heading", { name: "Running strap" }) }).first();
  await card.waitFor();
  page.on("dialog", (dialog) => dialog.accept());
  await card.getByRole("button", { name: "Take off the list" }).click();
  await card.getByRole("button", { name: "Take off the list" }).waitFor({ state: "detached" });
  return { near, added };
});
