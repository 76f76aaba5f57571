"""How other people's Python answers the rules: what goes without saying, and what has to be said.

Mean over 35 public packages of the share of each form (packages with ten sites of the rule, rules
with five such packages, forms from three in a hundred on). Where a model as shipped was asked often
enough (ten minimal pairs in two repositories, none of which shows the habit), it is the share in
which that model finds the form the likelier one: older code is more of what it has read.
"""

from __future__ import annotations

from collections.abc import Mapping

_UNKNOWN = 0.5  # of a rule that was not counted
_RARE = 0.03
_OTHERS: Mapping[str, Mapping[str, float]] = {
    "python/abstract-collections": {"collections.abc": 0.62, "typing": 0.38},
    "python/assertions": {"assert": 0.8, "method": 0.2},
    "python/assign-and-test": {"statement": 0.75, "walrus": 0.25},
    "python/boolean-parameters": {"position": 0.7, "keyword": 0.3},
    "python/caught-classes": {"specific": 0.81, "exception": 0.18},
    "python/class-bases": {"bare": 0.96, "object": 0.04},
    "python/class-docstrings": {"documented": 0.6, "undocumented": 0.4},
    "python/class-names": {"pascal": 0.94, "lower": 0.03},
    "python/comment-case": {"upper": 0.79, "lower": 0.21},
    "python/comment-stop": {"no-stop": 0.62, "stop": 0.38},
    "python/constant-names": {"upper": 0.77, "snake": 0.21},
    "python/dataclass-options": {
        "plain": 0.59,
        "frozen": 0.16,
        "frozen-slots": 0.14,
        "slots": 0.11,
    },
    "python/dict-from-keywords": {"literal": 0.94, "call": 0.06},
    "python/docstring-end": {"own": 0.97, "same": 0.03},
    "python/docstring-mood": {"imperative": 0.79, "indicative": 0.21},
    "python/docstring-start": {"same": 0.51, "next": 0.49},
    "python/docstring-stop": {"stop": 0.89, "no-stop": 0.11},
    "python/docstring-style": {"prose": 0.56, "rest": 0.2, "google": 0.14, "numpy": 0.1},
    "python/early-return": {"flat": 0.93, "nested": 0.07},
    "python/emptiness": {"truth": 0.72, "length": 0.28},
    "python/empty-collections": {"literal": 1.0},
    "python/error-message-case": {"upper": 0.7, "lower": 0.3},
    "python/error-message-stop": {"no-stop": 0.72, "stop": 0.28},
    "python/exception-names": {"error": 0.53, "other": 0.43, "exception": 0.04},
    "python/exception-variable": {"e": 0.52, "exc": 0.23, "err": 0.1, "error": 0.09},
    "python/function-docstrings": {"undocumented": 0.55, "documented": 0.45},
    "python/function-names": {"snake": 0.97},
    "python/future-annotations": {"future": 0.55, "without": 0.45},
    "python/generic-collections": {"builtin": 0.81, "typing": 0.19},
    "python/getters": {"property": 0.85, "getter": 0.15},
    "python/ignored-errors": {"pass": 0.87, "suppress": 0.13},
    "python/import-form": {"from": 0.58, "module": 0.42},
    "python/import-place": {"top": 0.94, "inside": 0.06},
    "python/interfaces": {"protocol": 0.52, "abc": 0.48},
    "python/isinstance-of-several": {"tuple": 0.88, "bar": 0.12},
    "python/keyword-only": {"position": 0.74, "keyword": 0.26},
    "python/lists-from-loops": {"comprehension": 0.93, "loop": 0.07},
    "python/log-message-case": {"upper": 0.81, "lower": 0.19},
    "python/log-message-stop": {"no-stop": 0.81, "stop": 0.19},
    "python/logger-argument": {"__name__": 0.67, "text": 0.33},
    "python/logger-names": {"logger": 0.75, "LOGGER": 0.12, "_logger": 0.06, "log": 0.06},
    "python/logging-arguments": {"lazy": 0.68, "fstring": 0.3},
    "python/message-place": {"inline": 0.94, "variable": 0.06},
    "python/method-names": {"snake": 0.96},
    "python/module-docstrings": {"undocumented": 0.6, "documented": 0.4},
    "python/module-names": {"snake": 0.96, "kebab": 0.04},
    "python/open-encoding": {"given": 0.64, "missing": 0.36},
    "python/optional": {"bar": 0.69, "optional": 0.3},
    "python/output": {"log": 0.4, "warn": 0.34, "print": 0.26},
    "python/own-imports": {"relative": 0.78, "absolute": 0.22},
    "python/parameter-types": {"all": 0.73, "none": 0.25},
    "python/paths": {"os": 0.62, "pathlib": 0.38},
    "python/private-attributes": {"single": 0.98},
    "python/raise-empty": {"class": 0.52, "call": 0.48},
    "python/raise-from": {"from": 0.52, "without": 0.29, "none": 0.19},
    "python/raised-classes": {"builtin": 0.59, "own": 0.36, "library": 0.05},
    "python/records": {"dataclass": 0.55, "namedtuple": 0.23, "typeddict": 0.13, "attrs": 0.04},
    "python/return-types": {"annotated": 0.72, "missing": 0.28},
    "python/string-formatting": {"fstring": 0.79, "concatenation": 0.11, "percent": 0.07},
    "python/super-call": {"bare": 0.99},
    "python/suppressions": {"coded": 0.74, "blanket": 0.26},
    "python/test-function-names": {"snake": 1.0},
    "python/test-return-types": {"missing": 0.67, "annotated": 0.33},
    "python/test-structure": {"function": 0.4, "class": 0.35, "unittest": 0.25},
    "python/union": {"bar": 0.71, "union": 0.29},
    "python/variable-names": {"snake": 0.98},
}
_MODEL: Mapping[tuple[str, str], float] = {
    ("python/assertions", "assert"): 0.87,
    ("python/generic-collections", "builtin"): 0.39,
    ("python/optional", "bar"): 0.55,
    ("python/own-imports", "absolute"): 0.45,
    ("python/parameter-types", "all"): 0.41,
    ("python/return-types", "annotated"): 0.73,
}


def share_elsewhere(rule: str, form: str) -> float:
    """Return how often a form is what one would expect, 0 to 1, without knowing the house."""
    if (rule, form) in _MODEL:
        return _MODEL[rule, form]
    shares = _OTHERS.get(rule)
    return _UNKNOWN if shares is None else shares.get(form, _RARE)
