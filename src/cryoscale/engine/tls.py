"""Encrypted, authenticated connections between the parts of a cluster: who has no key of it cannot join or listen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distributed import Security
from pydantic import Field

from cryoscale.config import Config, ConfigPath
from cryoscale.errors import ConfigError, MissingExtraError


class Tls(Config):
    """Certificate and key that scheduler, workers and client show to each other."""

    ca: ConfigPath = Field(description="certificate (PEM) that signed the others; one that signed itself will do")
    cert: ConfigPath = Field(description="certificate (PEM)")
    key: ConfigPath = Field(description="its private key (PEM); only you may read it")

    def options(self) -> dict[str, Any]:
        """Arguments of `distributed.Security`, the same files for every role.

        Returns
        -------
        dict

        Raises
        ------
        ConfigError
            If a file is not there.
        """
        for name, path in (("ca", self.ca), ("cert", self.cert), ("key", self.key)):
            if not path.is_file():
                raise ConfigError(f"tls.{name}: {path} is not a file. deploy/ssh/README.md says how to make one.")
        roles = {f"tls_{role}_{part}": str(getattr(self, part)) for role in ROLES for part in ("cert", "key")}
        return {"require_encryption": True, "tls_ca_file": str(self.ca), **roles}

    def security(self) -> Security:
        """What `distributed` connects with."""
        return Security(**self.options())


ROLES = ("scheduler", "worker", "client")


@contextmanager
def temporary_tls(folder: Path) -> Iterator[Tls]:
    """Make a key and a certificate of one run, as files that only this user can read, and remove them at its end.

    Parameters
    ----------
    folder : Path
        One that every host of the cluster sees under this name.

    Yields
    ------
    Tls

    Raises
    ------
    MissingExtraError
        If `cryptography` is not installed.
    """
    try:
        made = Security.temporary()
    except ImportError:
        raise MissingExtraError(
            "A certificate needs cryptography: pip install 'cryoscale[slurm]' (or [ssh]), or set cluster.tls."
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="tls-", dir=folder) as private:  # made with mode 0700
        cert, key = Path(private, "cert.pem").absolute(), Path(private, "key.pem").absolute()
        cert.write_text(made.tls_scheduler_cert, encoding="ascii")
        key.write_text(made.tls_scheduler_key, encoding="ascii")
        yield Tls(ca=cert, cert=cert, key=key)
