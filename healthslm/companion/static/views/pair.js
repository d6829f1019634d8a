// Pairing: this phone makes its key, both sides show six digits, and somebody at the box says that they agree.
import * as api from "../api.js";
import { trouble } from "../dialog.js";
import { el, say } from "../dom.js";
import * as kept from "../kept.js";
import * as key from "../key.js";
import { t } from "../words.js";
import { field } from "./parts.js";
import { trusting } from "./trust.js";

const LOOK_MS = 1000;
const SECRET = /([A-Za-z0-9_-]{22})\s*$/;

/** `secret` is what the code holds; `paired` is called when this phone is signed in; `why` is why it is not. */
export function pair(main, { secret, paired, why, known }) {
  document.title = `${t("Pair this phone")} · healthslm`;
  const place = el("div", { class: "card" });
  main.dataset.view = "pair";
  main.replaceChildren(
    el("h1", {}, t("Pair this phone")),
    why?.detail ? trouble(why) : "",
    known && secret ? el("p", { class: "banner" }, t("This phone is paired already. Pairing it again replaces that.")) : "",
    place,
    el("section", { class: "card" }, el("h2", { class: "unseen" }, t("Make the box known to this phone")), trusting()),
  );
  ask(place, secret, paired);
}

function ask(place, secret, paired) {
  const name = el("input", { value: deviceName(), maxlength: 60, autocomplete: "off" });
  const link = el("input", { autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true });
  const form = el(
    "form",
    {},
    !secret && el("p", {}, t("On the box: healthslm companion pair. Open the code that it shows with the phone's camera, or write the link here.")),
    !secret && field(t("The link, or what follows its #"), link),
    field(t("What the box calls this phone"), name),
    el("button", { class: "main" }, t("Pair")),
  );
  const told = el("div", {});
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = secret || SECRET.exec(link.value)?.[1];
    if (!given) return told.replaceChildren(trouble(new api.Problem(422, { title: t("That is no link of a box."), detail: t("It ends with # and 22 letters.") })));
    try {
      await claim(place, given, name.value.trim(), paired);
    } catch (error) {
      told.replaceChildren(trouble(error));
    }
  });
  place.replaceChildren(form, told);
}

async function claim(place, secret, name, paired) {
  const pair = await key.make();
  const body = { secret, key: pair.public, name };
  const { nonce, role } = await api.post("/api/v1/pair", body);
  const digits = await key.code(secret, pair.public, nonce);
  const shown = `${digits.slice(0, 3)} ${digits.slice(3)}`;
  const state = el("p", { role: "status" }, t("Waiting for the box …"));
  place.replaceChildren(
    el("h2", {}, t("The same on the box?")),
    el("p", { class: "digits", "data-digits": digits }, shown),
    el("p", {}, t("If they are, say so on the box. If they differ, say no: then something is in between.")),
    state,
  );
  say(`${t("The same on the box?")} ${[...digits].join(" ")}`);
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    let told;
    try {
      told = await api.post("/api/v1/pair/state", body);
    } catch (error) {
      if (error instanceof api.OutOfReach) continue; // the phone slept, or changed networks
      throw error;
    }
    if (told.state === "refused") {
      const why = new api.Problem(403, {
        title: t("The box did not let this phone in."),
        detail: t("Make another code: healthslm companion pair"),
      });
      place.replaceChildren(trouble(why, () => ask(place, "", paired)));
      return;
    }
    if (told.state === "paired") {
      await kept.forget();
      await navigator.storage?.persist?.(); // else a browser that is short of space may forget the key
      await kept.put("key", { private: pair.private });
      await kept.put("who", { client: told.client, name, role });
      await api.signIn();
      await kept.put("zone", (await api.get("/api/v1/days")).timezone);
      paired();
      return;
    }
  }
}

function deviceName() {
  const { userAgent } = navigator;
  const found = ["iPhone", "iPad", "Android", "Windows", "Mac", "Linux"].find((one) => userAgent.includes(one));
  return found ? t("my {device}", { device: found }) : t("my phone");
}
