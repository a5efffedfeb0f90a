"""What schemathesis must not send, because no schema can say that it is not taken.

For JSON Schema `3.0` is a whole number, and serde takes only `3` for one. In a form brackets in a name nest, and a value
without a name is no field.
"""

import schemathesis


def has_whole_float(value):
    if isinstance(value, dict):
        return any(has_whole_float(item) for item in value.values())
    if isinstance(value, list):
        return any(has_whole_float(item) for item in value)
    return isinstance(value, float) and value.is_integer()


def has_odd_name(form):
    return isinstance(form, dict) and any(name == "" or "[" in name or "]" in name for name in form)


@schemathesis.hook
def filter_body(context, body):
    operation = getattr(context, "operation", None)
    is_form = operation is not None and "form" in str(operation.get_request_payload_content_types())
    return not has_whole_float(body) and not (is_form and has_odd_name(body))
