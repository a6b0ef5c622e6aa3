"""What an answer may be: a verdict, the run that shows a violation, what stands behind a proof."""
