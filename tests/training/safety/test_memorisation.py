"""What a model gives away of its training text."""

from __future__ import annotations

from homespun.training.safety.memorisation import CopyFinder

LONG = "\n".join(f"value_{n} = compute(item_{n}, {n})" for n in range(40))


def test_a_run_of_fifty_tokens_of_training_text_is_a_copy():
    finder = CopyFinder([LONG])
    lines = LONG.split("\n")
    assert finder.has_copy("x = 1\n  " + "   ".join(lines[3:10]))  # white space does not count
    assert not finder.has_copy("\n".join(lines[3:7]))  # 36 tokens
    assert not finder.has_copy("\n".join(lines[n] for n in (3, 5, 7, 9, 11, 13, 15)))
    assert not CopyFinder([]) and finder
