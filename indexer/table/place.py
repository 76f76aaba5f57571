"""EDGE: opens a table of many repositories with LanceDB, in a folder or a bucket.

Which place that is the user alone says. What lies there is trusted no further than it can be
checked: no link of a folder is followed, a table of other columns is refused in one sentence, and
what LanceDB raises ends here. Credentials come from the environment, as LanceDB takes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lancedb

from homespun.indexer.errors import TableRefused
from homespun.indexer.packs.names import folder_path, scheme_of
from homespun.indexer.packs.sharing.buckets import ENDPOINTS, is_near
from homespun.indexer.storage.lance_errors import PANICS, first_line
from homespun.indexer.table.schema import SCHEMAS, why_foreign
from homespun.models.download.offline import is_offline
from homespun.storage import is_junction, make_private_folder

_SECONDS = {"timeout": "30s", "connect_timeout": "10s"}  # of one request to a bucket
_SAID_CHARS = 200
_SECRETS = re.compile(r"(?i)(?:X-Amz-\w+|Signature|AWSAccessKeyId|sig|token)=[^&\s\"]+")
# What a cloud's library says in a screenful.
_MEANT = (
    (
        re.compile(r"SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied|Unauthenticated"),
        "the store refuses the credentials of the environment",
    ),
    (
        re.compile(r"RetryError|error sending request|Connect error|timed out"),
        "the store cannot be reached",
    ),
)


class TablePlace:
    """The two tables at an address."""

    def __init__(self, uri: str, *, create: bool = False) -> None:
        """Connect; a folder that is missing is made with `create`. Raises `TableRefused`."""
        self.where = repr(uri)
        scheme = scheme_of(uri)
        with self.asked():
            if scheme == "file":
                folder = Path(folder_path(uri)).expanduser().absolute()
                self._db = lancedb.connect(_folder(folder, create=create))
            else:
                if is_offline():
                    raise TableRefused(f"HOMESPUN_OFFLINE is set, so {self.where} is not asked")
                self._db = lancedb.connect(uri, storage_options=_options(self.where))
            self._names = set(self._db.list_tables(limit=1000).tables)

    def table(self, name: str, *, create: bool = False) -> Any:  # noqa: ANN401 - untyped library
        """Return `chunks` or `repos`, open. Raises `TableRefused` where it is missing or foreign.

        One that is missing is made with `create`.
        """
        with self.asked():
            if create and name not in self._names:
                made = self._db.create_table(name, schema=SCHEMAS[name], exist_ok=True)
                self._names.add(name)
                return made
            if name not in self._names:
                raise TableRefused(
                    f"there is no table of repositories at {self.where}; `homespun fleet table "
                    "URI REPOS.txt` builds one"
                )
            table = self._db.open_table(name)
            why = why_foreign(name, table.schema)
        if why:
            raise TableRefused(
                f"what lies at {self.where} is no table of repositories that this version reads: "
                f"{why}; build it anew with `homespun fleet table`, in another place"
            )
        return table

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Turn what LanceDB raises in the block into a sentence."""
        try:
            yield
        except (OSError, RuntimeError, ValueError, KeyError, NotImplementedError) as error:
            raise self._refused(error) from error
        except BaseException as error:
            if type(error).__name__ not in PANICS:  # inside Lance, on bytes that make no sense
                raise
            raise self._refused(error) from error

    def _refused(self, error: BaseException) -> TableRefused:
        why = next((words for pattern, words in _MEANT if pattern.search(str(error))), "")
        said = why or _SECRETS.sub("…", first_line(error))[:_SAID_CHARS]
        return TableRefused(f"the table at {self.where} does not answer as it should: {said}")


def _folder(folder: Path, *, create: bool) -> Path:
    """Return the folder. Raises `TableRefused` where there is none, or a link in it."""
    if create:
        make_private_folder(folder)
    if not folder.is_dir():
        raise TableRefused(
            f"there is no folder {str(folder)!r}, so no table; `homespun fleet table` builds one"
        )
    for above, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(above, name)
            if path.is_symlink() or is_junction(path):
                raise TableRefused(
                    f"{str(path)!r} is a link, and nothing in a table is followed; delete it"
                )
    return folder


def _options(where: str) -> dict[str, str]:
    """Return what LanceDB is told beside the credentials, which it finds in the environment."""
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    options = dict(_SECONDS)
    if endpoint:
        options["aws_endpoint"] = endpoint
    if is_near(where):
        options["allow_http"] = "true"
    return options
