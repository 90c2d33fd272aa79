"""Open the published packages that the sample layers are made from.

The scripts take a package's file as it was downloaded; here its SHA-256 is checked, so that a layer can only
be made from the very bytes it was made from before, and one member is read out. Nothing is unpacked to disk.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path


class WrongPackage(ValueError):
    """The file is not the package that the script was written for."""


@dataclass(frozen=True, slots=True)
class Package:
    """A published file: how to get it, and the SHA-256 that names its bytes."""

    name: str
    fetch: str
    sha256: str

    def read(self, path: Path, *, member: str) -> bytes:
        """Return the bytes of one member of the package stored at `path`."""
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise WrongPackage(
                f"{path} has SHA-256 {found}, but {self.name} has {self.sha256}; get it with `{self.fetch}`"
            )
        archive = _debian_data(content) if content.startswith(b"!<arch>\n") else content
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            stream = tar.extractfile(member)
            if stream is None:
                raise WrongPackage(f"{self.name}: {member} is not a file")
            return stream.read()


US_ATLAS = Package(
    name="us-atlas 3.0.1",
    fetch="npm pack us-atlas@3.0.1",
    sha256="e6daba1800885868303ad3549da62f85a557b8142bb72629ec15651de62f9c5d",
)
WORLD_ATLAS = Package(
    name="world-atlas 2.0.2",
    fetch="npm pack world-atlas@2.0.2",
    sha256="032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
)
QGIS_COMMON = Package(
    name="qgis-common 3.22.16+dfsg-1",
    fetch="apt-get download qgis-common=3.22.16+dfsg-1",
    sha256="8c46e9da78b82772b23777643e02210c43945f01faee2316899f6438b65a5960",
)
ISO_CODES = Package(
    name="iso-codes 4.15.0-1",
    fetch="apt-get download iso-codes=4.15.0-1",
    sha256="b1beb869303229c38288d4ddacfd582c91f594759b5767c9cecebd87f16ff70e",
)


def _debian_data(content: bytes) -> bytes:
    """Return the data archive inside a Debian package (an `ar` file of three members)."""
    at = 8
    while at < len(content):
        name, size = content[at : at + 16].decode().strip(" /"), int(content[at + 48 : at + 58])
        at += 60
        if name.startswith("data.tar"):
            return content[at : at + size]
        at += size + size % 2
    raise WrongPackage("a Debian package without data.tar")
