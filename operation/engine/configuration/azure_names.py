"""Azure's own naming rules, checked before Azure is asked.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

import re
from typing import NamedTuple

from operation.engine.foundation.nearest import nearest

_REGIONS = """
australiacentral australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth brazilsoutheast
canadacentral canadaeast centralindia centralus chilecentral chinaeast chinaeast2 chinaeast3 chinanorth
chinanorth2 chinanorth3 eastasia eastus eastus2 francecentral francesouth germanynorth germanywestcentral
indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest koreacentral
koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest
polandcentral qatarcentral southafricanorth southafricawest southcentralus southeastasia southindia
spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest uaecentral uaenorth uksouth
ukwest usgovarizona usgovtexas usgovvirginia westcentralus westeurope westindia westus westus2 westus3
""".split()  # noqa: SIM905 - a list of quoted names hides the names


class Rule(NamedTuple):
    """What Azure accepts as the name of one kind of thing."""

    kind: str
    pattern: str
    description: str


_ENDS = "the first a letter, the last a letter or digit"
RULES = {
    # variables of an environment
    "RESOURCE_GROUP": Rule(
        "a resource group",
        r"[\w().-]{0,89}[\w()-]",
        "1 to 90 letters, digits, '_', '-', '.', '(' or ')', the last not a '.'",
    ),
    "AMLWORKSPACE": Rule(
        "a machine learning workspace",
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
        "3 to 33 letters, digits, '-' or '_', the first a letter or digit",
    ),
    "STORAGEACCOUNT": Rule("a storage account", r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits"),
    "KEYVAULT": Rule(
        "a key vault",
        r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        f"3 to 24 letters, digits or single '-', {_ENDS}",
    ),
    "APPINSIGHTS": Rule(
        "an Application Insights resource",
        r"[\w().-]{0,254}[\w()-]",
        "1 to 255 letters, digits, '_', '-', '.', '(' or ')', the last not a '.'",
    ),
    "CONTAINERREGISTRY": Rule("a container registry", r"[A-Za-z0-9]{5,50}", "5 to 50 letters and digits"),
    # files of configuration/compute/ and configuration/deployment/
    "compute": Rule(
        "a compute", r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]", f"3 to 16 letters, digits or '-', {_ENDS}"
    ),
    "deployment": Rule(
        "a deployment", r"[a-z][a-z0-9-]{0,30}[a-z0-9]", f"2 to 32 lower-case letters, digits or '-', {_ENDS}"
    ),
    # Azure takes up to 32; the rest is for what stands beside a service while a model is tried
    "service": Rule(
        "a service", r"[a-z][-a-z0-9]{1,25}[a-z0-9]", f"3 to 27 lower-case letters, digits or '-', {_ENDS}"
    ),
}


def name_problem(variable: str, value: str) -> str | None:
    """Return why Azure would refuse `value` as the name of what `variable` stands for, or None."""
    if variable == "LOCATION":
        return _location_problem(value)
    rule = RULES.get(variable)
    if rule is None or re.fullmatch(rule.pattern, value):
        return None
    shown_name = f"'{value}' ({len(value)} character{'' if len(value) == 1 else 's'})"
    return f"{shown_name} is not a valid name for {rule.kind}: expected {rule.description}."


def _location_problem(value: str) -> str | None:
    if value in _REGIONS:
        return None
    short = re.sub(r"[\s_-]", "", value).lower()
    likely = short if short in _REGIONS else nearest(short, _REGIONS, cutoff=0.85)
    hint = f" Did you mean '{likely}'?" if likely else ""
    if not re.fullmatch(r"[a-z]+[0-9]?", value):
        return f"'{value}' is not an Azure region: use its short name in lower case.{hint}"
    # regions are opened faster than this list is kept: only what looks like a slip of the finger is refused
    if likely and likely.rstrip("0123456789") != value.rstrip("0123456789"):
        return f"'{value}' is not a known Azure region.{hint}"
    return None
