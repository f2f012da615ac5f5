"""Before any test imports gRPC: the library reads its settings when it is loaded."""

import bridge.serve.grpc  # noqa: F401
