"""What an output depends on: estimators that read labelled results block by block and keep sums, not samples."""
