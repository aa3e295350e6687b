"""python -m tests.maps.rules [RULE]

Runs the tests of the rules, those of RULE first, and ends with 1 at the first that fails, whose
name it prints.
"""

import sys

from journeys.replay.trial import run_test

from . import COMPILED, DOCUMENTS, TESTS, rule_of


def main(first: int) -> int:
    for test in sorted(TESTS, key=lambda test: rule_of(test) != first):
        if not run_test(DOCUMENTS, COMPILED, test).passed:
            print(f"{rule_of(test)}: {test.name}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 0))
