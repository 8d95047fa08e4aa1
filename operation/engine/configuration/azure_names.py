"""Azure's own naming rules, checked before Azure is asked.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from operation.engine.nearest import nearest

_REGIONS = """
australiacentral australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth brazilsoutheast
canadacentral canadaeast centralindia centralus chilecentral chinaeast chinaeast2 chinaeast3 chinanorth
chinanorth2 chinanorth3 eastasia eastus eastus2 francecentral francesouth germanynorth germanywestcentral
indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest koreacentral
koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest
polandcentral qatarcentral southafricanorth southafricawest southcentralus southeastasia southindia
spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest uaecentral uaenorth uksouth
ukwest usgovarizona usgovtexas usgovvirginia westcentralus westeurope westindia westus westus2 westus3
""".split()  # noqa: SIM905 - a list of quoted words hides the words


@dataclass(frozen=True)
class Rule:
    """What Azure accepts as the name of one kind of resource."""

    kind: str
    pattern: re.Pattern[str]
    words: str


RULES = {
    "RESOURCE_GROUP": Rule(
        "a resource group",
        re.compile(r"[\w().-]{0,89}[\w()-]"),
        "1 to 90 letters, digits, '_', '-', '.', '(' or ')', the last not a '.'",
    ),
    "AMLWORKSPACE": Rule(
        "a machine learning workspace",
        re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}"),
        "3 to 33 letters, digits, '-' or '_', the first a letter or digit",
    ),
    "STORAGEACCOUNT": Rule(
        "a storage account", re.compile(r"[a-z0-9]{3,24}"), "3 to 24 lower-case letters and digits"
    ),
    "KEYVAULT": Rule(
        "a key vault",
        re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]"),
        "3 to 24 letters, digits or single '-', the first a letter, the last a letter or digit",
    ),
    "APPINSIGHTS": Rule(
        "an Application Insights resource",
        re.compile(r"[\w().-]{0,254}[\w()-]"),
        "1 to 255 letters, digits, '_', '-', '.', '(' or ')', the last not a '.'",
    ),
    "CONTAINERREGISTRY": Rule(
        "a container registry", re.compile(r"[A-Za-z0-9]{5,50}"), "5 to 50 letters and digits"
    ),
}


def name_problem(variable: str, value: str) -> str | None:
    """Return why Azure would refuse `value` as what `variable` names, or None."""
    if variable == "LOCATION":
        return _location_problem(value)
    rule = RULES.get(variable)
    if rule is None or rule.pattern.fullmatch(value):
        return None
    found = f"'{value}' ({len(value)} character{'' if len(value) == 1 else 's'})"
    return f"{found} is no name that Azure accepts for {rule.kind}: expected {rule.words}."


def _location_problem(value: str) -> str | None:
    if value in _REGIONS:
        return None
    short = re.sub(r"[\s_-]", "", value).lower()
    likely = short if short in _REGIONS else nearest(short, _REGIONS, cutoff=0.85)
    hint = f" Did you mean '{likely}'?" if likely else ""
    if not re.fullmatch(r"[a-z]+[0-9]?", value):
        return f"'{value}' is no Azure region: expected its short name in lower case.{hint}"
    # regions are opened faster than this list is kept: only what looks like a slip of the finger is refused
    if likely and likely.rstrip("0123456789") != value.rstrip("0123456789"):
        return f"'{value}' is no Azure region that is known here.{hint}"
    return None
