"""A random network under construction: a pool of values to which operators are applied until enough of them stand."""

from typing import Any, Callable, List, Optional, Sequence, Tuple

import cntk
import numpy as np
from recorder.case import Batch, Case, case

FREE = cntk.FreeDimension
FREE_SIZE = 4
"""What free dimensions measure in the inputs fed."""

NAMES = ("z", "y", "scope/z", "two words", "T", "N", "Shape", "x.0")
"""Names of outputs: common ones, and those that a converter may want for itself."""

Operation = Callable[["Program"], Any]


class NothingFitsError(Exception):
    """The pool holds no operand of the kind that an operator needs."""


class Program:
    """Draws and the network drawn so far. Everything random comes from `random`."""

    def __init__(self, seed: Sequence[int]) -> None:
        self.random = np.random.RandomState(list(seed))
        self.samples = self.integer(1, 4)
        self.feed = {}  # type: Dict[cntk.Variable, Batch]
        self.pool = []  # type: List[Any]
        self.made = []  # type: List[Any]
        self._taken = set()  # type: Set[str]
        self.legacy_format = False
        self.dtype = self.one([np.float32] * 6 + [np.float64] * 2 + [np.float16])  # CNTK evaluates one type at a time
        self.usual = np.float32  # the type of what is made without a type of its own
        self.long = False  # whether there is a sequence axis
        self.steps = []  # type: List[int]

    def chance(self, probability: float) -> bool:
        return self.random.uniform() < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.random.randint(low, high + 1))

    def one(self, choices: Sequence[Any]) -> Any:
        return choices[self.random.randint(len(choices))]

    def shape(self, least: int = 0, most: int = 3, free: float = 0.0) -> Tuple[int, ...]:
        rank = self.integer(least, most)
        return tuple(FREE if self.chance(free) else self.integer(1, 4) for _ in range(rank))

    def lengths(self) -> List[int]:
        """Ragged more often than not, and often with a sequence of one step."""
        if self.chance(0.15):
            return [self.integer(1, 5)] * self.samples
        found = [self.integer(1, 6) for _ in range(self.samples)]
        if self.chance(0.5):
            found[self.random.randint(self.samples)] = 1
        return found

    def normal(self, shape: Sequence[int], dtype: Optional[type] = None) -> np.ndarray:
        return self.random.standard_normal([FREE_SIZE if d == FREE else d for d in shape]).astype(dtype or self.usual)

    def static(self, shape: Sequence[int], dtype: Optional[type] = None, values: Optional[np.ndarray] = None) -> Any:
        """An input without dynamic axes."""
        return self._input(shape, dtype or self.usual, [], self.normal(shape, dtype) if values is None else values)

    def batch(self, shape: Sequence[int], dtype: Optional[type] = None, values: Optional[np.ndarray] = None) -> Any:
        """An input with the batch axis."""
        values = self.normal((self.samples, *shape), dtype) if values is None else values
        return self._input(shape, dtype or self.usual, [cntk.Axis.default_batch_axis()], values)

    def batch_of(self, values: np.ndarray) -> Any:
        """An input with the batch axis, of the type and shape of `values`, `[N, *shape]`."""
        return self.batch(values.shape[1:], values.dtype.type, values)

    def sequence(
        self,
        shape: Sequence[int],
        lengths: Sequence[int],
        axis: Optional[Any] = None,
        dtype: Optional[type] = None,
        values: Optional[List[np.ndarray]] = None,
    ) -> Any:
        """An input over a sequence axis, the default one unless `axis` is given."""
        if values is None:
            values = [self.normal((length, *shape), dtype) for length in lengths]
        axes = [cntk.Axis.default_batch_axis(), cntk.Axis.default_dynamic_axis() if axis is None else axis]
        return self._input(shape, dtype or self.usual, axes, values)

    def parameter(self, shape: Sequence[int], dtype: Optional[type] = None) -> Any:
        scale = 1.0 / np.sqrt(max(1, int(np.prod(shape[:-1], dtype=int))))
        own = dtype or self.usual
        return cntk.parameter(init=(scale * self.normal(shape, np.float32)).astype(own), dtype=own)

    def constant(self, shape: Sequence[int], dtype: Optional[type] = None) -> Any:
        return cntk.constant(self.normal(shape, dtype), dtype=dtype or self.usual)

    def operand(self, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """A value of the pool, the younger the likelier."""
        fitting = [value for value in self.pool if fits(value)]
        if not fitting:
            raise NothingFitsError
        return fitting[-1] if self.chance(0.4) else self.one(fitting)

    def over_sequence(self) -> Any:
        return self.operand(lambda value: len(value.dynamic_axes) == 2)

    def over_batch(self) -> Any:
        return self.operand(lambda value: len(value.dynamic_axes) == 1)

    def keep(self, value: Any) -> Any:
        """Put a result, or every output of one, into the pool."""
        outputs = value if isinstance(value, (list, tuple)) else value.outputs
        for output in outputs:
            function = output if isinstance(output, cntk.Function) else cntk.combine([output])
            self.pool.append(function)
            self.made.append(function)
        return value

    def grow(self, operations: Sequence[Operation], count: int) -> None:
        """Apply `count` operations. CNTK is the judge of what fits: what it refuses is drawn again."""
        grown = 0
        for _ in range(12 * count):
            try:
                result = self.one(operations)(self)
                self.keep(result)
            except (NothingFitsError, ValueError, RuntimeError, TypeError, IndexError):
                continue
            grown += 1
            if grown == count:
                return

    def finish(self, most: int = 3) -> Case:
        """The case of the last values made and of some others."""
        if not self.made:
            raise NothingFitsError
        chosen = [self.made[-1]]
        for value in reversed(self.made[:-1]):
            if len(chosen) < most and value.uid != chosen[0].uid and self.chance(0.5):
                chosen.append(value)
        heads = [self._named(value) for value in chosen]
        model = cntk.combine(heads)
        needed = {argument.uid for argument in model.arguments}
        inputs = {variable: value for variable, value in self.feed.items() if variable.uid in needed}
        return case(model, inputs)._replace(legacy_format=self.legacy_format)

    def _named(self, value: Any) -> Any:
        """Most outputs go by their uid; some have a name, which another output or an input may bear too."""
        if self.legacy_format or self.chance(0.7):
            return value
        name = self.one([name for name in NAMES if name not in self._taken])
        self._taken.add(name)
        return cntk.alias(value, name)

    def _input(self, shape: Sequence[int], dtype: type, axes: List[Any], values: Batch) -> Any:
        name = "i%d" % len(self.feed) if self.chance(0.75) else self.one(["", "", "x", "scope/x", "T_x"])
        variable = cntk.input_variable(tuple(shape), dtype=dtype, dynamic_axes=axes, name=name)
        self.feed[variable] = values
        self.pool.append(variable)
        return variable
