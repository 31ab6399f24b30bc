"""The zip file: the same content gives the same bytes, on every machine."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from manifest.template import COLOR_ICON, OUTLINE_ICON

ICONS = Path(__file__).parent
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_UNIX, _FILE_MODE = 3, 0o100644


def build(manifest: Mapping[str, Any]) -> bytes:
    """The package of a manifest and the app's icons."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    files = {name: (ICONS / name).read_bytes() for name in (COLOR_ICON, OUTLINE_ICON)}
    files["manifest.json"] = text.encode()
    package = BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE << 16
            archive.writestr(entry, content)  # stored, not deflated: what zlib makes of it differs between its versions
    return package.getvalue()
