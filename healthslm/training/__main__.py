"""`python -m healthslm.training`: learn the language model's adapter."""

from healthslm.training.adapter import main

main()
