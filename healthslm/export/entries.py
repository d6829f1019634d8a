"""The resources of a Bundle, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from healthslm.fhir import coding
from healthslm.fhir.coding import Json


@dataclass(slots=True)
class Entries:
    """The resources of a Bundle in order, each under the `urn:uuid:` that its content gets."""

    resources: dict[str, Json] = field(default_factory=dict)

    def add(self, resource: Json, salt: str = "") -> Json:
        """Add a resource, or find the very same one; return a Reference to it."""
        url = coding.urn(resource, salt)
        self.resources.setdefault(url, resource)
        return {"reference": url}

    def references(self, *kinds: str) -> list[Json]:
        """Return References to the resources of these types, in order."""
        return [{"reference": url} for url, r in self.resources.items() if r["resourceType"] in kinds]
