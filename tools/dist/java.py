"""The Java package: a Maven repository with one jar, which has the native libraries of all platforms."""

import hashlib
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from native import ROOT, run, sign, toolchain, zig_environment
from sources import core

PROJECT = ROOT / "bindings/java"
COORDINATES = "io/github/tensorfile/tensorfile"


def build_library(platform, work):
    """Builds the library that the JVM loads, of the core in work/java/core and the functions for Java."""
    folder = work / platform.name / "java"
    shutil.rmtree(folder / "libraries", ignore_errors=True)
    jdk = Path(shutil.which("javac")).resolve().parents[1]
    run("cmake", "-S", PROJECT, "-B", folder / "build", *toolchain(platform, work), f"-DJAVA_HOME={jdk}",
        f"-DJNI_MD_FOLDER={ROOT / 'tools/dist/jni'}", f"-DTENSORFILE_CORE={work / 'java/core'}",
        f"-DTENSORFILE_JAVA_OUTPUT={folder / 'libraries'}", "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG",
        env=zig_environment(work))
    run("cmake", "--build", folder / "build", env=zig_environment(work))
    if not library(platform, work).is_file():
        sys.exit(f"{platform.name}: not built: {library(platform, work)}")


def library(platform, work):
    return work / platform.name / "java/libraries" / platform.name / platform.java


def maven(*arguments):
    """Runs Maven with the packages that it has, or online if one is missing."""
    command = ["mvn", "--batch-mode", "--quiet", "--file", PROJECT / "pom.xml", *arguments]
    if subprocess.run([*command, "--offline"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        run(*command)


def package(out, platforms, release, work, jobs):
    """Writes a folder that is a Maven repository, with the jars and the pom, from which Maven Central gets them too."""
    folder, natives = work / "java/target", work / "java/natives"
    for old in (folder, natives):
        shutil.rmtree(old, ignore_errors=True)
    core(work / "java/core")
    # Nearly all of the time of a library is spent on one source, so that only several libraries keep several cores busy.
    with ThreadPoolExecutor(jobs) as workers:
        list(workers.map(lambda platform: build_library(platform, work), platforms))
    for platform in platforms:
        made = library(platform, work)
        sign(release.sign, platform, made)
        (natives / platform.name).mkdir(parents=True)
        shutil.copyfile(made, natives / platform.name / made.name)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(release.when))
    maven("package", "-DskipTests", f"-Dnative.libraries={natives}", f"-Dbuild.folder={folder}",
          f"-Dproject.build.outputTimestamp={when}")
    target = out / "maven" / COORDINATES / release.version
    target.mkdir(parents=True)
    name = f"tensorfile-{release.version}"
    for file in (f"{name}.jar", f"{name}-sources.jar", f"{name}-javadoc.jar"):
        shutil.copyfile(folder / file, target / file)
    shutil.copyfile(PROJECT / "pom.xml", target / f"{name}.pom")
    for path in sorted(target.iterdir()):
        # Maven looks for these next to every file, and Maven Central demands them.
        for algorithm in ("md5", "sha1"):
            Path(f"{path}.{algorithm}").write_text(hashlib.new(algorithm, path.read_bytes()).hexdigest(), encoding="ascii")
