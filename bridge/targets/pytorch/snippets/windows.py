"""What generated files need for windows that torch.nn does not know."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def expanded(x: Tensor, *sizes: int) -> Tensor:
    """Repeat x to sizes; where a size is 1, x keeps its own."""
    rank = max(x.dim(), len(sizes))
    own = (1,) * (rank - x.dim()) + tuple(x.shape)
    wanted = (1,) * (rank - len(sizes)) + sizes
    pairs = zip(own, wanted, strict=True)
    return x.expand([size if kept == 1 else kept for kept, size in pairs])


def around(pads: tuple[int, ...]) -> tuple[int, ...]:
    """Padding as F.pad takes it, from all befores followed by all afters."""
    half = len(pads) // 2
    pairs = [(pads[axis], pads[half + axis]) for axis in reversed(range(half))]
    return tuple(amount for pair in pairs for amount in pair)


def mean_of_cells(
    x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], pads: tuple[int, ...]
) -> Tensor:
    """The mean of the real cells of each window, padding left out."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    cells = F.pad(torch.ones_like(x[:1, :1]), around(pads))
    share: Tensor = pool(cells, kernel, stride)
    mean: Tensor = pool(F.pad(x, around(pads)), kernel, stride)
    return mean / share


def places_of_maxima(
    x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], pads: tuple[int, ...]
) -> Tensor:
    """Where the maximum of each window is, as a number that counts through all of x."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    numbers = torch.arange(x.numel(), device=x.device).reshape(x.shape)
    numbers = F.pad(numbers, around(pads), value=-1).flatten(2)
    padded = F.pad(x, around(pads), value=-math.inf)
    places: Tensor = pool(padded, kernel, stride, return_indices=True)[1]
    return numbers.gather(2, places.flatten(2)).reshape(places.shape)


def mirrored(x: Tensor, axis: int, before: int, behind: int) -> Tensor:
    """Cells mirrored at both ends of an axis; the outermost ones are not repeated."""
    size = x.shape[axis]
    numbers = torch.arange(-before, size + behind, device=x.device).abs()
    return x.index_select(axis, size - 1 - (size - 1 - numbers).abs())


def maxima_of_regions(
    images: Tensor, regions: Tensor, grid: tuple[int, int], scale: float
) -> Tensor:
    """The maximum of each cell of a grid over regions [R, 5] of images [N, C, H, W].

    A region is the number of its image and (x1, y1, x2, y2), which scale turns into
    pixels. A cell outside of the image is 0.
    """

    def inside(first: Tensor, last: Tensor, cells: int, size: int) -> Tensor:
        """Which pixels belong to which cell: [cells, size]."""
        step = (last - first + 1).clamp(min=1) / cells
        numbers = torch.arange(cells, device=images.device)
        start = first + torch.floor(numbers * step)
        end = first + torch.ceil((numbers + 1) * step)
        pixels = torch.arange(size, device=images.device)
        return (pixels >= start.unsqueeze(1)) & (pixels < end.unsqueeze(1))

    height, width = images.shape[2:]
    found = []
    for region in regions:
        scaled = region[1:] * scale
        left, top, right, bottom = (
            scaled.sign() * (scaled.abs() + 0.5).floor()
        ).unbind()
        rows = inside(top, bottom, grid[0], height)[:, None, :, None]
        columns = inside(left, right, grid[1], width)[None, :, None, :]
        cells = images[region[0].long(), :, None, None]
        found.append(cells.masked_fill(~(rows & columns), -math.inf).amax((3, 4)))
    pooled = torch.stack(found)
    return torch.where(pooled == -math.inf, 0.0, pooled)
