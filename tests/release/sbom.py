"""What a release is made of, as CycloneDX: the wheel, what it requires, its weights.

python -m tests.release.sbom WHEEL OUT.cdx.json

Packages and hashes are those of `requirements.lock`, which a user installs; their licences are what
the installed ones state. Weights count as components: those in the wheel, and those that
`homespun models fetch` brings when it is asked to (scope "optional"). From one commit and one wheel
always the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from homespun.indexer.licences.metadata import as_expression
from homespun.models import catalogue
from tests.layout.house import ROOT

LOCK = ROOT / "requirements.lock"
IN_THE_WHEEL = ("models/adapters/shipped_data", "indexer/embedding/static", "server/confidence")
_WEIGHTS = (".safetensors", ".npy", ".onnx")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_SHA256 = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME_CHARS = 80
_LICENCES = LicenseFactory()


def main() -> None:
    """Write it; end with status 1 where it is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    text = bill_of(args.wheel)
    args.out.write_text(text, encoding="utf-8")
    print(f"{args.out}: {text.count(chr(34) + 'bom-ref' + chr(34))} components")


def bill_of(wheel: Path) -> str:
    """Return the bill of a wheel as JSON. Raises `ValueError` where the schema does not take it."""
    own = _component("homespun", version("homespun"), as_expression("Apache-2.0"))
    own.type = ComponentType.APPLICATION
    own.hashes.add(_sha256(wheel.read_bytes()))
    bom = Bom(components=[*_packages(), *_shipped(), *_fetched()])
    bom.metadata.component = own
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, own.hashes[0].content)
    bom.register_dependency(own, bom.components)
    text = str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"the bill of materials is none: {fault}")
    return text


def _packages() -> Iterator[Component]:
    """Yield what `requirements.lock` names."""
    for name, number, rest in _PINNED.findall(LOCK.read_text(encoding="utf-8")):
        component = _component(name, number, _licence_of(name, number))
        component.external_references.add(
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(f"https://pypi.org/project/{name}/{number}/"),
                hashes=map(_hash, _SHA256.findall(rest)),
            )
        )
        yield component


def _shipped() -> Iterator[Component]:
    """Yield the weights that are in the wheel."""
    for folder in IN_THE_WHEEL:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in _WEIGHTS:
                name = path.relative_to(ROOT).as_posix()
                yield _model(name, version("homespun"), "Apache-2.0", _sha256(path.read_bytes()))


def _fetched() -> Iterator[Component]:
    """Yield the weights that a user may fetch, by the hashes that they have to have."""
    for name in catalogue.names():
        entry = catalogue.get(name)
        for file in entry.files:
            revision, digest = entry.hub.revision, _hash(file.sha256)
            model = _model(f"{name}/{file.name}", revision, entry.licence, digest)
            model.scope = ComponentScope.OPTIONAL
            yield model


def _model(name: str, number: str, licence: str, digest: HashType) -> Component:
    return Component(
        name=name,
        version=number,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"weights/{name}",
        hashes=[digest],
        licenses=[_LICENCES.make_from_string(licence)],
    )


def _component(name: str, number: str, licence: str) -> Component:
    purl = PackageURL("pypi", name=name.lower(), version=number)
    return Component(
        name=name,
        version=number,
        bom_ref=str(purl),
        purl=purl,
        licenses=[_LICENCES.make_from_string(licence)] if licence else [],
    )


def _licence_of(name: str, number: str) -> str:
    """Return what an installed package of this version states, "" where none is here."""
    try:
        if version(name) != number:
            return ""
        stated = metadata(name)
    except PackageNotFoundError:
        return ""
    classified = [
        each.rpartition(" :: ")[2]
        for each in stated.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    named = (stated.get("License-Expression"), *classified, stated.get("License"))
    words = [text for text in named if text]
    known = next(filter(None, map(as_expression, words)), "")
    return known or next((text.split("\n")[0][:_NAME_CHARS] for text in words), "")


def _sha256(data: bytes) -> HashType:
    return _hash(hashlib.sha256(data).hexdigest())


def _hash(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


if __name__ == "__main__":
    main()
