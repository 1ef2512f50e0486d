"""The package for Unity: the sources in C#, the native libraries, and the .meta file that Unity wants for each file."""

import hashlib
import shutil
from dataclasses import dataclass

import pack
from native import ROOT
from sources import tracked

PROJECT = "bindings/unity"
NAME = "io.github.tensorfile"


@dataclass(frozen=True)
class Plugin:
    """Where a library is in the package, and for which editors and players Unity loads it."""
    file: str
    player: str
    editor: str
    cpu: str


# The other platforms have no players.
PLUGINS = {
    "linux-x86_64": Plugin("Linux/x86_64/libtensorfile.so", "Linux64", "Linux", "x86_64"),
    "macos-x86_64": Plugin("macOS/x86_64/libtensorfile.dylib", "OSXUniversal", "OSX", "x86_64"),
    "macos-arm64": Plugin("macOS/arm64/libtensorfile.dylib", "OSXUniversal", "OSX", "ARM64"),
    "windows-x86_64": Plugin("Windows/x86_64/tensorfile.dll", "Win64", "Windows", "x86_64"),
    "windows-arm64": Plugin("Windows/arm64/tensorfile.dll", "Win64", "Windows", "ARM64"),
}
PLAYERS = ("Android", "Linux64", "OSXUniversal", "WebGL", "Win", "Win64", "iOS")
IMPORTERS = {".cs": "MonoImporter", ".asmdef": "AssemblyDefinitionImporter", ".json": "PackageManifestImporter",
             ".md": "TextScriptImporter", ".txt": "TextScriptImporter"}


def _meta(name, body):
    """Unity recognizes a file by its GUID, which therefore must not change between versions."""
    guid = hashlib.md5(f"{NAME}/{name}".encode(), usedforsecurity=False).hexdigest()
    return f"fileFormatVersion: 2\nguid: {guid}\n{body}"


def _platform(target, cpu, *settings):
    lines = "".join(f"        {line}\n" for line in (f"CPU: {cpu}", *settings))
    return f"  - first:\n      {target}\n    second:\n      enabled: 1\n      settings:\n{lines}"


def _plugin_meta(name, plugin):
    excluded = "".join(f"        Exclude {player}: {int(player != plugin.player)}\n" for player in PLAYERS)
    return _meta(name, (
        "PluginImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  iconMap: {}\n  executionOrder: {}\n"
        "  defineConstraints: []\n  isPreloaded: 0\n  isOverridable: 0\n  isExplicitlyReferenced: 0\n"
        "  validateReferences: 1\n  platformData:\n"
        f"  - first:\n      : Any\n    second:\n      enabled: 0\n      settings:\n        Exclude Editor: 0\n{excluded}"
        "  - first:\n      Any: \n    second:\n      enabled: 0\n      settings: {}\n"
        + _platform("Editor: Editor", plugin.cpu, "DefaultValueInitialized: true", f"OS: {plugin.editor}")
        + _platform(f"Standalone: {plugin.player}", plugin.cpu)
        + "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"))


def _write_metas(tree, plugins):
    """Writes the .meta files. Unity ignores folders whose name ends with ~, and files without a .meta in a package."""
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        if "~" in name:
            continue
        if path.is_dir():
            meta = _meta(name, "folderAsset: yes\nDefaultImporter:\n  externalObjects: {}\n")
        elif name in plugins:
            meta = _plugin_meta(name, plugins[name])
        else:
            meta = _meta(name, f"{IMPORTERS.get(path.suffix, 'DefaultImporter')}:\n  externalObjects: {{}}\n")
        path.with_name(f"{path.name}.meta").write_text(meta, encoding="utf-8")


def package(out, platforms, release, work):
    """Writes the package as an archive of npm, with the libraries of those of the platforms that Unity has."""
    tree, plugins = work / "unity", {}
    shutil.rmtree(tree, ignore_errors=True)
    for name in tracked(PROJECT):
        if name != "not-covered.txt":
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / PROJECT / name, tree / name)
    for platform in platforms:
        plugin = PLUGINS.get(platform.name)
        if plugin is not None:
            target = tree / "Plugins" / plugin.file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(work / platform.name / "tree" / platform.shared, target)
            plugins[f"Plugins/{plugin.file}"] = plugin
    _write_metas(tree, plugins)
    pack.tar_gz(out / f"{NAME}-{release.version}.tgz", tree, "package", release.when)
