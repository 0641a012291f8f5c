"""licences.py: every npm package of web/ and test/storage/ has a licence that we may ship, or build with.

What reaches a user (dependencies of web/) is permissive. What only builds and tests may also be weak copyleft. A licence that
the lock file does not name is read where the package is installed.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The folder with the lock file, where its packages are installed, and whether they reach nobody but us.
PLACES = [(ROOT / "web", ROOT / "web", False), (ROOT / "test/storage", ROOT / ".tools/s3", True)]
# Their Readme.md says what their package.json does not.
IN_README = {"node_modules/humanize-number": "MIT", "node_modules/only": "MIT"}
SHIPPED = {"MIT", "MIT-0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "Unlicense", "CC0-1.0", "BlueOak-1.0.0", "Zlib"}
BUILD = SHIPPED | {"MPL-2.0", "CC-BY-4.0", "Python-2.0"}


def permitted(expression, allowed):
    """SPDX, without exceptions: OR asks for one side, AND for both."""
    expression = expression.strip()
    if expression.startswith("(") and expression.endswith(")"):
        expression = expression[1:-1]
    if re.search(r"\bOR\b", expression):
        return any(permitted(side, allowed) for side in re.split(r"\bOR\b", expression))
    return all(side.strip("() ") in allowed for side in re.split(r"\bAND\b", expression))


def licence(package, installed):
    if "license" in package:
        return package["license"]
    if not installed.exists():
        return None
    manifest = json.loads((installed / "package.json").read_text(encoding="utf-8"))
    said = manifest.get("license") or manifest.get("licenses")
    if isinstance(said, list):
        said = said[0] if len(said) == 1 else None
    return said.get("type") if isinstance(said, dict) else said


def main():
    wrong = count = untold = 0
    for folder, installed, ours in PLACES:
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
        for path, package in lock["packages"].items():
            if "node_modules/" not in path or package.get("link"):
                continue
            count += 1
            said = licence(package, installed / path) or IN_README.get(path)
            build_only = ours or package.get("dev") or package.get("devOptional")
            if not said and ours and not (installed / path).exists():
                untold += 1
            elif not said or not permitted(said, BUILD if build_only else SHIPPED):
                print(f"{folder.name}/{path}: {said or 'no licence'} ({'build' if build_only else 'shipped'})")
                wrong += 1
    not_looked_at = f", {untold} of test/storage not installed here" if untold else ""
    print(f"licences: {count} npm packages, {wrong} not permitted{not_looked_at}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
