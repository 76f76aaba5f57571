"""gitleaks' rules -> indexer/secrets/rules.json, for maintainers.

    python -m bench.secrets.convert_rules GITLEAKS_CHECKOUT_GIT_DIR [COMMIT]

Taken from the commit: config/gitleaks.toml (data) and LICENSE (MIT), which the file then holds.
Go's RE2 never backtracks, Python's `re` does: the search for what stands before a vendor's name
goes, what may follow a token becomes a look-ahead, flags in the middle become groups. Left out is
what `indexer/secrets/keywords.py` does itself (curl, Kubernetes, private keys, the general rule),
and what is public by design (identifiers of clients, public keys).
tests/indexer/secrets/test_rules.py runs each rule on long hostile lines.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "indexer" / "secrets" / "rules.json"
_OWN = frozenset(
    "generic-api-key private-key pkcs12-file kubernetes-secret-yaml curl-auth-header curl-auth-user"
    " nuget-config-password freemius-secret-key sidekiq-sensitive-url"
    # 40 hexadecimal digits alone are a commit: the named forms stay
    " sourcegraph-access-token".split()
)
_PUBLIC = re.compile(r"-client-id$|-pub-|-public-key$|-access-id$")
_BEFORE_NAME = r"[\w.-]{0,50}?"
_AFTER_NAME = r"(?:[ \t\w.-]{0,20})[\s'"
_AFTER_TOKEN = re.compile(
    r"""\(\?:\[\\x60'"\\s;\]\|\\\\\[nr\]\|\$(?:\|\\b)?\)|\(\?:\[\^[^\]]*\]\|\\z\)"""
)
_REPEATED_GROUP = re.compile(r"\(([^()?][^()]*)\)\{(\d)\}")  # its last turn is no secret
_FLAG = re.compile(r"\(\?i\)")


def main() -> int:
    """Write the file, and say which rules were left out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("repository", help="the git directory of a checkout of gitleaks")
    parser.add_argument("commit", nargs="?", default="HEAD")
    args = parser.parse_args()
    repository = args.repository
    commit = _git(repository, "rev-parse", args.commit).strip()
    rules = tomllib.loads(_git(repository, "show", f"{commit}:config/gitleaks.toml"))["rules"]
    kept = [rule for rule in rules if _is_wanted(rule)]
    body = {
        "source": "https://github.com/gitleaks/gitleaks config/gitleaks.toml",
        "commit": commit,
        "licence": _git(repository, "show", f"{commit}:LICENSE"),
        "changes": "converted from RE2 to Python's re by bench/secrets/convert_rules.py",
        "rules": [_converted(rule) for rule in kept],
    }
    TARGET.write_text(json.dumps(body, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    left = sorted(rule["id"] for rule in rules if rule not in kept)
    print(f"{len(kept)} rules; left out: {', '.join(left)}")
    return 0


def _is_wanted(rule: dict[str, Any]) -> bool:
    return "regex" in rule and rule["id"] not in _OWN and not _PUBLIC.search(rule["id"])


def _converted(rule: dict[str, Any]) -> dict[str, Any]:
    pattern = rule["regex"]
    named = _AFTER_NAME in pattern
    pattern = pattern.replace(_BEFORE_NAME, "")
    pattern = _AFTER_TOKEN.sub("(?![A-Za-z0-9])", pattern)
    pattern = pattern.replace("[[:alnum:]]", "[A-Za-z0-9]").replace(r"\z", r"\Z")
    pattern = _with_scoped_flags(_REPEATED_GROUP.sub(r"(?:\1){\2}", pattern))
    re.compile(pattern)
    allowed = [each for own in rule.get("allowlists", ()) for each in own.get("regexes", ())]
    return {
        "id": rule["id"],
        "keywords": rule["keywords"],
        "regex": pattern,
        "entropy": rule.get("entropy", 0),
        "named": named,
        "allowed": allowed,
    }


def _with_scoped_flags(pattern: str) -> str:
    """Turn a flag in the middle into a group up to where its own group ends."""
    while (found := _FLAG.search(pattern)) is not None:
        end = _end_of_group(pattern, found.end())
        pattern = f"{pattern[: found.start()]}(?i:{pattern[found.end() : end]}){pattern[end:]}"
    return pattern


def _end_of_group(pattern: str, at: int) -> int:
    depth = 0
    in_class = False
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                return at
        at += 1
    return at


def _git(repository: str, *arguments: str) -> str:
    command = ["git", "--git-dir", repository, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
