"""Two things that a schema cannot say about a valid request; requests that are meant to be invalid keep them."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or not case.query:
        return
    # A cursor is one that we gave out for this very list.
    case.query.pop("cursor", None)
    # A state is asked for at a version or at a time.
    if "version" in case.query:
        case.query.pop("at", None)
