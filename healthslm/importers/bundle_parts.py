"""The parts of a FHIR Bundle that are looked at when one is read back, checked; everything else passes by."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_T = TypeVar("_T")
Few = Annotated[list[_T], Field(max_length=1000)]
"""What a resource of ours has some of: an empty object takes three letters in a file, and a hundred times
as much in memory."""


class Part(BaseModel):
    """A part of a resource: of a Bundle only what is looked at is checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Coding(Part):
    """A code of a system."""

    system: str = ""
    code: str = ""


class Concept(Part):
    """What something is: codes, and words."""

    coding: Few[Coding] = []
    text: str = ""


class Quantity(Part):
    """A value in a unit: `code` of `system`. With a `comparator` it is a bound, and not the value."""

    value: Annotated[float, Field(allow_inf_nan=False)]
    system: str = ""
    code: str = ""
    comparator: str = ""


class Reference(Part):
    """Which resource is meant, by its URL."""

    reference: str = ""


class Extension(Part):
    """What a guide adds."""

    url: str
    valueReference: Reference | None = None  # noqa: N815  FHIR's own names, here and below


class Samples(Part):
    """SampledData: values at equal distances of `period` ms, each times `factor` plus `origin`."""

    period: Annotated[float, Field(gt=0, le=86_400_000, allow_inf_nan=False)]
    factor: Annotated[float, Field(allow_inf_nan=False)] = 1
    origin: Quantity
    dimensions: int = 1
    data: str


class Period(Part):
    """From when to when."""

    start: AwareDatetime
    end: AwareDatetime | None = None


class Component(Part):
    """A part of an Observation."""

    code: Concept
    valueQuantity: Quantity | None = None  # noqa: N815
    dataAbsentReason: Concept | None = None  # noqa: N815


class Text(Part):
    """A text under one of several names."""

    text: str = ""
    name: str = ""
    value: str = ""


class Identifier(Part):
    """By what something is known."""

    system: str = ""
    value: str = ""


class Narrative(Part):
    """XHTML."""

    div: str = ""


class Section(Part):
    """A part of a Composition."""

    title: str = ""
    text: Narrative | None = None


class Agent(Part):
    """Who had a part in it."""

    who: Reference = Reference()


class Resource(Component):
    """Any resource of a Bundle, as far as it is looked at."""

    resourceType: str  # noqa: N815
    status: str = ""
    code: Concept = Concept()
    subject: Reference = Reference()
    identifier: Few[Identifier] = []
    name: Few[Text] = []
    birthDate: str = ""  # noqa: N815
    manufacturer: str = ""
    modelNumber: str = ""  # noqa: N815
    serialNumber: str = ""  # noqa: N815
    deviceName: Few[Text] = []  # noqa: N815
    version: Few[Text] = []
    effectiveDateTime: AwareDatetime | date | None = None  # noqa: N815  a date of what a day came to
    effectivePeriod: Period | None = None  # noqa: N815
    identifiedPeriod: Period | None = None  # noqa: N815
    valueDateTime: AwareDatetime | None = None  # noqa: N815
    valueSampledData: Samples | None = None  # noqa: N815
    component: Few[Component] = []
    device: Reference = Reference()
    extension: Few[Extension] = []
    modifierExtension: Few[Extension] = []  # noqa: N815
    section: Few[Section] = []
    agent: Few[Agent] = []


class Entry(Part):
    """A resource, and its URL in the Bundle."""

    fullUrl: str  # noqa: N815
    resource: Resource


class Bundle(Part):
    """The Bundle itself."""

    resourceType: str  # noqa: N815
    type: str = ""
    timestamp: AwareDatetime | None = None
    entry: Annotated[list[Entry], Field(max_length=60_000)] = []
