"""The text that shows a converter which activation channels are large: code in five languages.

Written for this purpose. It goes through the model as a fill-in-the-middle prompt, because the
control tokens are where the largest activations are.
"""

from __future__ import annotations

from homespun.models.types import FimTokens
from homespun.models.weights.tokenizer import BpeTokenizer

_PREFIX = '''"""Reads orders from a shop and groups them by customer."""
import json
import logging
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    customer: str
    amount_cents: int
    items: tuple[str, ...] = ()


class OrderBook:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders: list[Order] = []

    def load(self) -> int:
        for number, line in enumerate(self._path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                raw = json.loads(line)
            except ValueError as error:
                logger.warning("line %d is no JSON: %s", number, error)
                continue
            self._orders.append(Order(raw["customer"], int(raw["amount"] * 100)))
        return len(self._orders)

    def by_customer(self) -> dict[str, list[Order]]:
        groups = defaultdict(list)
        for order in self._orders:
'''
_SUFFIX = """
        return dict(groups)
"""
_MIDDLE = """            groups[order.customer].append(order)"""
_OTHERS = """
export async function fetchUser(id: string): Promise<User | undefined> {
  const response = await fetch(`/api/users/${encodeURIComponent(id)}`);
  if (!response.ok) return undefined;
  return (await response.json()) as User;
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
\tif r.Method != http.MethodGet {
\t\thttp.Error(w, "method not allowed", http.StatusMethodNotAllowed)
\t\treturn
\t}
}

pub fn parse(input: &str) -> Result<Vec<Token>, ParseError> {
    let mut tokens = Vec::with_capacity(input.len() / 4);
    for (i, c) in input.char_indices() { tokens.push(Token::new(i, c)); }
    Ok(tokens)
}

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
"""


def calibration_ids(tokenizer: BpeTokenizer, fim: FimTokens) -> list[int]:
    """Return the ids of the calibration prompt; control tokens a model lacks are left out."""
    ids: list[int] = []
    known = tokenizer.control_names()
    for control, text in (
        (fim.file_sep, f"shop/other.ts\n{_OTHERS}"),
        (fim.file_sep, "shop/orders.py\n"),
        (fim.prefix, _PREFIX),
        (fim.suffix, _SUFFIX),
        (fim.middle, _MIDDLE),
    ):
        if control in known:
            ids.append(tokenizer.control(control))
        ids += tokenizer.encode(text)
    return ids
