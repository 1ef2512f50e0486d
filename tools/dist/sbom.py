"""The bill of materials: what a release consists of, as CycloneDX 1.5."""

import json
import time
import uuid

from pack import sha256
from parts import parts

PURL = "pkg:github/tensorfile/tensorfile@v{version}"


def _component(part):
    return {"type": "library", "bom-ref": part.name, "name": part.name, "version": part.version,
            "description": part.use, "licenses": [{"expression": part.license}]}


def write(out, files, release):
    """Writes the bill of materials of the files. Its serial number follows from their contents."""
    hashes = {path.relative_to(out.parent).as_posix(): sha256(path) for path in files}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(hashes, sort_keys=True))
    reference = f"tensorfile@{release.version}"
    components = [_component(part) for part in parts(release.sources)]
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(release.when)),
            "component": {"type": "library", "bom-ref": reference, "name": "tensorfile", "version": release.version,
                          "purl": PURL.format(version=release.version), "licenses": [{"expression": "MIT"}]}},
        "components": components + [
            {"type": "file", "bom-ref": name, "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for name, digest in sorted(hashes.items())],
        "dependencies": [{"ref": reference, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    out.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
