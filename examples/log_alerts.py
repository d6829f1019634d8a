"""A hook: append one line for every alert to a file. Any program that reads JSON can be one.

    healthslm hooks add diary --tell title -- python examples/log_alerts.py diary.txt
    healthslm hooks test diary

The alert comes on standard input as JSON (docs/alerts.md says what is in it). Ending with 0 says that it was
taken; anything else, or more than ten seconds, and it is brought again later.
"""

import json
import sys


def main() -> int:
    """Read the alert and write the line."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    alert = json.load(sys.stdin)
    if alert["schema"] != "healthslm.alert/1":
        print(f"cannot read {alert['schema']}", file=sys.stderr)
        return 1
    with open(sys.argv[1], "a", encoding="utf-8") as file:
        file.write(f"{alert['raised_at']} {alert['severity']}: {alert['message']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
