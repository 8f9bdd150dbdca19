"""Pure functions from text and verdicts to numbers: they serve live training and old samples alike."""
