"""Encoded spectra: the same as from the stream, gone on with after a stop, of one encoder only."""

from __future__ import annotations

import pytest
import torch

from amortized_sfh.training.encoded_set import EncodedSet, encode_to_file
from amortized_sfh.training.stream import Stream

CHUNK = 64


@pytest.fixture(scope="module")
def stream(small_model):
    return Stream(small_model, seed=5, chunk_size=CHUNK)


@pytest.fixture
def encode(stream, small_posterior, tmp_path):
    path = tmp_path / "encoded.h5"
    return lambda n, **more: encode_to_file(small_posterior.encoder, stream, n, path, **more)


def test_rows_are_those_of_the_stream(encode, stream, small_posterior):
    encoded = EncodedSet(encode(100))
    assert len(encoded) == 2 * CHUNK
    batch = next(encoded.batches(2 * CHUNK))
    source = stream.batches(CHUNK)
    parts = [next(source), next(source)]
    u = torch.cat([part.u for part in parts])
    row = torch.cdist(batch.u.double(), u.double()).argmin(1)
    assert sorted(row.tolist()) == list(range(2 * CHUNK))
    torch.testing.assert_close(batch.u, u[row])
    with torch.no_grad():
        expected = small_posterior.encoder(torch.cat([part.x for part in parts]))
    # kept in half precision
    torch.testing.assert_close(batch.latent, expected[row], rtol=2e-3, atol=2e-3)
    for k, values in enumerate(batch.target):
        torch.testing.assert_close(values, torch.cat([part.target[k] for part in parts])[row])


def test_a_stopped_run_is_gone_on_with(encode, tmp_path):
    whole = EncodedSet(encode(4 * CHUNK))
    (tmp_path / "encoded.h5").unlink()

    def stop(done: int) -> None:
        if done == 2 * CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(4 * CHUNK, progress=stop)
    assert [f.name for f in tmp_path.iterdir()] == ["encoded.h5.part"]
    done = []
    again = EncodedSet(encode(4 * CHUNK, progress=done.append))
    assert done == [3 * CHUNK, 4 * CHUNK]
    first, second = (next(encoded.batches(4 * CHUNK)) for encoded in (whole, again))
    torch.testing.assert_close(first.latent, second.latent, rtol=2e-3, atol=2e-3)
    assert torch.equal(first.u, second.u)


def test_another_number_or_encoder_is_refused(encode, stream, small_posterior, new_posterior):
    path = encode(CHUNK)
    assert encode(CHUNK) == path
    with pytest.raises(ValueError, match="expected 'latent vectors, version 1: 192 spectra"):
        encode(3 * CHUNK)
    other = new_posterior(stream.generative, seed=9).encoder
    with pytest.raises(ValueError, match="encoder"):
        encode_to_file(other, stream, CHUNK, path)
    with pytest.raises(ValueError, match="batch size 100 is more than the 64 spectra"):
        EncodedSet(path).batches(100)
