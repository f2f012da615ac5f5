"""Answers one request: `python3.6 -I -S -B __main__.py REQUEST_FOLDER RESULT_FOLDER MODEL`.

The request is untrusted as far as its model goes, so that the process gives up what it does not need before CNTK is loaded.
Everything that goes wrong ends up in `result.json` as a sentence; a crash of CNTK leaves no such file, and says so by that.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from cntk_side.confinement import confine


def main():
    """Confine this process, evaluate, write down."""
    request_folder, result_folder, model = sys.argv[1:]
    with open(os.path.join(request_folder, "request.json"), encoding="utf-8") as stream:
        request = json.load(stream)
    reached = confine(request["limits"], result_folder)
    sys.path[:0] = request["module_folders"]
    from cntk_side.engine import load_engine
    from cntk_side.exchange import read_inputs, write_result

    engine = load_engine(request["seed"])
    from cntk_side.evaluation import EvaluationError, evaluate

    try:
        result, tensors = evaluate(engine, model, request, read_inputs(request_folder, request))
    except EvaluationError as error:
        result, tensors = {"error": str(error)}, []
    result.update(confinement=reached, versions=engine.versions)
    write_result(result_folder, result, tensors)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    # CNTK's destructors have been seen to crash at exit; there is nothing left that they could do for anybody.
    os._exit(0)
