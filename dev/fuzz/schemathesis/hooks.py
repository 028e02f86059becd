"""What a schema cannot say about a valid request, and patience that would find nothing. Requests that are meant to be invalid stay so."""

import schemathesis

# Milliseconds. A made-up consistency token names what will never be there.
PATIENCE = 50


@schemathesis.hook
def before_call(context, case, kwargs):
    query = case.query
    headers = case.headers or {}
    if query is None:
        return
    meta = case.meta
    if "consistentWith" in query or "Consistency-Token" in headers:
        wait = query.get("waitMs", 2_000)
        if str(wait).isdigit() and PATIENCE < int(wait) <= 10_000:
            query["waitMs"] = PATIENCE
    if meta is None or not meta.generation.mode.is_positive:
        return
    # A cursor is one that we gave out for this very list.
    query.pop("cursor", None)
    # A state is asked for at a version or at a time.
    if "version" in query:
        query.pop("at", None)
