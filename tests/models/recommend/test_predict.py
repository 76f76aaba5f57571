"""What a key costs, counted by hand for a model that is small enough."""

from __future__ import annotations

import pytest

from homespun import paths
from homespun.models import catalogue
from homespun.models.recommend.predict import (
    RecordedKeys,
    StepWork,
    attention_products,
    cache_bytes,
    head_bytes,
    key_ms,
    layer_weights,
    predict,
    recorded_keys,
    resident_mb,
    step_ms,
)
from homespun.models.recommend.speeds import ROWS, MachineSpeeds
from homespun.models.types import DecoderShape
from homespun.models.weights.gguf import GgufSource

TINY = DecoderShape(
    layers=3, hidden=10, heads=4, kv_heads=2, head_dim=5, feed_forward=20, vocabulary=64
)
STEP = StepWork(rows=2, wanted=1, past=7)


def speeds(layer_ms=0.0, gigabyte_ms=1.0):
    """The same whatever the rows, but for what is given as a tuple."""
    row = [value if isinstance(value, tuple) else (value,) * 4 for value in (layer_ms, gigabyte_ms)]
    return MachineSpeeds(*row)


def test_weights_bytes_and_products_are_those_counted_by_hand():
    # q 10x20, k and v 10x10 each, o 20x10; gate, up and down 10x20 each
    assert layer_weights(TINY) == 3 * (200 + 100 + 100 + 200 + 3 * 200)
    assert head_bytes(TINY) == 640 / 2 + 640 / 128 * 4
    assert cache_bytes(TINY, 7) == 7 * 3 * 2 * (2 * 5) * 4
    # the first row sees 8 tokens, the second 9; each a product with keys and one with values
    assert attention_products(TINY, STEP) == 3 * 4 * 5 * 2 * (8 + 9)


def test_the_shapes_of_the_catalogue_have_the_sizes_that_are_known():
    small, large = (catalogue.get(f"qwen2.5-coder-{size}b").shape for size in ("0.5", "1.5"))
    assert layer_weights(small) == 357_826_560
    assert layer_weights(large) == 1_310_195_712
    assert (resident_mb(small), resident_mb(large)) == (1063, 2247)


@pytest.mark.model
def test_the_shape_in_the_catalogue_is_that_of_the_weights():
    entry = catalogue.get("qwen2.5-coder-0.5b")
    config = GgufSource(paths.source_dir(entry.name) / entry.files[0].name).config
    for name in DecoderShape.__slots__:
        assert getattr(entry.shape, name) == getattr(config, name)


def test_a_step_is_layers_weights_output_layer_cache_and_attention():
    found = step_ms(TINY, speeds(layer_ms=5.0, gigabyte_ms=1e9), STEP)
    attention = attention_products(TINY, STEP) * 2 / 128 * 1e9 / 1e9  # 128 rows take 1e9 ms a 1e9
    assert found == pytest.approx(
        3 * 5.0 + layer_weights(TINY) + head_bytes(TINY) + cache_bytes(TINY, 7) + attention
    )


def test_a_step_that_wants_no_token_reads_no_output_layer():
    machine = speeds(gigabyte_ms=1e9)
    without = step_ms(TINY, machine, StepWork(2, 0, 7))
    assert step_ms(TINY, machine, STEP) - without == pytest.approx(head_bytes(TINY))


def test_the_machine_is_as_fast_at_a_number_of_rows_as_between_those_that_were_timed():
    machine = speeds(gigabyte_ms=(10.0, 40.0, 100.0, 400.0))
    assert [machine.gigabyte(rows) for rows in ROWS] == [10.0, 40.0, 100.0, 400.0]
    assert (machine.gigabyte(1), machine.gigabyte(5), machine.gigabyte(500)) == (10.0, 25.0, 400.0)
    assert (machine.memory_gb_s, machine.int8_gproducts_s) == (100.0, 320.0)


def test_a_key_is_its_steps_and_what_comes_besides():
    recorded = RecordedKeys(keys=((STEP, STEP),), step_ms=3.0, key_ms=20.0)
    steps = 2 * step_ms(TINY, speeds(1.0), STEP)
    assert key_ms(TINY, speeds(1.0), (STEP, STEP), recorded) == pytest.approx(
        steps + 2 * 3.0 + 20.0 + 1.5  # to the editor and back
    )


def test_the_percentiles_are_those_of_the_recorded_keys():
    keys = tuple((StepWork(2, 0, 0),) * count for count in range(1, 102))
    times = predict(TINY, speeds(layer_ms=1.0, gigabyte_ms=1e-9), RecordedKeys(keys, 0.0, 0.0))
    assert times.p50_ms == pytest.approx(51 * 3 + 1.5)
    assert times.p95_ms == pytest.approx(96 * 3 + 1.5)


def test_what_was_recorded_is_keys_with_steps():
    recorded = recorded_keys()
    assert len(recorded.keys) >= 50
    assert all(step.rows >= step.wanted >= 1 for key in recorded.keys for step in key)
    assert 0 < recorded.key_ms < 50 and 0 < recorded.step_ms < 10
