"""SmolLM2 in torch: the frozen base of the GGUF file, an adapter on every linear layer, rounded to 4 bits.

What is shipped are the merged weights rounded to 4 bits, so that is what computes the loss: each linear layer
adds the rounding error of its merged weights to them. The error is had from the very function that
`healthslm model build` rounds with; it is taken anew every so many steps, for in between the weights move by
less than a code. Gradients reach the adapter as if nothing were rounded.

Sources:
[1] Hu EJ et al. LoRA: low-rank adaptation of large language models. ICLR 2022. arXiv:2106.09685
[2] Bengio Y et al. Estimating or propagating gradients through stochastic neurons. arXiv:1308.3432 (the
    straight-through estimator)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from healthslm.slm.weights import Matrix, Shape, Source, four_bit

RANK = 16
SCALE = 2.0
"""The adapter's product counts so many times: alpha / rank of [1]."""
PARTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""The linear layers of one block, by their names in the GGUF file."""


class Linear(nn.Module):
    """One frozen linear layer with an adapter: `x` of shape `(..., columns)` to `(..., rows)`.

    `down` is `(rank, columns)`, `up` `(rows, rank)`; `up` begins at zero, so nothing is changed at first.
    """

    def __init__(self, matrix: Matrix, *, kind: torch.dtype) -> None:
        super().__init__()
        rows, columns = matrix.shape
        self.base = torch.from_numpy(matrix.copy())
        self.down = nn.Parameter(torch.randn(RANK, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, RANK))
        self.kind = kind
        self.register_buffer("frozen", self.base.to(kind), persistent=False)
        self.round()

    @torch.no_grad()
    def merged(self) -> Matrix:
        """Return the weights with the adapter in them, float32 `(rows, columns)`."""
        made: Matrix = (self.base + SCALE * (self.up.cpu() @ self.down.cpu())).numpy()
        return made

    @torch.no_grad()
    def round(self) -> None:
        """Take the rounding error of the merged weights anew."""
        merged = self.merged()
        error = torch.from_numpy(four_bit(merged).matrix() - merged)
        self.frozen = (self.base + error).to(self.kind).to(self.down.device)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by the frozen weights with their rounding error, and by the adapter."""
        flat = x.reshape(-1, x.shape[-1])
        low = functional.linear(flat, SCALE * self.down.to(x.dtype))
        made = torch.addmm(functional.linear(flat, self.frozen), low, self.up.to(x.dtype).t())
        return made.view(*x.shape[:-1], -1)


class Block(nn.Module):
    """One transformer layer."""

    def __init__(self, source: Source, layer: int, *, kind: torch.dtype) -> None:
        super().__init__()
        self.shape = source.shape
        name = f"blk.{layer}."
        for part in PARTS:
            self.add_module(part, Linear(source.adapted(f"{name}{part}"), kind=kind))
        for norm in ("attn_norm", "ffn_norm"):
            weight = torch.from_numpy(source.matrix(f"{name}{norm}.weight").copy())
            self.register_buffer(norm, weight.to(kind), persistent=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], unseen: Tensor) -> Tensor:
        """Add attention and feed-forward to `x`, `(batch, length, width)`.

        `turn` are RoPE's tables; `unseen`, `(length, length)`, is minus infinity where a place comes later.
        """
        x = x + self._attended(self._normed(x, self.attn_norm), turn, unseen)
        normed = self._normed(x, self.ffn_norm)
        return x + self.ffn_down(functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed))

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(x, (self.shape.width,), weight, self.shape.epsilon)

    def _attended(self, x: Tensor, turn: tuple[Tensor, Tensor], unseen: Tensor) -> Tensor:
        batch, length, _ = x.shape

        def heads(part: Tensor, count: int) -> Tensor:
            return part.view(batch, length, count, self.shape.head).transpose(1, 2)

        q = _turned(heads(self.attn_q(x), self.shape.heads), turn)
        k = _turned(heads(self.attn_k(x), self.shape.kv_heads), turn)
        v = heads(self.attn_v(x), self.shape.kv_heads)
        # Written out: on a CPU the fused one takes five times as long to go back through short rows.
        each = self.shape.heads // self.shape.kv_heads
        k, v = (part.repeat_interleave(each, dim=1) for part in (k, v))
        weights = (q * self.shape.head**-0.5) @ k.transpose(2, 3) + unseen
        seen = weights.softmax(-1, dtype=torch.float32).to(v.dtype) @ v
        return self.attn_output(seen.transpose(1, 2).reshape(batch, length, -1))


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate queries or keys by their places (RoPE, half and half)."""
    cosines, sines = turn
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)


class Network(nn.Module):
    """The whole model. Only the adapter's matrices are parameters that are learned."""

    def __init__(self, source: Source, *, kind: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.shape: Shape = source.shape
        table = four_bit(source.matrix("token_embd.weight")).matrix()
        self.register_buffer("embedding", torch.from_numpy(table).to(kind), persistent=False)
        self.blocks = nn.ModuleList(Block(source, n, kind=kind) for n in range(self.shape.layers))
        norm = torch.from_numpy(source.matrix("output_norm.weight").copy())
        self.register_buffer("norm", norm.to(kind), persistent=False)
        speeds = 1.0 / (self.shape.rope_base ** (torch.arange(0, self.shape.head, 2) / self.shape.head))
        self.register_buffer("speeds", speeds, persistent=False)

    def forward(self, ids: Tensor, wanted: Tensor) -> Tensor:
        """Return the scores of the next token at the places `wanted`: `(count, vocabulary)`, float32.

        `ids` and `wanted` are `(batch, length)`; rows are filled up at their ends, where nothing is wanted.
        Places that are not wanted cost no product with the vocabulary.
        """
        angles = torch.outer(torch.arange(ids.shape[1], device=ids.device).float(), self.speeds)
        turn = angles.cos().to(self.embedding.dtype), angles.sin().to(self.embedding.dtype)
        x = functional.embedding(ids, self.embedding)
        unseen = torch.full((ids.shape[1], ids.shape[1]), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
        for block in self.blocks:
            x = block(x, turn, unseen)
        x = functional.rms_norm(x[wanted], (self.shape.width,), self.norm, self.shape.epsilon)
        return functional.linear(x, self.embedding).float()

    def linears(self) -> Iterator[tuple[str, Linear]]:
        """Yield every adapted layer by its name in the GGUF file: `blk.0.attn_q`, …."""
        for number, block in enumerate(self.blocks):
            for part in PARTS:
                yield f"blk.{number}.{part}", block.get_submodule(part)

    def round(self) -> None:
        """Take the rounding errors of all layers anew."""
        for _, linear in self.linears():
            linear.round()

    def adapter(self) -> dict[str, Tensor]:
        """Return the adapter by name: `blk.0.attn_q.down`, `blk.0.attn_q.up`, …; the scale is in `up`."""
        found = {}
        for name, linear in self.linears():
            found[f"{name}.down"] = linear.down.detach().cpu()
            found[f"{name}.up"] = SCALE * linear.up.detach().cpu()
        return found
