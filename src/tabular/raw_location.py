"""Where a raw table is, and what goes wrong there in one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from support import step


@dataclass(frozen=True)
class Location:
    """Where a raw table is: its address as a person writes it, as Delta takes it, and what opens it."""

    address: str
    uri: str
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()  # texts that no message may show

    def beside(self, suffix: str) -> Location:
        """Return the location of another table, whose name is this one's and a suffix."""
        address, uri = (text.rstrip("/") + suffix for text in (self.address, self.uri))
        return replace(self, address=address, uri=uri)

    def require_empty(self) -> None:
        """Raise a StepError when it is a folder that holds anything."""
        folder = Path(self.uri)
        if not self.options and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            foreign = f"{self.address} holds files that are not a raw table"
            raise step.StepError(f"{foreign}: name another folder for --raw-table")


def locate(address: str, workspace: str | None = None, secret: str | None = None) -> Location:
    """Return the location of a folder, or of ``blob:<account>/<container>/<path>`` with its credential."""
    if not address.startswith("blob:"):
        return Location(address, str(Path(address).absolute()))
    from tabular import remote_data

    uri, options = remote_data.delta_storage(remote_data.Remote(address, workspace, secret))
    return Location(address, uri, options, tuple(remote_data.secret_values(options)))


@contextmanager
def errors_of(location: Location) -> Iterator[None]:
    """Turn what goes wrong with the table into one message without a credential."""
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    try:
        yield
    except TableNotFoundError as error:
        raise step.StepError(
            f"there is no raw table at {location.address}: collect a delivery first"
        ) from error
    except CommitFailedError:
        raise
    except (DeltaError, OSError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        for secret in location.secrets:
            text = text.replace(secret, "***")
        raise step.StepError(f"cannot use the raw table at {location.address}: {text[:400]}") from error
