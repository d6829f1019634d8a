"""FHIR R4 (4.0.1), as the export and the alerts write it: `coding` its parts, `finding` what a rule saw."""
