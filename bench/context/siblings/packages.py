"""Eight packages that call each other, and further ones that make thirty packs; pinned."""

from __future__ import annotations

from homespun.training.shipped.packages import Package
from homespun.training.shipped.sources import sources

# Package -> the folder that others import.
CALLING = {
    Package(
        *("pypi", "anyio", "4.16.0"),
        "59bb03251907983d1603d27c3087ddb1e93299ea2163adcdba37899a4fb12ffb",
    ): "src/anyio",
    Package(
        *("pypi", "h11", "0.16.0"),
        "4e35b956cf45792e4caa5885e69fba00bdbc6ffafbfa020300e549b208ee5ff1",
    ): "h11",
    Package(
        *("pypi", "httpcore", "1.0.9"),
        "6e34463af53fd2ab5d807f399a9b45ea31c3dfa2276f15a2c3f00afff6e176e8",
    ): "httpcore",
    Package(
        *("pypi", "httpx", "0.28.1"),
        "75e98c5f16b0f35b567856f597f06ff2270a374470a5c2392242528e3e3e42fc",
    ): "httpx",
    Package(
        *("pypi", "starlette", "1.9.0"),
        "3d931de246ed870e35ce605974440816ef895e592f255d1396cfdf191d4c4318",
    ): "starlette",
    Package(
        *("pypi", "fastapi", "0.164.0"),
        "3db1b4b146924d284b33bd6b9ca244c8bd0560d5e3526591447fd3abe4383989",
    ): "fastapi",
    Package(
        *("pypi", "uvicorn", "0.46.0"),
        "fb9da0926999cc6cb22dc7cd71a94a632f078e6ae47ff683c5c420750fb7413d",
    ): "uvicorn",
    Package(
        *("pypi", "mcp", "2.3.0"),
        "8b147a50441cf059dc88c684e0aeed3687f0aa0f39c6cde7b90330effd2b34d8",
    ): "src/mcp",
}
# As a team's repositories are: some small, some large. The pins are those of the static encoder.
_MORE = """asgiref attrs blinker celery cryptography dulwich falcon gunicorn h2 itsdangerous jinja2
kombu langchain-core marshmallow networkx prefect requests-oauthlib sqlglot tornado typer werkzeug
websockets"""


def thirty() -> list[Package]:
    """Return the eight and twenty-two more."""
    pinned = {row.package.name: row.package for row in sources() if row.package.registry == "pypi"}
    return [*CALLING, *(pinned[name] for name in _MORE.split())]
