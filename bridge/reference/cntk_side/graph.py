"""A loaded model as a graph of primitive operators: blocks looked through, placeholders replaced by what they stand for."""

from cntk import Function
from cntk.internal.swig_helper import map_if_possible


class Graph:
    """All functions of a model, those inside blocks included.

    `outputs` has every output variable by uid, `owners` its function and position; outer functions come before inner ones.
    """

    def __init__(self, model):
        self.outputs = {}
        self.owners = {}
        self.arguments = {}
        self._bound = {}
        self._visit(model)

    def _visit(self, model):
        pending, seen = [model], set()
        position = 0
        while position < len(pending):
            function = pending[position]
            position += 1
            function = function.root_function if function.is_composite else function
            if function.uid in seen:
                continue
            seen.add(function.uid)
            if function.op_name != "Combine":  # The outputs of a Combine are those of its operands.
                for index, output in enumerate(function.outputs):
                    self.outputs[output.uid] = output
                    self.owners[output.uid] = (function, index)
            operands = list(function.inputs)
            if function.is_block:
                for placeholder, argument in function.block_arguments_mapping:
                    self._bound[placeholder.uid] = argument
                    operands.append(argument)
            pending.extend(operand.owner for operand in operands if operand.is_output)
            self.arguments.update((operand.uid, operand) for operand in operands if operand.is_input)
            if function.is_block:
                pending.append(function.block_root)

    def resolve(self, variable):
        """The primitive operator's output, or the leaf, that carries the value of `variable`."""
        seen = set()
        while variable.uid not in seen:
            seen.add(variable.uid)
            if variable.uid in self._bound:
                variable = self._bound[variable.uid]
            elif variable.uid in self.owners and self.owners[variable.uid][0].is_block:
                function, index = self.owners[variable.uid]
                variable = function.block_root.outputs[index]
            else:
                return variable
        raise ValueError("variable %s stands for itself" % variable.uid)

    def operands(self, variable):
        """What the operator reads whose output `variable` (resolved) is; nothing for a leaf."""
        if variable.uid not in self.owners:
            return []
        return [self.resolve(operand) for operand in self.owners[variable.uid][0].inputs]

    def computable(self, given):
        """The uids of all outputs that do not depend on an argument outside of `given` (uids)."""
        readers = {}
        carriers = {uid: self.resolve(variable) for uid, variable in self.outputs.items()}
        for carrier in set(carriers.values()):
            for operand in self.operands(carrier):
                readers.setdefault(operand.uid, []).append(carrier.uid)
        tainted = set()
        pending = [uid for uid in self.arguments if uid not in given]
        while pending:
            uid = pending.pop()
            if uid not in tainted:
                tainted.add(uid)
                pending.extend(readers.get(uid, ()))
        return {uid for uid, carrier in carriers.items() if carrier.uid not in tainted}


def flatten(cntk, model):
    """A copy of `model` without blocks, which shares its parameters, and what became of each variable: uid -> new variable.

    CNTK evaluates no variable inside a block, because the block's placeholders stand in its way. The copy computes the same
    with the same kernels in the same order. New uids are found by walking through both graphs side by side.
    """
    flat = model.clone_flattened(cntk.cntk_py.ParameterCloningMethod_Share)
    map_if_possible(flat)  # CNTK's binding leaves out the Python class of this one result.
    before, after = Graph(model), Graph(flat)
    found = {}
    pending = list(zip(model.outputs, flat.outputs))
    while pending:
        old, new = pending.pop()
        old, new = before.resolve(old), after.resolve(new)
        if old.uid in found:
            continue
        found[old.uid] = new
        if old.uid not in before.owners:
            continue
        old_function, new_function = before.owners[old.uid][0], after.owners[new.uid][0]
        if old_function.op_name != new_function.op_name or len(old_function.inputs) != len(new_function.inputs):
            raise ValueError("CNTK's flattened copy has %s where the model has %s" % (new_function, old_function))
        for left, right in zip(old_function.outputs, new_function.outputs):
            found[left.uid] = right
        pending.extend(zip(old_function.inputs, new_function.inputs))
    for uid, variable in list(before.outputs.items()) + list(before.arguments.items()):
        carrier = before.resolve(variable).uid
        if carrier in found:
            found[uid] = found[carrier]
    return found


def operator_names(graph, heads):
    """Names of all operators and blocks that `heads` depend on, sorted."""
    names, seen = set(), set()
    pending = list(heads)
    while pending:
        variable = pending.pop()
        if variable.uid in seen:
            continue
        seen.add(variable.uid)
        if variable.uid in graph.owners:
            function, index = graph.owners[variable.uid]
            names.add(function.op_name)
            pending.extend(function.inputs)
            if function.is_block:
                pending.append(function.block_root.outputs[index])
                _add_combine(names, function.block_root)
        elif graph.resolve(variable).uid != variable.uid:
            pending.append(graph.resolve(variable))
    return sorted(names)


def _add_combine(names, root):
    root = root.root_function if isinstance(root, Function) and root.is_composite else root
    if root.op_name == "Combine":
        names.add("Combine")
