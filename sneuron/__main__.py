"""`python -m sneuron` is the command line."""

from sneuron.cli import main

if __name__ == "__main__":
    main(prog_name="sneuron")
