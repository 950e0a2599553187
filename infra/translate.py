"""Prints a SAM template as plain CloudFormation: translate.py TEMPLATE. Asks AWS nothing."""

import json
import logging
import sys
from pathlib import Path

from cfnlint.decode.cfn_yaml import load
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform


def packaged(resource: dict) -> dict:
    """The resource as it is once `sam package` has uploaded the code: the translator takes no local paths."""
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Serverless::Function" and isinstance(properties.get("CodeUri"), str):
        properties["CodeUri"] = {"Bucket": "packages", "Key": properties["CodeUri"]}
    return resource


def main() -> None:
    """Translates."""
    logging.disable(logging.WARNING)
    template = json.loads(json.dumps(load(Path(sys.argv[1]))))
    template["Resources"] = {name: packaged(resource) for name, resource in template["Resources"].items()}
    policies = ManagedPolicyLoader(None)
    policies._policy_map = {}
    json.dump(transform(template, {}, policies), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
