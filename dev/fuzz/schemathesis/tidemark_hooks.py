"""What a schema cannot say about a valid request, and patience that would find nothing. Requests that are meant to be invalid stay so."""

import datetime
import re

import schemathesis
from hypothesis import strategies as st

# Times of business lie between 1970 and tomorrow, which no schema can say.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(min_value=datetime.datetime(1970, 1, 2), max_value=datetime.datetime(2026, 1, 1)).map(
        lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000).isoformat() + "Z"
    ),
)

# As in the OpenAPI documents. The coverage phase makes values for headers that their own pattern does not allow.
PATTERNS = {
    "If-Match": re.compile(r'([*]|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)'),
    "Consistency-Token": re.compile(r"(order|stock|payment|fulfilment)-.{1,270}(@|%40)[1-9][0-9]{0,8}"),
}

# Ends of a range of time, which no schema can put in order.
RANGES = (("from", "to"), ("placedFrom", "placedTo"))

# Milliseconds. A made-up consistency token names what will never be there.
PATIENCE = 50


# No order has it. An order that exists is followed for ten minutes: such an answer has no end to be checked.
NOBODY = "00000000-0000-4000-8000-000000000000"


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path.endswith("/live") and case.path_parameters:
        case.path_parameters["orderId"] = NOBODY
    query = case.query if case.query is not None else {}
    headers = case.headers or {}
    meta = case.meta
    if "consistentWith" in query or "Consistency-Token" in headers:
        wait = query.get("waitMs", 2_000)
        if str(wait).isdigit() and PATIENCE < int(wait) <= 10_000:
            query["waitMs"] = PATIENCE
    if meta is None or not meta.generation.mode.is_positive:
        return
    for name, pattern in PATTERNS.items():
        if name in headers and not pattern.fullmatch(headers[name]):
            del headers[name]
    # A cursor is one that we gave out for this very list.
    query.pop("cursor", None)
    for start, end in RANGES:
        if start in query and end in query and instant(query[start]) > instant(query[end]):
            query[start], query[end] = query[end], query[start]
    # A state is asked for at a version or at a time.
    if "version" in query:
        query.pop("at", None)


def instant(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
