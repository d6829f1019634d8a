"""What is printed is what it was: no part of a path, a token or a fingerprint becomes a picture."""

import pytest

from healthslm.cli import terminal


@pytest.mark.parametrize("text", ["8D:CD:E1", "/home/:smile:/x", ":warning: and [bold]no markup[/]"])
def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    terminal.out.print(text, markup=False, soft_wrap=True)
    terminal.say(text)
    said = capsys.readouterr()
    assert said.out == f"{text}\n"
    assert said.err == f"{text}\n"
