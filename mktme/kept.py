"""Which certificates are kept, and under what name: one file for each proved cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from checker.certifying.certificate import file_name, write
from mktme.judge import Cell
from mktme.orders import folder_from_text
from mktme.results.output import NotWritten


def keep(cells: Iterable[Cell], folder: str) -> Mapping[tuple[str, str], Path]:
    """Write the certificates of the cells; (design, property) to the file.

    Raises OrderError for a folder that cannot be made, and NotWritten.
    """
    where = folder_from_text(folder, "certificates")
    written = {}
    for cell in cells:
        certificate = cell.verdict.certificate if cell.verdict else None
        if certificate is not None:
            path = where / file_name(certificate, cell.design.name, cell.property_id)
            try:
                write(path, certificate)
            except OSError as error:
                raise NotWritten(f"cannot write {str(path)!r}: {error.strerror}") from None
            written[cell.design.name, cell.property_id] = path
    return written
