// What axe-core finds against WCAG 2.2 A and AA, in every view, light and dark.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { given, open, pair, scene } from "./stage.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

await scene(async (page) => {
  const found = [];
  const look = async (where) => {
    await page.evaluate(AXE);
    const told = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), TAGS);
    for (const { id, nodes } of told.violations) found.push(`${where}: ${id} ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
  };
  await page.goto(`${given.base}/pair#${given.secret}`);
  await page.locator("details.trust summary").click();
  await look("pair");
  await page.goto("about:blank");
  await pair(page);
  for (const view of ["now", "days", "ask", "more"]) {
    await open(page, view);
    await page.waitForTimeout(1500);
    await page.locator("main details").evaluateAll((all) => all.forEach((one) => { one.open = true; }));
    await look(view);
  }
  await open(page, "days");
  await page.locator(".summary .number").first().click();
  await page.locator("dialog .readings .pairs").first().waitFor();
  await look("evidence");
  return { found };
}, { scheme: given.scheme });
