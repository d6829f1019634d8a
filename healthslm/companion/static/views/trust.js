// How to make the box known to the phone, so that it warns no more and keeps the page for when it is away.
import { el } from "../dom.js";
import { t } from "../words.js";

export function trusting({ open = false } = {}) {
  const print = el("code", { class: "fingerprint" }, "…");
  fetch("/trust/fingerprint.json")
    .then((answer) => answer.json())
    .then(({ sha256 }) => print.replaceChildren(...inPairs(sha256)))
    .catch(() => { print.textContent = t("not known while the box is out of reach"); });
  return el(
    "details",
    { class: "trust", open },
    el("summary", {}, t("Make the box known to this phone")),
    el("p", {}, t("The box has an authority of its own, good for addresses at home alone. Until the phone knows it, it warns, and the page does not open away from home.")),
    el("p", {}, el("a", { href: "/trust/healthslm.crt", class: "button" }, t("Get the box's certificate"))),
    el("h3", {}, "iPhone, iPad"),
    el("ol", {},
      el("li", {}, t("Open the link in Safari and allow the profile.")),
      el("li", {}, t("Settings > General > VPN & Device Management: install “healthslm at home”.")),
      el("li", {}, t("Settings > General > About > Certificate Trust Settings: switch it on."))),
    el("h3", {}, "Android"),
    el("ol", {},
      el("li", {}, t("Open the link; the file is saved.")),
      el("li", {}, t("Settings > Security > Encryption & credentials > Install a certificate > CA certificate: choose the file."))),
    el("p", {}, t("Its SHA-256 fingerprint, in the phone's details of the certificate, must be what the box's terminal shows:")),
    el("p", {}, print),
  );
}

/** So that the line can break between pairs, and only there. */
function inPairs(text) {
  return text.split(":").map((one, n, all) => el("span", {}, n < all.length - 1 ? `${one}:` : one));
}
