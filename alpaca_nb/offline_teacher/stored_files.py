"""`/v1/files`: files uploaded to the server, and those it makes, kept in memory as long as it runs."""

import re
import threading
import time
from dataclasses import dataclass, field

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.refusals import ApiError, bad_value, unknown

_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILENAME = re.compile(rb'\bfilename="([^"]*)"')


@dataclass(frozen=True)
class StoredFile:
    """One file and what is said about it."""

    id: str
    name: str
    purpose: str
    content: bytes
    created_at: int  # Unix seconds
    expires_at: int | None = None

    def card(self) -> dict[str, Json]:
        """Its description, as the API gives it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass
class StoredFiles:
    """All files of one server."""

    _files: dict[str, StoredFile] = field(default_factory=dict)
    _made: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, purpose: str, content: bytes, lifetime_seconds: int | None = None) -> StoredFile:
        """Keep a file; returns it with its id."""
        now = int(time.time())
        with self._lock:
            self._made += 1
            expires_at = None if lifetime_seconds is None else now + lifetime_seconds
            file = StoredFile(f"file-{self._made:06d}", name, purpose, content, now, expires_at)
            self._files[file.id] = file
        return file

    def upload(self, content_type: str, body: bytes) -> StoredFile:
        """Take a file out of a multipart form; raises `ApiError` where the form is not as it should be."""
        fields = multipart_fields(content_type, body)
        purpose = fields.get("purpose", ("", b""))[1].decode("utf-8", "replace")
        if purpose not in _PURPOSES:
            raise bad_value("purpose", f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'")
        if "file" not in fields:
            raise bad_value("file", "'file' is a required property")
        lifetime = fields.get("expires_after[seconds]", ("", b""))[1]
        name, content = fields["file"]
        return self.add(name or "file", purpose, content, int(lifetime) if lifetime.isdigit() else None)

    def get(self, id: str) -> StoredFile:
        """Find a file; raises `ApiError` (404)."""
        file = self._files.get(id)
        if file is None:
            raise unknown("file", id)
        return file

    def delete(self, id: str) -> Json:
        """Forget a file; raises `ApiError` (404)."""
        with self._lock:
            self.get(id)
            del self._files[id]
        return {"id": id, "object": "file", "deleted": True}

    def newest_first(self, purpose: str = "") -> list[StoredFile]:
        """All files, or those for one purpose."""
        with self._lock:
            return [file for file in reversed(self._files.values()) if purpose in ("", file.purpose)]


def multipart_fields(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """Read a `multipart/form-data` body: field name → (file name, content); raises `ApiError`."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise ApiError(400, "A file is uploaded as multipart/form-data with a boundary.")
    marker = b"--" + boundary.group(1).encode()
    fields = {}
    for part in (b"\r\n" + body).split(b"\r\n" + marker)[1:]:
        head, found, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name, filename = _NAME.search(head), _FILENAME.search(head)
        if found and name is not None:
            fields[name.group(1).decode()] = (filename.group(1).decode() if filename else "", content)
    return fields
