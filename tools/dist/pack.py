"""Archives whose bytes depend only on the files in them and on the time of the commit."""

import gzip
import hashlib
import io
import tarfile
import time
import zipfile


def members(tree):
    """Returns the (name, path) of every file and link below a folder, sorted by name."""
    paths = [path for path in tree.rglob("*") if path.is_symlink() or path.is_file()]
    return sorted((path.relative_to(tree).as_posix(), path) for path in paths)


def mode(path):
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def tar_gz(out, tree, prefix, when):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, path in members(tree):
            info = tarfile.TarInfo(f"{prefix}/{name}")
            info.mtime = when
            if path.is_symlink():
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, path.readlink().as_posix(), 0o777
                archive.addfile(info)
                continue
            data = path.read_bytes()
            info.size, info.mode = len(data), mode(path)
            archive.addfile(info, io.BytesIO(data))
    with open(out, "wb") as file, gzip.GzipFile("", "wb", 9, file, when) as packed:
        packed.write(raw.getvalue())


def zip_files(out, files, when):
    """Writes a zip of (name, bytes, mode) in the given order. A zip has local times; these are UTC."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, permissions in files:
            info = zipfile.ZipInfo(name, time.gmtime(when)[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, whose modes follow
            info.external_attr = (0o100000 | permissions) << 16
            archive.writestr(info, data, compresslevel=9)


def zip_tree(out, tree, prefix, when):
    """Writes a zip of a folder. Links become copies, since not every program that unpacks zips makes links."""
    zip_files(out, ((f"{prefix}/{name}", path.read_bytes(), mode(path)) for name, path in members(tree)), when)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
