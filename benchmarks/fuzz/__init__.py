"""What takes input from outside, fed with broken ones: `python -m benchmarks.fuzz`."""
