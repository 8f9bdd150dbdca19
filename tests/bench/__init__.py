"""Speed and memory, measured in child processes and printed as Markdown: `python -m tests.bench --help`."""
