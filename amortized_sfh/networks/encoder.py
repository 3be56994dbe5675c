"""The encoder: spectrum and photometry into one shared latent space.

Convolutions turn the spectrum into tokens, self-attention relates distant features, learned queries
read the tokens out, and a residual network fuses that with the bands, the redshift and a linear
view of the whole spectrum. Errors and masks are inputs, so any subset of pixels and bands works.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from amortized_sfh.networks.input_layout import Layout


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Sizes of the encoder.

    Parameters
    ----------
    n_latent
        Width of the shared latent space.
    n_channel
        Number of channels of the first convolution.
    n_token_channel
        Length of the vector of one token.
    kernel, stride
        Kernel and stride of the first convolution in pixels.
    token_stride
        Stride and kernel of the second convolution, in outputs of the first.
    n_attention
        Number of self-attention layers over the tokens.
    n_head
        Number of attention heads in each of them and in the readout.
    n_query
        Number of learned queries that read out the tokens.
    n_hidden
        Width of the linear view of the spectrum and of the fusion network.
    n_fusion
        Number of residual blocks of the fusion network.
    continuum_pixels
        Width of the running mean that splits features from continuum.
    """

    n_latent: int = 128
    n_channel: int = 32
    n_token_channel: int = 96
    kernel: int = 11
    stride: int = 5
    token_stride: int = 12
    n_attention: int = 1
    n_head: int = 4
    n_query: int = 6
    n_hidden: int = 256
    n_fusion: int = 3
    continuum_pixels: int = 121


class Encoder(nn.Module):
    """Network from packed data to a latent vector: convolutions, attention and fusion.

    Parameters
    ----------
    layout
        Positions of spectrum, bands and redshift in the packed input.
    config
        Sizes of the network; those of the shipped models by default.

    Raises
    ------
    ValueError
        If the spectrum has too few pixels for a single token.
    """

    def __init__(self, layout: Layout, config: EncoderConfig | None = None) -> None:
        super().__init__()
        config = config or EncoderConfig()
        needed = config.stride * (config.token_stride - 1) + 1
        if layout.n_pix < needed:
            raise ValueError(
                f"a spectrum of {layout.n_pix} pixels is too short for the encoder: expected at "
                f"least {needed}, or a smaller stride ({config.stride}) or token_stride "
                f"({config.token_stride})"
            )
        self.layout, self.config = layout, config
        c, d = config.n_channel, config.n_token_channel
        self.features = nn.Conv1d(
            4, c, config.kernel, stride=config.stride, padding=config.kernel // 2
        )
        self.tokens = nn.Conv1d(c, d, config.token_stride, stride=config.token_stride)
        n_first = (layout.n_pix + 2 * (config.kernel // 2) - config.kernel) // config.stride + 1
        n_token = (n_first - config.token_stride) // config.token_stride + 1
        self.position = nn.Parameter(0.02 * torch.randn(n_token, d))
        self.attention = nn.ModuleList(
            SelfAttention(d, config.n_head) for _ in range(config.n_attention)
        )
        self.readout = AttentionReadout(d, config.n_query, config.n_head)
        self.linear_view = nn.Linear(2 * layout.n_pix, config.n_hidden)
        # the bands and the context are all of the input that is no spectrum
        n_in = config.n_query * d + config.n_hidden + layout.n_x - 2 * layout.n_pix
        self.fusion_in = nn.Linear(n_in, config.n_hidden)
        self.fusion = nn.ModuleList(ResidualBlock(config.n_hidden) for _ in range(config.n_fusion))
        self.latent = nn.Linear(config.n_hidden, config.n_latent)

    def forward(self, x: Tensor) -> Tensor:
        """Encode packed inputs.

        Parameters
        ----------
        x
            Packed data from `Layout.pack`, shape (n, n_x).

        Returns
        -------
        Tensor
            Latent vectors, shape (n, n_latent).
        """
        inputs = self.layout.unpack(x)
        present = (inputs.precision > 0).to(x.dtype)
        contrast = self._contrast(inputs.flux, inputs.precision, present)
        channels = torch.stack([inputs.flux, contrast, inputs.precision / 4.0, present], dim=1)
        tokens = F.gelu(_patch_convolution(self.tokens, F.gelu(self.features(channels))))
        tokens = tokens + self.position
        for layer in self.attention:
            tokens = layer(tokens)
        view = self.linear_view(channels[:, :2].flatten(1))
        fused = torch.cat([self.readout(tokens), view, inputs.bands, inputs.context], dim=1)
        fused = self.fusion_in(fused)
        for block in self.fusion:
            fused = block(fused)
        return self.latent(fused)

    def _contrast(self, flux: Tensor, precision: Tensor, present: Tensor) -> Tensor:
        """Flux minus its running mean over valid pixels, amplified where the S/N allows."""
        half = self.config.continuum_pixels // 2
        continuum = _running_sum(flux, half) / _running_sum(present, half).clamp_min(1.0)
        # precision is asinh(S/N): full gain of ten above S/N 10, less below
        gain = 10.0 * torch.tanh(0.1 * torch.sinh(precision.clamp_max(6.0)))
        return (flux - continuum) * gain


def _patch_convolution(layer: nn.Conv1d, x: Tensor) -> Tensor:
    """Convolution whose patches do not overlap, as one matrix product (twice as fast on CPUs).

    From (n, channels, length) to (n, n_patch, channels of the layer).
    """
    width = layer.kernel_size[0]
    patches = x.unfold(2, width, width).transpose(1, 2).flatten(2)
    return F.linear(patches, layer.weight.flatten(1), layer.bias)


def _running_sum(values: Tensor, half: int) -> Tensor:
    """Sum over the pixels at most `half` away, shape (n, n_pix) to the same."""
    total = F.pad(values.cumsum(dim=1), (half + 1, 0))
    total = torch.cat([total, total[:, -1:].expand(-1, half)], dim=1)
    return total[:, 2 * half + 1 :] - total[:, : -2 * half - 1]


class SelfAttention(nn.Module):
    """Pre-norm self-attention and a two-layer perceptron, both residual.

    Parameters
    ----------
    width
        Length of the vector of one token.
    n_head
        Number of attention heads; divides `width`.
    """

    def __init__(self, width: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Let every token, shape (n, n_token, width), see all others of its spectrum."""
        qkv = self.qkv(self.norm(tokens)).unflatten(-1, (3, self.n_head, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.out(mixed)
        return tokens + self.perceptron(tokens)


class AttentionReadout(nn.Module):
    """Learned queries that summarise tokens.

    Parameters
    ----------
    width
        Length of the vector of one token.
    n_query
        Number of queries, each of which gives one weighted mean of the tokens.
    n_head
        Number of attention heads; divides `width`.
    """

    def __init__(self, width: int, n_query: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.query = nn.Parameter(torch.randn(n_head, n_query, width // n_head))
        self.norm = nn.LayerNorm(width)
        self.key_value = nn.Linear(width, 2 * width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Summarise tokens (n, n_token, width) in one vector each, (n, n_query * width)."""
        key_value = self.key_value(self.norm(tokens)).unflatten(-1, (2, self.n_head, -1))
        k, v = key_value.permute(2, 0, 3, 1, 4)
        query = self.query.expand(len(tokens), -1, -1, -1)
        return F.scaled_dot_product_attention(query, k, v).transpose(1, 2).flatten(1)


class ResidualBlock(nn.Module):
    """Two-layer perceptron behind a layer norm, added to its own input.

    Parameters
    ----------
    width
        Number of values in input and output.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return values (n, width) with the output of the perceptron added."""
        return x + self.layers(x)
