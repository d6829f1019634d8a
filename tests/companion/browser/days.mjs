// A number of the day opens its reading; a chart is moved, stretched, and read.
import { open, pair, scene } from "./stage.mjs";

const middle = (box) => [box.x + box.width / 2, box.y + box.height / 2];

/** Two fingers that move apart. */
async function pinch(page, context, x, y) {
  const tools = await context.newCDPSession(page);
  const touch = (type, apart) => tools.send("Input.dispatchTouchEvent", {
    type, touchPoints: apart === null ? [] : [{ x: x - apart, y, id: 1 }, { x: x + apart, y, id: 2 }],
  });
  await touch("touchStart", 20);
  for (let apart = 30; apart <= 120; apart += 10) await touch("touchMove", apart);
  await touch("touchEnd", null);
}

await scene(async (page, context) => {
  await pair(page);
  await open(page, "days");
  await page.locator(".summary .number").first().click();
  await page.locator("dialog .readings .pairs").first().waitFor();
  const evidence = await page.locator("dialog").innerText();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });

  const asked = [];
  page.on("request", (request) => request.url().includes("/series/heart_rate") && asked.push(request.url()));
  const period = page.locator(".period");
  const chart = page.locator(".chart canvas").first();
  await chart.scrollIntoViewIfNeeded();
  await page.waitForTimeout(600);
  const periods = [await period.textContent()];
  const [x, y] = middle(await chart.boundingBox());
  await page.mouse.move(x - 100, y);
  await page.mouse.down();
  await page.mouse.move(x + 100, y, { steps: 8 });
  await page.mouse.up();
  await page.waitForTimeout(600);
  periods.push(await period.textContent());
  await pinch(page, context, x, y);
  await page.waitForTimeout(600);
  periods.push(await period.textContent());
  await page.getByLabel("Week", { exact: true }).click();
  await page.waitForTimeout(1500);
  periods.push(await period.textContent());
  await page.getByRole("button", { name: "Closer" }).click();
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  const told = await page.locator(".chart .told").first().textContent();
  const drawn = await chart.evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((one) => one !== 0);
  });
  const label = await chart.getAttribute("aria-label");
  await page.getByRole("button", { name: "The day before" }).click();
  await page.locator(".summary .number").first().waitFor();
  return { evidence, periods, told, drawn, label, asked: asked.length, url: page.url() };
});
