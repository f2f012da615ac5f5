"""Finds what is wanted in a loaded model, feeds it, and reads values: of the model's outputs, or of any variable inside."""

import re

from cntk_side.graph import Graph, flatten, operator_names
from cntk_side.values import from_cntk, identical, to_cntk

DTYPES = {1: "float32", 2: "float64", 4: "float16"}
_FORWARD_PASSES = 48  # Where values have to be looked for one half at a time.


class EvaluationError(Exception):
    """CNTK does not evaluate this model on these inputs."""


def evaluate(engine, path, request, inputs):
    """The result document and its tensors. Evaluates twice, from the file each time, where `request["repeat"]` says so."""
    try:
        result, tensors = _evaluate(engine.cntk, path, request, inputs)
        if request["repeat"]:
            again = _evaluate(engine.cntk, path, request, inputs)[1]
            result["differing"] = [e["key"] for e, a, b in zip(result["values"], tensors, again) if not identical(a, b)]
    except EvaluationError:
        raise
    except Exception as error:  # CNTK raises RuntimeError, ValueError and others for whatever it does not like.
        raise EvaluationError(sentence(error)) from error
    return result, tensors


def _evaluate(cntk, path, request, inputs):
    model = cntk.load_model(path)
    graph = Graph(model)
    feed = _arguments(graph, inputs)
    keys, unavailable = _wanted(model, graph, request["wanted"])
    computable = graph.computable(set(feed))
    roots = {output.uid: output for output in model.outputs}
    for key, variable in list(keys.items()):
        if variable.uid in graph.outputs and variable.uid not in computable:
            unavailable[key] = "depends on an input that was not given"
            del keys[key]
    if not keys:
        raise EvaluationError(_nothing_to_compute(graph, unavailable, feed))
    if all(variable.uid in roots for variable in keys.values()):
        values = _forward(cntk, {key: roots[variable.uid] for key, variable in keys.items()}, feed)
        exact = None
    else:
        values, exact = _look_inside(cntk, model, keys, feed, unavailable, [roots[uid] for uid in roots if uid in computable])
    keys = {key: variable for key, variable in keys.items() if key in values}
    result = {
        "values": [_describe(graph, key, variable) for key, variable in keys.items()],
        "arguments": [_describe(graph, v.uid, v) for v in _needed(cntk, roots, keys, graph) if v.uid in feed],
        "unavailable": unavailable,
        "operators": operator_names(graph, keys.values()),
        "inner_values_exact": exact,
    }
    return result, [values[key] for key in keys]


def _arguments(graph, inputs):
    """The given values by the uid of the argument; a key is a uid or a name."""
    names = {}
    for argument in graph.arguments.values():
        names.setdefault(argument.name, argument.uid)
    feed = {}
    for key, value in inputs.items():
        uid = key if key in graph.arguments else names.get(key)
        if uid is None:
            raise EvaluationError("the model has no input %r; it has %s" % (key, ", ".join(sorted(names))))
        feed[uid] = value
    return feed


def _wanted(model, graph, wanted):
    """The variables asked for by key, and why others are not there."""
    if wanted is None:
        return {output.uid: output for output in model.outputs}, {}
    if wanted == "everything":
        found = {output.uid: output for output in model.outputs}
        found.update(graph.outputs)
        return found, {}
    names = {}
    for uid, variable in list(graph.outputs.items()) + list(graph.arguments.items()):
        owner = graph.owners[uid][0].name if uid in graph.owners and graph.owners[uid][1] == 0 else ""
        for name in (variable.name, owner):
            names.setdefault(name, variable)
    keys, unavailable = {}, {}
    for entry in wanted:
        variable = graph.outputs.get(entry["uid"]) or graph.arguments.get(entry["uid"])
        if variable is None and entry["name"]:
            variable = names.get(entry["name"])
        if variable is None:
            unavailable[entry["key"]] = "CNTK's loaded model has no variable of this uid or name"
        else:
            keys[entry["key"]] = variable
    return keys, unavailable


def _look_inside(cntk, model, keys, feed, unavailable, roots):
    """Values of variables anywhere, from a copy without blocks; whether that copy's outputs are the model's in every bit."""
    new = flatten(cntk, model)
    arguments = {new[uid].uid: feed[uid] for uid in feed if uid in new}
    variables = {key: new[variable.uid] for key, variable in keys.items() if variable.uid in new}
    unavailable.update((key, "no part of what the outputs are computed from") for key in keys if key not in variables)
    values = _forward_what_works(cntk, variables, arguments, unavailable)
    heads = {root.uid: root for root in roots}
    if not heads:
        return values, None
    plain = _forward(cntk, heads, feed)
    flat = _forward(cntk, {uid: new[uid] for uid in heads}, arguments)
    return values, all(identical(plain[uid], flat[uid]) for uid in heads)


def _forward_what_works(cntk, variables, feed, unavailable):
    """All values that CNTK gives. Where it objects to a group, its halves are tried, so that one node spoils only itself."""
    values = {}
    groups = [list(variables)]
    passes = 0
    while groups:
        group = groups.pop()
        passes += 1
        try:
            values.update(_forward(cntk, {key: variables[key] for key in group}, feed))
        except Exception as error:  # noqa: BLE001  # Whatever CNTK raises; it is told of with the variable.
            if len(group) == 1 or passes >= _FORWARD_PASSES:
                unavailable.update((key, sentence(error)) for key in group)
            else:
                groups += [group[: len(group) // 2], group[len(group) // 2 :]]
    return values


def _forward(cntk, variables, feed):
    """One forward pass: values by key. `feed` is keyed by the uids of arguments."""
    computed = {key: variable for key, variable in variables.items() if not variable.is_input}
    values = {key: feed[variable.uid] for key, variable in variables.items() if variable.is_input and variable.uid in feed}
    if computed:
        function = cntk.combine(list({v.uid: v for v in computed.values()}.values()))
        fed = {a: to_cntk(a, feed[a.uid]) for a in function.arguments if a.uid in feed}
        _, raw = function.forward(fed, function.outputs, as_numpy=False)
        by_uid = {variable.uid: (variable, value) for variable, value in raw.items()}
        values.update((key, from_cntk(*by_uid[variable.uid])) for key, variable in computed.items())
    return values


def _needed(cntk, roots, keys, graph):
    """The arguments that the values depend on, in CNTK's order."""
    heads = [variable for variable in keys.values() if variable.uid in roots] or list(roots.values())
    ordered = list(cntk.combine(heads).arguments)
    return [a for a in ordered if not a.is_placeholder and a.uid in graph.arguments]


def _describe(graph, key, variable):
    owner = graph.owners.get(variable.uid)
    return {
        "key": key,
        "uid": variable.uid,
        "name": variable.name,
        "operator": owner[0].op_name if owner is not None else "",
        "shape": list(variable.shape),
        "dtype": DTYPES.get(int(variable.get_data_type()), "unknown"),
        "dynamic_axes": [axis.name for axis in variable.dynamic_axes],
        "sparse": variable.is_sparse,
    }


def _nothing_to_compute(graph, unavailable, feed):
    missing = ", ".join(repr(a.name or a.uid) for uid, a in sorted(graph.arguments.items()) if uid not in feed)
    reasons = "; ".join("%s: %s" % entry for entry in sorted(unavailable.items())[:5])
    return "nothing of what was asked for can be computed (%s); inputs without a value: %s" % (reasons, missing or "none")


def sentence(error):
    """What CNTK says, without the call stack that it appends."""
    text = str(error).split("[CALL STACK]")[0]
    return re.sub(r"\s+", " ", text).strip() or type(error).__name__
