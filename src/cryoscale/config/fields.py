"""Types of fields: paths that belong to the folder of the configuration file, days of any year."""

import difflib
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo

from cryoscale.folders import Folder, folder_at


def _below_config(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder, path.expanduser())


ConfigPath = Annotated[Path, AfterValidator(_below_config)]
"""A path that is taken relative to the folder of the configuration file."""


def _readable(path: Path, info: ValidationInfo) -> Path:
    """Of a configuration that is loaded to be used; GDAL alone knows what is in archives and behind addresses."""
    if (info.context or {}).get("folder") is None or str(path).startswith("/vsi"):
        return path
    place = path.absolute()
    if not os.path.lexists(place):
        raise ValueError(f"{place} is not there; {_nearest(place)}")
    if not os.access(place, os.R_OK):
        raise ValueError(f"{place} may not be read by you, or leads nowhere")
    return path


def _nearest(path: Path) -> str:
    """What is there instead of an absolute path that is not."""
    folder = next(parent for parent in path.parents if parent.is_dir())
    wanted = path.relative_to(folder).parts[0]
    if not os.access(folder, os.R_OK | os.X_OK):
        return f"you may not look into {folder}"
    close = difflib.get_close_matches(wanted, os.listdir(folder), n=1)
    return f"did you mean {folder / close[0]}?" if close else f"{folder} holds no {wanted!r}"


ConfigInput = Annotated[ConfigPath, AfterValidator(_readable)]
"""A file or folder that a run reads: it must be there when the configuration is loaded."""


def _month_day(text: str) -> str:
    try:
        return datetime.strptime(f"2001-{text}", "%Y-%m-%d").strftime("%m-%d")
    except ValueError:
        raise ValueError("must be a day that every year has, as MM-DD, for example 05-01") from None


MonthDay = Annotated[str, AfterValidator(_month_day)]
"""A day of any year, ``MM-DD``."""


def _folder_below_config(location: Any, info: ValidationInfo) -> Folder | None:
    if location is None:
        return None
    folder = folder_at(location)
    return _below_config(folder, info) if isinstance(folder, Path) else folder


ConfigFolder = Annotated[Folder, PlainValidator(_folder_below_config), PlainSerializer(str)]
"""A folder for stores: a path relative to that of the configuration file, or a URL such as ``s3://bucket/prefix``."""
